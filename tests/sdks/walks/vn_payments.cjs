// A merchant with the library for OnePay's redirect gateway: an address, an IPN, a return.
"use strict";

const assert = require("node:assert/strict");
const { OnePayDomestic } = require("vn-payments");
const { act, browse, heard, keys, url, walk } = require("./walker.cjs");

walk(async () => {
  const { merchant, access_code, hash_key } = keys.onepay_vpc;
  // Its own check of addresses knows no host without a dot and no port, so the host comes after.
  const onepay = new OnePayDomestic({
    accessCode: access_code,
    merchant,
    paymentGateway: "https://mtf.onepay.vn/paygate/vpcpay.op",
    secureSecret: hash_key,
  });
  const address = async (transactionId) => {
    const made = await onepay.buildCheckoutUrl({
      amount: 50000,
      clientIp: "203.0.113.7",
      locale: "vn",
      currency: "VND",
      orderId: "HB7K2M9QX",
      transactionId,
      returnUrl: "https://shop.example/thanks",
      title: "Tallystick",
      againLink: "https://shop.example/back",
    });
    return `${url}/_sim/onepay_vpc/paygate/vpcpay.op${made.search}`;
  };
  const read = (text) => Object.fromEntries(new URLSearchParams(text));

  for (const [reference, what, code] of [["sdk-1", "pay", "0"], ["sdk-2", "cancel", "99"]]) {
    const at = await address(reference);
    const page = await browse(at);
    assert.equal(page.status, 303);
    assert.equal((await browse(at.replace("5000000", "5000001"))).status, 400);
    await act("onepay_vpc", reference, what);

    const [notice] = await heard("onepay_vpc", reference);
    const told = await onepay.verifyReturnUrl(read(notice.body));
    assert.equal(told.isSuccess, code === "0", JSON.stringify(told));
    assert.deepEqual([told.transactionId, told.responseCode], [reference, code]);
    assert.equal(told.amount, 50000);
    const forged = await onepay.verifyReturnUrl({ ...read(notice.body), vpc_Amount: "100" });
    assert.equal(forged.isSuccess, false);
  }

  // The payer's browser comes back with a signed answer as well.
  const { location } = await browse(await address("sdk-3"));
  const back = await browse(location, { act: "pay" });
  const query = back.location.slice(back.location.indexOf("?") + 1);
  assert.equal((await onepay.verifyReturnUrl(read(query))).isSuccess, true);
});
