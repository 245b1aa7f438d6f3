"""The browser client against a server that misbehaves: it tells the truth and asks politely."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.web.misbehaving import (
    HEARTBEAT,
    STATUS,
    Misbehaving,
    cuts,
    event,
    follows,
    freezes,
    misbehaving,
    refuses,
    says,
)

START = """async ([url, token]) => {
  const { watch } = await import("/watch.js");
  Object.assign(window, { seen: [], errors: 0, chunks: 0, outside: new AbortController() });
  const reader = ReadableStreamDefaultReader.prototype, read = reader.read;
  reader.read = function () {
    return read.call(this).then((part) => (chunks++, part));
  };
  window.stop = watch(url, {
    token,
    signal: outside.signal,
    onStatus: (status) => seen.push(status.version),
    onError: () => errors++,
  });
}"""
# Fifteen minutes in one go, with a server that refuses every stream. It answers at once, or as one
# that waits for news as long as it is asked to.
COUNT = """async (waits) => {
  const { watch } = await import("/watch.js");
  window.asked = [];
  window.fetch = async (url, { headers }) => {
    asked.push([url.endsWith("stream"), performance.now()]);
    if (url.endsWith("stream")) return new Response(null, { status: 503 });
    const wait = waits && /wait=(\\d+)/.exec(headers.Prefer ?? "")?.[1];
    if (wait) await new Promise((done) => setTimeout(done, wait * 1000));
    const etag = new Headers({ ETag: '"v1"' });
    return Response.json({ data: { version: 1, final: false } }, { headers: etag });
  };
  watch("/status", { onStatus() {} });
}"""


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """A status server that does as it is told."""
    with misbehaving() as running:
        yield running


@pytest.fixture
def still(page: Page, server: Misbehaving) -> Page:
    """A page on which time passes only when the test says so."""
    page.clock.install(time=0)
    page.goto(server.url)
    page.clock.pause_at(1_000)
    return page


def start(page: Page, token: str | None = None) -> None:
    """Begin to watch."""
    page.evaluate(START, [STATUS, token])


def seen(page: Page) -> list[int]:
    """The versions that the page was told."""
    versions: list[int] = page.evaluate("seen")
    return versions


def settle(page: Page, so: Callable[[], bool]) -> None:
    """Give the network all the time it needs, while the page's clock stands still."""
    for _ in range(1500):
        if so():
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"It never was so; the page has seen {seen(page)}.")


def until(page: Page, so: Callable[[], bool]) -> None:
    """Let the page's time pass, half a second after the other, until it is so."""
    for _ in range(1000):
        if so():
            return
        page.clock.run_for(500)
        page.wait_for_timeout(10)
    raise AssertionError(f"It never was so; the page has seen {seen(page)}.")


def test_the_stream_tells_each_version_and_ends_with_the_final_one(still, server):
    parts = [event(1), HEARTBEAT, event(2)[:20], event(2)[20:], event(3, final=True), event(4)]
    server.plays(stream=[freezes(*parts)])

    start(still)
    settle(still, lambda: seen(still) == [1, 2, 3])
    still.clock.run_for(120_000)

    assert seen(still) == [1, 2, 3]
    assert (server.times("stream"), server.times("status")) == (1, 0)


def test_while_the_stream_lives_nothing_is_polled(still, server):
    parts: queue.Queue[bytes | None] = queue.Queue()
    server.plays(stream=[follows(parts)])

    parts.put(event(1))
    start(still)
    settle(still, lambda: seen(still) == [1])
    for _ in range(6):
        before = still.evaluate("chunks")
        still.clock.run_for(30_000)
        parts.put(HEARTBEAT)
        still.wait_for_function("(before) => chunks > before", arg=before, polling=50)
    parts.put(event(2, final=True))
    settle(still, lambda: seen(still) == [1, 2])

    assert (server.times("stream"), server.times("status")) == (1, 0)
    parts.put(None)


def test_a_cut_stream_goes_on_after_the_last_version(still, server):
    server.plays(status=[says(2)], stream=[cuts(event(1), event(2)), freezes(event(3, final=True))])

    start(still)
    settle(still, lambda: seen(still) == [1, 2])
    until(still, lambda: server.times("stream") == 2)
    settle(still, lambda: seen(still) == [1, 2, 3])

    assert server.headers("stream", "Last-Event-ID") == [None, "2"]


def test_a_stream_cut_in_the_middle_of_an_event_tells_no_half_of_it(still, server):
    server.plays(status=[says(1)], stream=[cuts(event(1), event(2)[:-2]), freezes(event(3))])

    start(still)
    until(still, lambda: seen(still)[-1:] == [3])

    assert seen(still) == [1, 3]


def test_a_frozen_stream_is_given_up_and_the_status_is_read(still, server):
    server.plays(status=[says(2, final=True)], stream=[freezes(event(1))])

    start(still)
    settle(still, lambda: seen(still) == [1])
    until(still, lambda: seen(still) == [1, 2])

    assert server.times("status") == 1


