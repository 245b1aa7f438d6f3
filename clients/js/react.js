// @ts-check
/** A React hook that keeps a page true to a payment, with the options of S1's polling hook. */
import { useCallback, useEffect, useRef, useState } from "react";
import { statusAddress } from "./address.js";
import { watch } from "./watch.js";

const NOTHING = { status: null, error: null, hasTimedOut: false };

/** @type {import("./react.d.ts").usePaymentStatusPolling} */
export function usePaymentStatusPolling({
  initialInterval = 2000,
  timeout = 600_000,
  enabled = true,
  token,
  ...told
}) {
  const url = statusAddress(told);
  // `of` tells to which address the rest belongs: another payment never shows this one's state.
  const [seen, setSeen] = useState({ ...NOTHING, of: url });
  const [round, setRound] = useState(0);
  const newest = useRef({ of: url, version: -1 });
  const callbacks = useRef(told);
  useEffect(() => {
    callbacks.current = told;
  });

  const show = useCallback((/** @type {any} */ status) => {
    if (newest.current.of !== url) newest.current = { of: url, version: -1 };
    const news = status.version - newest.current.version;
    if (news < 0) return;
    newest.current.version = status.version;
    setSeen({ ...NOTHING, status, of: url });
    if (news) callbacks.current.onStatusChange?.(status);
  }, [url]);

  const fail = useCallback((/** @type {any} */ error) => {
    setSeen((old) => ({ ...(old.of === url ? old : NOTHING), error, of: url }));
  }, [url]);

  useEffect(() => {
    if (!url || !enabled) return;
    const stop = watch(url, {
      token,
      interval: initialInterval,
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
  }, [url, enabled, token, initialInterval, timeout, round, show, fail]);

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
  return { status: now.status, error: now.error, isLoading, hasTimedOut, refetch };
}
