// @ts-check
/** Where the status of a payment or of a link is read. */

/** @type {import("./address.d.ts").statusAddress} */
export function statusAddress({ baseUrl = "", paymentId, paymentLinkId }) {
  const [place, id] = paymentId ? ["payments", paymentId] : ["payment-links", paymentLinkId];
  return id ? `${baseUrl.replace(/\/+$/, "")}/api/${place}/${encodeURIComponent(id)}/status` : "";
}
