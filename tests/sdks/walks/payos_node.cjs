// A merchant with payOS's Node SDK 2.x: links, a payment, a cancel, notices, the webhook.
"use strict";

const assert = require("node:assert/strict");
const { PayOS } = require("@payos/node");
const { act, heard, keys, refused, url, walk } = require("./walker.cjs");

walk(async () => {
  const { client_id, api_key, checksum_key } = keys.payos;
  const payos = new PayOS({
    clientId: client_id,
    apiKey: api_key,
    checksumKey: checksum_key,
    baseURL: url,
    maxRetries: 0,
    // It takes the host of an address alone.
    fetch: (asked, how) => fetch(String(asked).replace(url, `${url}/_sim/payos`), how),
  });
  const wish = {
    orderCode: 8001,
    amount: 50000,
    description: "HB7K2M9QY",
    cancelUrl: "https://shop.example/back",
    returnUrl: "https://shop.example/thanks?lang=vi",
  };

  const made = await payos.paymentRequests.create(wish);
  assert.deepEqual([made.orderCode, made.amount, made.status], [8001, 50000, "PENDING"]);
  assert.match(String(await refused(() => payos.paymentRequests.create(wish))), /tồn tại/);

  await act("payos", "8001", "underpay", { amount: 20000 });
  await act("payos", "8001", "pay");
  const paid = await payos.paymentRequests.get(8001);
  assert.deepEqual([paid.status, paid.amountPaid, paid.transactions.length], ["PAID", 50000, 2]);
  const invoices = await payos.paymentRequests.invoices.get({ orderCode: 8001 });
  assert.deepEqual(invoices.invoices, []);

  const notices = (await heard("payos", made.paymentLinkId)).map((one) => JSON.parse(one.body));
  const told = await Promise.all(notices.map((one) => payos.webhooks.verify(one)));
  assert.deepEqual(told.map((one) => one.amount), [20000, 30000]);
  notices[0].data.amount = 1;
  await refused(() => payos.webhooks.verify(notices[0]));

  await payos.paymentRequests.create({ ...wish, orderCode: 8002 });
  const gone = await payos.paymentRequests.cancel(8002, "Khách đổi ý");
  assert.deepEqual([gone.status, gone.cancellationReason], ["CANCELLED", "Khách đổi ý"]);

  const confirmed = await payos.webhooks.confirm(`${url}/webhooks/payos`);
  assert.equal(confirmed.webhookUrl, `${url}/webhooks/payos`);
});
