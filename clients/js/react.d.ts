import type { ReactElement } from "react";
import type { StatusOf, Subject } from "./address.js";
import type { PaymentStatusAttributes } from "./payment-status.js";
import type { PaymentLinkStatus, PaymentStatus, TopupStatus } from "./status.js";

export type { StatusOf } from "./address.js";

export interface PollingOptions<T> {
  /** The pause between two readings, in milliseconds, where no stream gets through; 3000 where it
   * is not given. After a failure each pause is half as long again, up to 30 s, until the next good
   * answer. */
  initialInterval?: number;
  /** When to give up, in milliseconds; 900000 (15 minutes) where it is not given, never with 0. */
  timeout?: number;
  /** Nothing is asked while it is false; what is known stays. */
  enabled?: boolean;
  /** A client token, to follow a payment, or to see the transaction of a link. */
  token?: string;
  /** What the server that made the page knew; shown until the first answer. */
  initialStatus?: T | null;
  /** Called with each new state, once. */
  onStatusChange?(status: T): void;
  /** Called when the time is over and nothing final is known. */
  onTimeout?(): void;
}

export interface Polling<T> {
  /** The newest state; null before the first. */
  status: T | null;
  /** What went wrong last (an error, or the `Response` that was one); null again with the next answer. */
  error: unknown;
  /** No state is known yet. */
  isLoading: boolean;
  /** The time is over; `refetch` begins anew. */
  hasTimedOut: boolean;
  /** Reads the status at once. Never rejects. */
  refetch(): Promise<void>;
}

/**
 * Follows a payment link, a payment or a top-up: by its event stream, and by polling where no
 * stream gets through. Ends by itself with a status that is `final`. When the page becomes visible,
 * or the device comes online, the status is read at once.
 */
export function usePaymentStatusPolling<S extends Subject>(
  options: S & PollingOptions<StatusOf<S>>,
): Polling<StatusOf<S>>;

export interface TopupOptions {
  /** `top_…`, from `POST /api/topup/init`; nothing is asked before it is known. */
  txRef: string | null | undefined;
  /** The owner's JWT, or the top-up's client token. */
  token?: string;
  /** Where Tallystick is; the page's own origin without it. */
  baseUrl?: string;
  /** Nothing is asked while it is false; what is known stays. */
  enabled?: boolean;
  /** What the server that made the page knew; shown until the first answer. */
  initialStatus?: TopupStatus | null;
  /** Called with each new state, once. */
  onStatusUpdate?(status: TopupStatus): void;
  /** Called with each failure; following goes on. */
  onError?(error: Error): void;
}

export interface Topup {
  /** The newest state; null before the first. */
  status: TopupStatus | null;
  /** The last answer was a good one, by stream or by polling: no poll of your own is needed. */
  isConnected: boolean;
  /** What went wrong last; null again with the next answer. */
  error: Error | null;
  /** Reads the status at once. Never rejects. */
  reconnect(): Promise<void>;
}

/** Follows a top-up of a wallet, with the words of the wallet's own hook. */
export function useTopupSSE(options: TopupOptions): Topup;

export interface PaymentStatusMonitorProps extends PaymentStatusAttributes {
  /** `plink_…`; or else `shortCode`; or else `paymentId` with its `token`. */
  paymentLinkId?: string | null;
  shortCode?: string | null;
  paymentId?: string | null;
  token?: string;
  baseUrl?: string;
  /** What the server that made the page knew: a word such as `OPEN`, or a whole status. */
  initialStatus?: PaymentLinkStatus | PaymentStatus | PaymentLinkStatus["currentStatus"] | null;
  /** Called with each new state, once. */
  onStatusChange?(status: PaymentLinkStatus & PaymentStatus): void;
}

/** `<payment-status>` as a component: the state in words, live. */
export function PaymentStatusMonitor(props: PaymentStatusMonitorProps): ReactElement;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "payment-status": PaymentStatusAttributes & { key?: unknown; ref?: unknown };
    }
  }
}
