// What SePay's Node SDK sends for an order: its form, a question and a cancel.
"use strict";

const { SePayPgClient } = require("sepay-pg-node");
const { given, keys, walk } = require("./walker.cjs");

walk(async () => {
  const { merchant_id, secret_key } = keys.sepay_pg;
  const client = new SePayPgClient({ env: "sandbox", merchant_id, secret_key });
  SePayPgClient.baseApiUrl = given.address;
  const quiet = (call) => call().catch(() => undefined);
  await quiet(() => client.order.retrieve(given.invoice));
  await quiet(() => client.order.cancel(given.invoice));
  console.log(JSON.stringify(client.checkout.initOneTimePaymentFields(given.fields)));
});
