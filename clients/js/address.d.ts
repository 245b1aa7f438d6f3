import type { PaymentLinkStatus, PaymentStatus, TopupStatus } from "./status.js";
import type { StatusAddress } from "./watch.js";

/** What to follow: a payment, or else a link by its id or short code, or else a top-up. */
export interface Subject {
  /** Where Tallystick is, such as `https://pay.example.com`; the page's own origin without it. */
  baseUrl?: string;
  /** `pay_…`; needs a client token, or the pay page's own cookie. */
  paymentId?: string | null;
  /** `plink_…`, or a link's short code; its status is public. */
  paymentLinkId?: string | null;
  /** `top_…`; needs the owner's JWT, or the client token of the top-up. */
  txRef?: string | null;
}

/** The status that belongs to what is followed. */
export type StatusOf<S> = S extends { paymentId: string }
  ? PaymentStatus
  : S extends { txRef: string }
    ? TopupStatus
    : PaymentLinkStatus;

/** The address that `watch` takes; empty where there is nothing to follow yet. */
export function statusAddress<S extends Subject>(subject: S): StatusAddress<StatusOf<S>>;
