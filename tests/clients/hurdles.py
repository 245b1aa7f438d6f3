"""A way to a real hub on which whole answers get lost, or are given by somebody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sent:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body) if self.body else None


Hurdle = Callable[["Handler", Sent], None]


class Handler(BaseHTTPRequestHandler):
    """Takes the next hurdle; without one, the hub answers."""

    server: Hurdles

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = Sent(self.command, self.path, headers, self.rfile.read(length))
        self.server.sent.append(sent)
        (self.server.ahead.pop(0) if self.server.ahead else passes)(self, sent)

    do_GET = do_POST = _any

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def asked(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        """What the hub answers."""
        line = HTTPConnection(urlsplit(self.server.hub).netloc, timeout=60)
        own = {n: v for n, v in sent.headers.items() if n not in {"host", "connection"}}
        line.request(sent.method, sent.path, sent.body or None, own)
        answer = line.getresponse()
        body = answer.read()
        line.close()
        kept = {"Content-Type", "Retry-After", "Idempotent-Replayed", "ETag"}
        return answer.status, {n: answer.headers[n] for n in kept if n in answer.headers}, body

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def passes(handler: Handler, sent: Sent) -> None:
    """No hurdle."""
    handler.reply(*handler.asked(sent))


def loses(handler: Handler, sent: Sent) -> None:
    """The hub does it, and its answer never arrives."""
    handler.asked(sent)


def answers(status: int, document: Any = None, **headers: str) -> Hurdle:
    """Somebody else answers, and the hub hears nothing of it."""

    def hurdle(handler: Handler, sent: Sent) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.reply(status, named, b"" if document is None else json.dumps(document).encode())

    return hurdle


class Hurdles(ThreadingHTTPServer):
    """The server; put hurdles into `ahead`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, hub: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub
        self.ahead: list[Hurdle] = []
        self.sent: list[Sent] = []

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hurdles(hub: str = "") -> Iterator[Hurdles]:
    """Run the server."""
    server = Hurdles(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
