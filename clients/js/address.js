// @ts-check
/** Where the status of a payment, of a link or of a top-up is read. */

/** @type {any} */
export const statusAddress = (/** @type {import("./address.d.ts").Subject} */ subject) => {
  const { baseUrl = "", paymentId, paymentLinkId, txRef } = subject;
  const root = `${baseUrl.replace(/\/+$/, "")}/api`;
  if (paymentId) return `${root}/payments/${encodeURIComponent(paymentId)}/status`;
  if (paymentLinkId) return `${root}/payment-links/${encodeURIComponent(paymentLinkId)}/status`;
  return txRef ? `${root}/topup/status?tx_ref=${encodeURIComponent(txRef)}` : "";
};
