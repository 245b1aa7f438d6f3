import type { Subject } from "./address.js";
import type { PaymentLinkStatus, PaymentStatus } from "./status.js";

/** The status that belongs to what is followed. */
export type StatusOf<S> = S extends { paymentId: string } ? PaymentStatus : PaymentLinkStatus;

export interface PollingOptions<T> {
  /** The first pause between two readings, in milliseconds, where no stream gets through. Each
   * later pause is half as long again, up to 30 s. 2000 where it is not given. */
  initialInterval?: number;
  /** When to give up, in milliseconds; ten minutes where it is not given, never with 0. */
  timeout?: number;
  /** Nothing is asked while it is false; what is known stays. */
  enabled?: boolean;
  /** A client token, to follow a payment, or to see the transaction of a link. */
  token?: string;
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
 * Follows a payment link, or a payment: by its event stream, and by polling where no stream gets
 * through. Ends by itself with a status that is `final`. When the page becomes visible, or the
 * device comes online, the status is read at once.
 */
export function usePaymentStatusPolling<S extends Subject>(
  options: S & PollingOptions<StatusOf<S>>,
): Polling<StatusOf<S>>;
