// @ts-check
/** Follows a payment live, by stream or else by polling. */

/** @type {import("./watch.d.ts").watch} */
export const watch = (url, { token, interval = 2e3, most = 3e4, onStatus, onError, signal }) => {
  const end = new AbortController(), over = end.signal, stop = () => end.abort();
  const later = (call, ms) => setTimeout(call, Math.max(ms, 0) * (1 + Math.random() / 4));
  const now = () => performance.now();
  let shown = -1, live = false, ended = false, etag = "", timer = 0;
  let gap = interval, lag = 1e3, last = -6e3, held = 0;

  const plan = (ms) => {
    clearTimeout(timer);
    timer = later(read, ms);
  };
  // Not twice in 6 s.
  const refresh = () => plan(Math.max(last + 6e3, held) - now());

  const show = (status) => {
    const news = status.version - shown;
    if (over.aborted || news < 0) return;
    shown = status.version;
    if (news) onStatus(status);
    if (status.final) stop();
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
    }
    clearTimeout(silence);
    kill();
    return wait;
  };

  const read = async () => {
    if (over.aborted) return;
    let pause = gap;
    last = now();
    const wait = await ask(url, etag ? { "If-None-Match": etag } : {}, async (answer) => {
      if (answer.status == 200) {
        etag = answer.headers.get("ETag");
        const { data } = await answer.json();
        const due = Date.parse(data.nextCheckAt) - Date.now();
        if (due > 0) pause = Math.min(gap, Math.max(due, 7e3));
        show(data);
      }
      if (ended) stop();
    });
    held = now() + wait;
    gap = Math.min(gap * 1.5, most);
    if (!live) plan(Math.max(pause, wait));
  };

  const stream = async () => {
    if (over.aborted) return;
    const began = now(), headers = shown < 0 ? {} : { "Last-Event-ID": shown };
    const wait = await ask(url.replace(/(.*)status/, "$1stream"), headers, async (answer, alive) => {
      if (answer.status == 204) return (ended = true);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        clearTimeout(timer);
        live = true;
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events)
          if (/^event: ?status/m.test(event)) show(JSON.parse(event.match(/^data:(.*)/m)[1]));
      }
    });
    lag = live && now() - began > 3e4 ? (gap = interval) : Math.min(lag * 2, 6e4);
    if (live || ended) refresh();
    live = false;
    later(stream, Math.max(lag, wait));
  };

  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  addEventListener("online", refresh, { signal: over });
  document.addEventListener("visibilitychange", () => document.hidden || refresh(), { signal: over });
  plan(gap);
  stream();
  return stop;
};
