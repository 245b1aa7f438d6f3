"""A merchant's system that gets events: it accepts, fails, hangs, and remembers what came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tallystick.domain.standard_webhooks import signature

PATIENCE_S = 200.0
HANG = -1


@dataclass(frozen=True, slots=True)
class Came:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The payload."""
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def type(self) -> str:
        """What happened."""
        return str(self.event["type"])

    @property
    def subject(self) -> str:
        """Which payment it is about."""
        return str(self.event["data"]["id"])

    def is_signed_with(self, key: bytes) -> bool:
        """Whether one of its signatures was made with this key."""
        wanted = signature(key, self.id, self.headers["webhook-timestamp"], self.body)
        return wanted in self.headers["webhook-signature"].split(" ")


Answer = Callable[[Came], int]


@dataclass
class Receiver:
    """What it answers is a status for each request; `HANG` answers nothing until the end.

    One that `echoes` says what it was sent.
    """

    url: str = ""
    answer: Answer = lambda _: 200
    echoes: bool = False
    came: list[Came] = field(default_factory=list)
    accepted: list[Came] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, came: Came) -> int:
        """Note it, and decide on an answer."""
        with self.lock:
            self.came.append(came)
        status = self.answer(came)
        with self.lock:
            if 200 <= status < 300:
                self.accepted.append(came)
        return status

    def types(self) -> list[str]:
        """What was accepted, in order."""
        return [one.type for one in self.accepted]

    def gets(self, count: int) -> list[Came]:
        """Wait until that many were accepted."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.accepted) < count:
            assert time.monotonic() < deadline, f"Only {self.types()} came."
            time.sleep(0.02)
        return self.accepted


def answers(*statuses: int) -> Answer:
    """These, one after the other; then 200."""
    rest = list(statuses)
    return lambda _: rest.pop(0) if rest else 200


@contextmanager
def receiving(answer: Answer | None = None) -> Iterator[Receiver]:
    """A receiver that listens on this machine."""
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take one event."""
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Came(headers, body))
            if status == HANG:
                receiver.over.wait(PATIENCE_S)
                return
            said = b"" if status == 204 else b"said \x00 this"
            said = body if receiver.echoes else said
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            if 300 <= status < 400:
                self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
