// @ts-check
/** Follows a payment live, by stream or polling. */

/** @type {import("./watch.d.ts").watch} */
export const watch = (url, { token, interval = 3e3, ends = (status) => status.final, onStatus, onError, signal }) => {
  const end = new AbortController(), over = end.signal, stop = () => end.abort();
  const later = (call, ms) => setTimeout(call, ms * (1 + Math.random() / 4));
  const now = () => performance.now();
  let shown = -1, live = false, ended = false, done = false, etag = "", timer = 0;
  let gap = interval, lag = 1e3, last = -6e3, held = 0, fast = 0;

  const plan = (ms) => {
    clearTimeout(timer);
    timer = later(read, ms);
  };
  const refresh = () => plan(Math.max(last + 6e3, held) - now());

  const show = (status) => {
    const news = status.version - shown;
    if (over.aborted || news < 0) return;
    shown = status.version;
    done = status.final;
    if (news) onStatus(status);
    if (ends(status)) stop();
  };

  // One request, cut after 35 s of silence.
  const ask = async (where, headers, take) => {
    const cut = new AbortController(), kill = () => cut.abort();
    let wait = 0, silence;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(kill, 35e3);
    };
    over.addEventListener("abort", kill, { signal: cut.signal });
    if (token) headers.Authorization = "Bearer " + token;
    try {
      alive();
      const answer = await fetch(where, { headers, signal: cut.signal, cache: "no-store" });
      if (answer.status > 399) {
        wait = +answer.headers.get("Retry-After") * 1e3 || 0;
        throw answer;
      }
      await take(answer, alive);
    } catch (error) {
      if (!over.aborted) onError?.(error);
      if (shown < 0 && error.status < 405) stop();
    }
    clearTimeout(silence);
    kill();
    return wait;
  };

  const read = async () => {
    if (over.aborted || (done && document.hidden)) return;
    last = now();
    gap = Math.min(gap * 1.5, 3e4);
    const headers = etag ? { "If-None-Match": etag, Prefer: "wait=5" } : {};
    const wait = await ask(url, headers, async (answer) => {
      if (answer.status == 200) {
        etag = answer.headers.get("ETag");
        show((await answer.json()).data);
      }
      if (ended) stop();
      if (now() - last < 1e3) fast++;
      gap = interval + (done || fast > 60 ? 7e3 : 0);
    });
    held = now() + wait;
    if (!live) plan(Math.max(gap, wait));
  };

  const stream = async () => {
    if (over.aborted) return;
    const began = now(), headers = shown < 0 ? {} : { "Last-Event-ID": shown };
    const wait = await ask(url.replace(/(.*)status/, "$1stream"), headers, async (answer, alive) => {
      if (answer.status == 204) return (ended = !done);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { value } = await reader.read();
        if (!value) return;
        alive();
        clearTimeout(timer);
        live = true;
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events)
          if (/^event: ?status/m.test(event)) show(JSON.parse(event.match(/^data:(.*)/m)[1]));
      }
    });
    lag = live && now() - began > 3e4 ? interval : Math.min(lag * 2, 6e4);
    if (live || ended) refresh();
    live = false;
    if (!done) later(stream, Math.max(lag, wait));
  };

  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  addEventListener("online", refresh, { signal: over });
  document.addEventListener("visibilitychange", () => document.hidden || refresh(), { signal: over });
  plan(gap);
  stream();
  return stop;
};
