/** What every status has, whatever it is a status of. */
export interface Versioned {
  /** Grows with every change. */
  version: number;
  /** Nothing more can happen without new money or a person. */
  final: boolean;
}

/** A status address that knows what is read there; `statusAddress` of the package makes them. */
export type StatusAddress<S> = string & { readonly of?: S };

/**
 * Follows one payment, payment link or top-up as it changes.
 *
 * Server-sent events come first. Where they do not get through, the status is read every 3 s
 * (`interval`); the server is asked to wait up to 5 s with its answer, so that news comes at once.
 * One that does not wait is asked every 10 s after some minutes. After a failure each pause is half
 * as long again, up to 30 s, and the next good answer makes it 3 s again. The stream is tried again
 * now and then. A stream without a sign of life for 35 s counts as dead. When the page becomes
 * visible, or the device comes online, the status is read at once.
 *
 * `onStatus` gets each version once and never an older one than before. Watching ends by itself
 * with a status that is `final`, and where nothing was ever there (400, 401, 403, 404).
 *
 * @param url the status address, such as `/api/payments/pay_…/status`; the stream is the same
 *   address with `stream` in the place of `status`
 * @returns a function that stops the watching
 */
export function watch<S extends Versioned>(url: StatusAddress<S>, options: Options<S>): () => void;
export function watch<S extends Versioned = any>(url: string, options: Options<S>): () => void;

export interface Options<S extends Versioned = any> {
  /** Called with the `data` of each new version. */
  onStatus(status: S): void;
  /** Called with what went wrong (an error, or the `Response` that was one); watching goes on. */
  onError?(error: unknown): void;
  /** A client token, where the page's own cookie is not enough. */
  token?: string;
  /** The pause between two readings, in milliseconds; 3000 where it is not given. */
  interval?: number;
  /** Whether to stop with this status; with a final one where it is not given. Where it says no to
   * a final one, the status is read every 10 s while the page is visible: money may come late. */
  ends?(status: S): boolean;
  /** Stops the watching from outside. */
  signal?: AbortSignal;
}
