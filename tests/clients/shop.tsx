// A shop's program in TypeScript: it is not run, it has to be without a fault for the compiler.
import { useState } from "react";
import { statusAddress, watch, type PaymentStatus } from "tallystick";
import "tallystick/payment-status";
import { PaymentStatusMonitor, usePaymentStatusPolling, useTopupSSE } from "tallystick/react";

watch(statusAddress({ paymentId: "pay_1" }), {
  onStatus: ({ phase }) => phase === "paid",
  ends: ({ final }) => final,
});
watch(statusAddress({ paymentLinkId: "AbC" }), { onStatus: (one) => one.currentStatus === "PAID" });
watch(statusAddress({ txRef: "top_1" }), { onStatus: (one) => one.confirmed_at });
watch<PaymentStatus>("/api/payments/pay_1/status", { onStatus: ({ refunded }) => refunded });
watch("/api/payments/pay_1/status", { onStatus: (one) => one.anything });
// @ts-expect-error A link has no phase.
watch(statusAddress({ paymentLinkId: "AbC" }), { onStatus: ({ phase }) => phase });
// @ts-expect-error A payment is never pending.
watch(statusAddress({ paymentId: "pay_1" }), { onStatus: ({ phase }) => phase === "pending" });

export function Till({ link, txRef }: { link: string; txRef: string | null }) {
  const [word, setWord] = useState("");
  const topup = useTopupSSE({ txRef, onStatusUpdate: ({ status }) => setWord(status) });
  const polling = usePaymentStatusPolling({
    paymentLinkId: link,
    onStatusChange: ({ currentStatus }) => setWord(currentStatus),
  });
  const known = usePaymentStatusPolling({ txRef: "top_1", initialStatus: topup.status });
  return (
    <main>
      {word} {polling.status?.shortCode} {known.status?.tx_ref} {topup.error?.message}
      <payment-status link={link} base-url="https://pay.example.com" lang="vi" id="till" />
      <PaymentStatusMonitor
        paymentLinkId={link}
        initialStatus="OPEN"
        onStatusChange={({ currentStatus }) => setWord(currentStatus)}
      />
      {/* @ts-expect-error There is no such word. */}
      <PaymentStatusMonitor shortCode={link} initialStatus="PENDING" />
    </main>
  );
}