def test_a_stream_that_does_not_come_back_is_replaced_by_polling(still, server):
    server.plays(
        status=[says(1), says(1), says(2, final=True)],
        stream=[cuts(event(1)), refuses(503, **{"Retry-After": "900"})],
    )

    start(still)
    settle(still, lambda: seen(still) == [1])
    until(still, lambda: seen(still) == [1, 2])


def test_a_stream_that_never_says_a_word_does_not_delay_the_news(still, server):
    server.plays(status=[says(1), says(2, final=True)], stream=[freezes()])

    start(still)
    until(still, lambda: seen(still) == [1, 2])


def test_where_streams_do_not_get_through_the_status_is_polled(still, server):
    server.plays(status=[says(1), says(1), says(1), says(2, final=True)])

    start(still)
    until(still, lambda: seen(still) == [1, 2])

    assert server.headers("status", "If-None-Match") == [None, '"1"', '"1"', '"1"']
    assert server.times("stream") > 1


def test_errors_are_reported_and_outlived(still, server):
    failing = [refuses(500), refuses(502), cuts(b"no json"), says(1, final=True)]
    server.plays(status=failing)

    start(still)
    until(still, lambda: seen(still) == [1])

    assert still.evaluate("errors") >= 3


def test_a_broken_event_is_not_the_end(still, server):
    broken = b"event: status\nid: 1\ndata: {\n\n"
    server.plays(stream=[cuts(broken), freezes(event(2, final=True))], status=[says(1)])

    start(still)
    until(still, lambda: seen(still)[-1:] == [2])


@pytest.mark.parametrize("sign", ["undefined", "dispatchEvent(new Event('online'))"])
@pytest.mark.parametrize("status", [429, 503])
def test_nothing_is_asked_before_retry_after_is_over(still, server, status, sign):
    refused = refuses(status, **{"Retry-After": "90"})
    server.plays(status=[refused, says(1)], stream=[freezes()])

    start(still)
    until(still, lambda: server.times("status") == 1)
    settle(still, lambda: still.evaluate("errors") > 0)
    still.evaluate(sign)
    still.clock.run_for(85_000)
    assert server.times("status") == 1
    until(still, lambda: seen(still) == [1])


def test_a_full_house_of_streams_is_not_stormed_but_the_status_is_read(still, server):
    server.plays(stream=[refuses(503, **{"Retry-After": "90"})])

    start(still)
    settle(still, lambda: still.evaluate("errors") == 1)
    until(still, lambda: seen(still) == [1])
    assert server.times("stream") == 1
    until(still, lambda: server.times("stream") == 2)

    assert server.times("status") > 2


def test_an_older_version_is_never_told(still, server):
    older = [says(3), says(2), says(1)]
    server.plays(stream=[cuts(event(5), event(4))], status=[*older, says(6, final=True)])

    start(still)
    settle(still, lambda: seen(still) == [5])
    until(still, lambda: 6 in seen(still))

    assert seen(still) == [5, 6]


def test_a_final_status_that_is_old_news_does_not_end_the_watching(still, server):
    server.plays(stream=[cuts(event(5))], status=[says(4, final=True), says(6)])

    start(still)
    settle(still, lambda: seen(still) == [5])
    until(still, lambda: seen(still) == [5, 6])


def test_204_is_the_end_once_the_last_status_is_known(still, server):
    server.plays(stream=[refuses(204)], status=[refuses(500), says(7)])

    start(still)
    until(still, lambda: seen(still) == [7])
    asked = server.times("status"), server.times("stream")
    still.clock.run_for(120_000)
    still.wait_for_timeout(100)

    assert (server.times("status"), server.times("stream")) == asked


@pytest.mark.parametrize(
    "sign",
    ["document.dispatchEvent(new Event('visibilitychange'))", "dispatchEvent(new Event('online'))"],
)
def test_a_page_that_comes_back_reads_the_status_first(still, server, sign):
    server.plays(status=[says(2)], stream=[freezes(event(1))])
    start(still)
    settle(still, lambda: seen(still) == [1])

    still.evaluate(sign)
    still.clock.run_for(1)
    settle(still, lambda: seen(still) == [1, 2])
    still.clock.run_for(20_000)

    assert server.times("status") == 1


def test_a_page_that_comes_and_goes_does_not_ask_each_time(still, server):
    server.plays(stream=[freezes(event(1))])
    start(still)
    settle(still, lambda: seen(still) == [1])

    for _ in range(30):
        still.evaluate("dispatchEvent(new Event('online'))")
        still.clock.run_for(100)
        settle(still, lambda: server.times("status") == 1)

    assert server.times("status") == 1


def test_a_token_goes_with_every_request(still, server):
    server.plays(status=[says(1), says(2, final=True)])

    start(still, token="tct_secret")
    until(still, lambda: seen(still) == [1, 2])

    for kind in ("status", "stream"):
        assert set(server.headers(kind, "Authorization")) == {"Bearer tct_secret"}


