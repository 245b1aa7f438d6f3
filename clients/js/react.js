// @ts-check
/** React hooks that keep a page true to a payment or a top-up, and a component that shows it. */
import { createElement, useCallback, useEffect, useRef, useState } from "react";
import { statusAddress } from "./address.js";
import { watch } from "./watch.js";

/** @type {import("./react.d.ts").usePaymentStatusPolling} */
export function usePaymentStatusPolling({
  initialInterval = 3000,
  timeout = 900_000,
  ...options
}) {
  const seen = useStatus(statusAddress(options), { ...options, interval: initialInterval, timeout });
  const { status, error, isLoading, hasTimedOut, refetch } = seen;
  return { status, error, isLoading, hasTimedOut, refetch };
}

/** @type {import("./react.d.ts").useTopupSSE} */
export function useTopupSSE({ txRef, baseUrl, onStatusUpdate, onError, ...options }) {
  const seen = useStatus(statusAddress({ txRef, baseUrl }), {
    ...options,
    onStatusChange: onStatusUpdate,
    onError: (/** @type {any} */ error) => onError?.(asError(error)),
  });
  const { status, error, isAnswered, refetch } = seen;
  const isConnected = isAnswered && !error;
  return { status, error: error && asError(error), isConnected, reconnect: refetch };
}

/** @type {import("./react.d.ts").PaymentStatusMonitor} */
export function PaymentStatusMonitor({
  paymentLinkId,
  shortCode,
  paymentId,
  token,
  baseUrl,
  initialStatus,
  onStatusChange,
  ...more
}) {
  const place = useRef(/** @type {any} */ (null));
  const told = useRef(onStatusChange);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    told.current = onStatusChange;
  });
  useEffect(() => {
    const element = place.current;
    const tell = (/** @type {any} */ { detail }) => told.current?.(detail);
    element.addEventListener("payment-status", tell);
    // Only who shows the component loads its words; a server that renders the page does not.
    import("./payment-status.js").then(() => setReady(true));
    return () => element.removeEventListener("payment-status", tell);
  }, []);
  // As a property the token does not stand in the page's source. It is there before the address is.
  const attach = useCallback((/** @type {any} */ element) => {
    place.current = element;
    if (element && ready) element.token = token ?? "";
  }, [ready, token]);
  /** @type {any} */
  const known = initialStatus;
  return createElement("payment-status", {
    ...more,
    ref: attach,
    payment: ready ? paymentId : undefined,
    link: ready ? paymentLinkId ?? shortCode : undefined,
    "base-url": baseUrl,
    "initial-status": known?.phase ?? known?.currentStatus ?? known,
  });
}

const NOTHING = { status: null, error: null, hasTimedOut: false, isAnswered: false };

/**
 * What is known of a status, kept up to date.
 * @param {string} url
 * @param {any} options
 */
function useStatus(url, { interval, timeout = 0, enabled = true, token, initialStatus, ...told }) {
  const first = typeof initialStatus === "object" ? initialStatus : null;
  // `of` tells to which address the rest belongs: another payment never shows this one's state.
  const [seen, setSeen] = useState({ ...NOTHING, status: first, of: url });
  const [round, setRound] = useState(0);
  const newest = useRef({ of: url, version: first?.version ?? -1 });
  const callbacks = useRef(told);
  useEffect(() => {
    callbacks.current = told;
  });

  const show = useCallback((/** @type {any} */ status) => {
    if (newest.current.of !== url) newest.current = { of: url, version: -1 };
    const news = status.version - newest.current.version;
    if (news < 0) return;
    newest.current.version = status.version;
    setSeen({ ...NOTHING, isAnswered: true, status, of: url });
    if (news) callbacks.current.onStatusChange?.(status);
  }, [url]);

  const fail = useCallback((/** @type {any} */ error) => {
    setSeen((old) => ({ ...(old.of === url ? old : NOTHING), error, of: url }));
    callbacks.current.onError?.(error);
  }, [url]);

  useEffect(() => {
    if (!url || !enabled) return;
    const stop = watch(url, {
      token,
      interval,
      onError: fail,
      onStatus: (status) => {
        if (status.final) clearTimeout(timer);
        show(status);
      },
    });
    const timer = timeout > 0 ? setTimeout(giveUp, timeout) : undefined;
    function giveUp() {
      stop();
      setSeen((old) => ({ ...(old.of === url ? old : NOTHING), hasTimedOut: true, of: url }));
      callbacks.current.onTimeout?.();
    }
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [url, enabled, token, interval, timeout, round, show, fail]);

  // What was told of another address before is not this one's.
  const now = seen.of === url ? seen : NOTHING;
  const { hasTimedOut } = now;
  const refetch = useCallback(async () => {
    if (!url) return;
    try {
      /** @type {HeadersInit} */
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const answer = await fetch(url, { headers, cache: "no-store" });
      if (!answer.ok) throw answer;
      show((await answer.json()).data);
    } catch (error) {
      fail(error);
    }
    if (!hasTimedOut) return;
    setSeen((old) => ({ ...old, hasTimedOut: false }));
    setRound((old) => old + 1);
  }, [url, token, hasTimedOut, show, fail]);

  const isLoading = Boolean(url) && enabled && !now.status && !hasTimedOut;
  return { ...now, isLoading, refetch };
}

/** @param {any} error */
function asError(error) {
  return error instanceof Error ? error : new Error(`The server answered ${error.status}.`);
}
