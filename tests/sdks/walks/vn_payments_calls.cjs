// The address to which the library for OnePay's redirect gateway sends a payer.
"use strict";

const { OnePayDomestic } = require("vn-payments");
const { given, keys, walk } = require("./walker.cjs");

walk(async () => {
  const { merchant, access_code, hash_key } = keys.onepay_vpc;
  const onepay = new OnePayDomestic({
    accessCode: access_code,
    merchant,
    paymentGateway: given.gateway,
    secureSecret: hash_key,
  });
  console.log(JSON.stringify((await onepay.buildCheckoutUrl(given.wish)).href));
});
