/**
 * Follows one payment, payment link or top-up as it changes.
 *
 * Server-sent events come first. Where they do not get through, the status is read with a growing
 * pause (`interval`, then half as much again each time, up to 30 s), and the stream is tried again
 * now and then. A stream without a sign of life for 35 s counts as dead. When the page becomes
 * visible, or the device comes online, the status is read at once.
 *
 * `onStatus` gets each version once and never an older one than before. Watching ends by itself
 * with a status that is `final`.
 *
 * @param url the status address, such as `/api/payments/pay_…/status`; the stream is the same
 *   address with `stream` in the place of `status`
 * @returns a function that stops the watching
 */
export function watch(url: string, options: Options): () => void;

export interface Options {
  /** Called with the `data` of each new version. */
  onStatus(status: any): void;
  /** Called with what went wrong (an error, or the `Response` that was one); watching goes on. */
  onError?(error: unknown): void;
  /** A client token, where the page's own cookie is not enough. */
  token?: string;
  /** The first pause between two readings, in milliseconds; 2000 where it is not given. */
  interval?: number;
  /** The longest pause between two readings of the status, in milliseconds; 30 s if not given. */
  most?: number;
  /** Stops the watching from outside. */
  signal?: AbortSignal;
}
