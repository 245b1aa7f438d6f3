// A merchant with SePay's Node SDK for its hosted checkout: forms, orders, a cancel, a void.
"use strict";

const assert = require("node:assert/strict");
const { SePayPgClient } = require("sepay-pg-node");
const { act, browse, heard, keys, refused, url, walk } = require("./walker.cjs");

walk(async () => {
  const { merchant_id, secret_key } = keys.sepay_pg;
  const client = new SePayPgClient({ env: "sandbox", merchant_id, secret_key });
  SePayPgClient.baseApiUrl = `${url}/_sim/sepay_pg/v1`;
  SePayPgClient.baseCheckoutUrl = `${url}/_sim/sepay_pg/v1/checkout`;
  const wish = (invoice) => ({
    payment_method: "BANK_TRANSFER",
    order_invoice_number: invoice,
    order_amount: 50000,
    currency: "VND",
    order_description: "Hai ly cà phê",
    customer_id: "C-9",
    success_url: "https://shop.example/thanks?lang=vi",
    error_url: "https://shop.example/error",
    cancel_url: "https://shop.example/back",
  });
  const open = async (invoice) => {
    const fields = client.checkout.initOneTimePaymentFields(wish(invoice));
    return browse(client.checkout.initCheckoutUrl(), fields);
  };

  assert.equal((await open("HUB-0001")).status, 303);
  assert.equal((await open("HUB-0001")).status, 303);
  const fields = client.checkout.initOneTimePaymentFields(wish("HUB-0009"));
  const changed = await browse(client.checkout.initCheckoutUrl(), { ...fields, order_amount: 1 });
  assert.equal(changed.status, 400);

  const waiting = (await client.order.retrieve("HUB-0001")).data.data;
  assert.equal(waiting.order_status, "AUTHENTICATION_NOT_NEEDED");
  assert.equal(waiting.order_amount, "50000.00");

  await act("sepay_pg", "HUB-0001", "pay");
  const paid = (await client.order.retrieve("HUB-0001")).data.data;
  assert.equal(paid.order_status, "CAPTURED");
  assert.deepEqual(paid.transactions.map((one) => one.transaction_amount), ["50000"]);
  const [notice] = await heard("sepay_pg", "HUB-0001");
  assert.equal(notice.headers["x-secret-key"], secret_key);
  assert.equal(JSON.parse(notice.body).notification_type, "ORDER_PAID");

  await open("HUB-0002");
  const listed = (await client.order.all({ per_page: 1, order_status: "CAPTURED" })).data;
  assert.deepEqual(listed.data.map((one) => one.order_invoice_number), ["HUB-0001"]);
  assert.equal((await client.order.all({ q: "hub-000" })).data.meta.total, 2);
  assert.equal((await client.order.all({ customer_id: "C-0" })).data.meta.total, 0);

  await client.order.cancel("HUB-0002");
  assert.equal((await client.order.retrieve("HUB-0002")).data.data.order_status, "CANCELLED");
  assert.equal((await refused(() => client.order.cancel("HUB-0001"))).response.status, 422);
  assert.equal((await refused(() => client.order.voidTransaction("HUB-0001"))).response.status, 422);
  assert.equal((await refused(() => client.order.retrieve("HUB-0404"))).response.status, 404);
});