@pytest.mark.parametrize("end", ["stop()", "outside.abort()"])
def test_after_stop_nothing_is_told_or_asked(still, server, end):
    parts: queue.Queue[bytes | None] = queue.Queue()
    server.plays(stream=[follows(parts)])
    parts.put(event(1))
    start(still)
    settle(still, lambda: seen(still) == [1])

    still.evaluate(end)
    parts.put(event(2))
    parts.put(None)
    still.clock.run_for(120_000)
    still.wait_for_timeout(100)

    assert seen(still) == [1]
    assert (server.times("stream"), server.times("status")) == (1, 0)
    assert (still.evaluate("chunks"), still.evaluate("errors")) == (1, 0)


def test_a_signal_that_is_over_starts_nothing(still, server):
    still.evaluate(
        """async (url) => {
          const { watch } = await import("/watch.js");
          watch(url, { onStatus() {}, signal: AbortSignal.abort() });
        }""",
        STATUS,
    )
    still.clock.run_for(60_000)
    still.wait_for_timeout(100)

    assert server.asked == []


@pytest.mark.parametrize("waits", [True, False])
def test_a_quarter_of_an_hour_stays_under_half_of_the_limit(still, waits):
    still.evaluate(COUNT, waits)
    still.clock.run_for(15 * 60 * 1000)
    asked: list[tuple[bool, float]] = still.evaluate("asked")

    assert 20 < len(asked) < 150
    reads = [time for is_stream, time in asked if not is_stream]
    gaps = [later - earlier for earlier, later in pairwise(reads)]
    assert min(gaps) >= 3000
    # Where the server waits for news, nobody is deaf for longer than the pause of 3 s.
    assert max(gaps) <= (5000 if waits else 10_000) + 3000 * 1.25
    assert max(gaps[:50] if not waits else [0]) <= 3000 * 1.25


def test_an_endless_cutting_of_streams_does_not_storm_the_server(still: Any) -> None:
    still.evaluate(
        COUNT.replace(
            "return new Response(null, { status: 503 })",
            'return new Response("event: status\\ndata: {\\"version\\":1}\\n\\n")',
        ),
        0,
    )
    still.clock.run_for(15 * 60 * 1000)

    assert 20 < still.evaluate("asked.length") < 150


def test_the_pause_stays_three_seconds_and_is_three_again_after_a_failure(still, server):
    down = [refuses(500)] * 4
    server.plays(status=[says(1), says(1), *down, says(2), says(2), says(3, final=True)])
    start(still)
    still.evaluate(
        """() => {
          window.reads = [];
          const real = fetch;
          window.fetch = (url, options) => {
            if (url.endsWith("status")) reads.push(performance.now());
            return real(url, options);
          };
        }"""
    )

    until(still, lambda: seen(still) == [1, 2, 3])
    reads = still.evaluate("reads")

    gaps = [later - earlier for earlier, later in pairwise(reads)]
    healthy = [gaps[0], gaps[1], gaps[-2], gaps[-1]]
    # A step of the page's clock, in which an answer may come, is half a second.
    assert all(3000 <= gap <= 3750 + 1500 for gap in healthy)
    assert max(gaps[2:-2]) > 3000 * 1.5**3


def test_who_knows_a_version_asks_the_server_to_wait_for_the_next(still, server):
    server.plays(status=[says(1), says(1), says(2, final=True)])

    start(still)
    until(still, lambda: seen(still) == [1, 2])

    assert server.headers("status", "Prefer") == [None, "wait=5", "wait=5"]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_was_never_there_is_asked_for_once(still, server, status):
    server.plays(status=[refuses(status)], stream=[refuses(status)])

    start(still)
    until(still, lambda: still.evaluate("errors") > 0)
    asked = len(server.asked)
    still.clock.run_for(120_000)
    still.wait_for_timeout(100)

    assert len(server.asked) == asked


def test_what_was_there_once_is_asked_for_again_though_it_is_not_found(still, server):
    server.plays(status=[says(1), refuses(404), says(2, final=True)])

    start(still)
    until(still, lambda: seen(still) == [1, 2])


def test_who_wants_more_than_the_final_status_hears_of_late_money(still, server):
    late = [says(1), says(2, final=True), says(2, final=True), says(3, final=True, late=True)]
    server.plays(status=late)

    still.evaluate(
        """async (url) => {
          const { watch } = await import("/watch.js");
          window.seen = [];
          const ends = ({ late }) => late;
          watch(url, { ends, onStatus: ({ version }) => seen.push(version) });
        }""",
        STATUS,
    )
    until(still, lambda: seen(still) == [1, 2, 3])
    asked = len(server.asked)
    still.clock.run_for(120_000)
    still.wait_for_timeout(100)

    assert len(server.asked) == asked
