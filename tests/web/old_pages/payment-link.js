// A page of the old payment-link service, in its own words: the hook without any option of its own,
// and the monitor. Since it moved over both are imported from here, and told where Tallystick is.
import { createElement as h, createRoot, useState } from "react";
import { PaymentStatusMonitor, usePaymentStatusPolling } from "tallystick/react";

const { api: baseUrl, paymentLinkId, shortCode } = Object.fromEntries(
  new URLSearchParams(location.search),
);
const WORDS = { DRAFT: "Draft", OPEN: "Waiting", PAID: "Paid", EXPIRED: "Expired", CANCELED: "Canceled" };

function Page() {
  const [changes, setChanges] = useState([]);
  const { status, error, isLoading, hasTimedOut, refetch } = usePaymentStatusPolling({
    paymentLinkId,
    baseUrl,
    enabled: true,
    onStatusChange: ({ currentStatus }) => setChanges((old) => [...old, currentStatus]),
    onTimeout: () => setChanges((old) => [...old, "timeout"]),
  });
  return h("div", null,
    h("p", { id: "badge" }, isLoading ? "Loading" : WORDS[status?.currentStatus] ?? "Unknown"),
    h("p", { id: "message" }, status?.statusMessage),
    h("p", { id: "method" }, status?.paymentMethod),
    h("p", { id: "changes" }, changes.join(" ")),
    (hasTimedOut || error) && h("button", { onClick: refetch }, "Retry"),
    h(PaymentStatusMonitor, { paymentLinkId, shortCode, baseUrl, initialStatus: "OPEN" }),
  );
}
createRoot(document.querySelector("#screen")).render(h(Page));
