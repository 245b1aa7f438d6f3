/** What to follow: a payment, or else a link by its id or short code. */
export interface Subject {
  /** Where Tallystick is, such as `https://pay.example.com`; the page's own origin without it. */
  baseUrl?: string;
  /** `pay_…`; needs a client token, or the pay page's own cookie. */
  paymentId?: string | null;
  /** `plink_…`, or a link's short code; its status is public. */
  paymentLinkId?: string | null;
}

/** The address that `watch` takes; empty where there is nothing to follow yet. */
export function statusAddress(subject: Subject): string;
