import type { PaymentLinkStatus, PaymentStatus } from "./status.js";

/**
 * `<payment-status payment="pay_…" token="tct_…">` or `<payment-status link="plink_…">`.
 *
 * Shows the state in words (en, vi, si, ta: by its own `lang`, the page's, the reader's), in light
 * and dark, and tells screen readers politely. Style it by `::part(title)`, `::part(advice)`, the
 * attribute `state`, and the properties `--payment-status-ground` and `--payment-status-ink`.
 * Fires `payment-status` with each new status as its `detail`.
 */
export class PaymentStatusElement extends HTMLElement {
  /** The newest status, or null. */
  readonly status: PaymentStatus | PaymentLinkStatus | null;
  /** The client token; as a property it does not stand in the page's source. */
  token: string;
}

/** What the element is told in HTML and in JSX. */
export interface PaymentStatusAttributes {
  /** A payment's id; needs a token. */
  payment?: string;
  /** A link's id or short code. */
  link?: string;
  token?: string;
  /** Where Tallystick is; the page's own origin without it. */
  "base-url"?: string;
  /** What is known before the first answer, such as `OPEN`. */
  "initial-status"?: string;
  lang?: string;
  id?: string;
  class?: string;
  className?: string;
  slot?: string;
  style?: any;
  hidden?: boolean;
}

declare global {
  namespace JSX {
    interface IntrinsicElements {
      "payment-status": PaymentStatusAttributes & { key?: any; ref?: any };
    }
  }
  interface HTMLElementTagNameMap {
    "payment-status": PaymentStatusElement;
  }
  interface HTMLElementEventMap {
    "payment-status": CustomEvent<PaymentStatus | PaymentLinkStatus>;
  }
}
