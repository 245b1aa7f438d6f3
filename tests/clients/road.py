"""Acts of the misbehaving server that pass requests on to a real hub, and then go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from tests.web.misbehaving import Act, Handler

PASSED_ON = ("Content-Type", "ETag", "Retry-After", "Cache-Control")
PATIENCE_S = 60.0


@contextmanager
def asked(handler: Handler, hub: str) -> Iterator[HTTPResponse]:
    """The hub's answer to what the browser asks."""
    connection = HTTPConnection(urlsplit(hub).netloc, timeout=PATIENCE_S)
    try:
        connection.request("GET", handler.path, headers=dict(handler.headers))
        answer = connection.getresponse()
        yield answer
    finally:
        connection.close()


def begin(handler: Handler, answer: HTTPResponse, **more: str) -> None:
    """Pass the head of the answer on."""
    found = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
    handler.begin(answer.status, **found, **more)


def blocks(answer: HTTPResponse) -> Iterator[bytes]:
    """The events of a stream as they come; another answer as a whole."""
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        yield answer.read()
        return
    lines: list[bytes] = []
    while line := answer.readline():
        lines.append(line)
        if line == b"\n":
            yield b"".join(lines)
            lines = []


def passes(hub: str) -> Act:
    """Nothing goes wrong."""

    def relay(handler: Handler, parts: Iterator[bytes]) -> None:
        for part in parts:
            handler.send_parts((part,))

    return relays(hub, relay)


def cuts(hub: str) -> Act:
    """The first state comes through; the next is cut in its middle. Other answers are cut too."""

    def relay(handler: Handler, parts: Iterator[bytes]) -> None:
        first = next(parts)
        if not first.startswith(b"event: "):
            handler.send_parts((first[: len(first) // 2],))
            return
        handler.send_parts((first,))
        news = next(part for part in parts if b"event: status" in part)
        handler.send_parts((news[: len(news) // 2],))

    return relays(hub, relay)


def freezes(hub: str) -> Act:
    """The first state comes through, and then nothing ever; other answers never come."""

    def relay(handler: Handler, parts: Iterator[bytes]) -> None:
        first = next(parts)
        if first.startswith(b"event: "):
            handler.send_parts((first,))
        handler.server.over.wait()

    return relays(hub, relay)


def delays(hub: str, gate: threading.Event) -> Act:
    """What the hub says now is told only when the gate opens."""

    def act(handler: Handler) -> None:
        with asked(handler, hub) as answer:
            told = next(blocks(answer))
            while not gate.wait(0.05) and not handler.server.over.is_set():
                pass
            begin(handler, answer)
            handler.send_parts((told,))

    return act


def relays(hub: str, relay: Callable[[Handler, Iterator[bytes]], None]) -> Act:
    """Ask the hub, and let `relay` pass on what it likes of the answer."""

    def act(handler: Handler) -> None:
        with asked(handler, hub) as answer:
            begin(handler, answer)
            if answer.status not in {204, 304}:
                relay(handler, blocks(answer))

    return act
