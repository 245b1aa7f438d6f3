"""A small status server that does as it is told: cuts, freezes, refuses, repeats, answers late."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tallystick.web.pages import find_asset

STATUS = "/api/payments/pay_1/status"
HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"
Act = Callable[["Handler"], None]


def state(version: int, *, final: bool = False, **more: Any) -> dict[str, Any]:
    """What a status answer's `data` and a stream's event carry."""
    return {"id": "pay_1", "version": version, "final": final, **more}


def event(version: int, *, final: bool = False) -> bytes:
    """One `status` event as the hub sends it."""
    data = json.dumps(state(version, final=final), separators=(",", ":"))
    return f"event: status\nid: {version}\ndata: {data}\n\n".encode()


def says(version: int, *, final: bool = False, **more: Any) -> Act:
    """A status answer; 304 for who knows this version already."""

    def act(handler: Handler) -> None:
        etag = f'"{version}"'
        if handler.headers.get("If-None-Match") == etag:
            handler.begin(304, ETag=etag)
        else:
            body = json.dumps({"data": state(version, final=final, **more)}).encode()
            handler.begin(200, **{"Content-Type": "application/json", "ETag": etag})
            handler.wfile.write(body)

    return act


def refuses(status: int, **headers: str) -> Act:
    """An answer without a body."""

    def act(handler: Handler) -> None:
        handler.begin(status, **headers)

    return act


def cuts(*parts: bytes) -> Act:
    """A stream that sends this and is then cut."""

    def act(handler: Handler) -> None:
        handler.begin(200, **{"Content-Type": "text/event-stream"})
        handler.send_parts(parts)

    return act


def freezes(*parts: bytes) -> Act:
    """A stream that sends this and then nothing, without ending."""

    def act(handler: Handler) -> None:
        cuts(*parts)(handler)
        handler.server.over.wait()

    return act


def follows(parts: queue.Queue[bytes | None]) -> Act:
    """A stream that sends what the test puts in, until it puts in None."""

    def act(handler: Handler) -> None:
        handler.begin(200, **{"Content-Type": "text/event-stream"})
        while part := parts.get():
            handler.send_parts((part,))

    return act


class Handler(BaseHTTPRequestHandler):
    """Answers with the next act of the script; the last act of each kind stays."""

    server: Misbehaving
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.partition("?")[0]
        kind = path.rpartition("/")[2]
        if kind in self.server.acts:
            self.server.next_act(kind, dict(self.headers))(self)
        elif page := self.server.pages.get(path):
            self.begin(200, **page.headers)
            self.wfile.write(page.body)
        elif found := find_asset(path.removeprefix("/")):
            self.begin(200, **{"Content-Type": found[0].media_type})
            self.wfile.write(found[0].body)
        else:
            self.begin(200, **{"Content-Type": "text/html"})
            self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>A page</title>")

    def begin(self, status: int, **headers: str) -> None:
        """Send the head of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_parts(self, parts: tuple[bytes, ...]) -> None:
        """Send parts of a stream one by one."""
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Asked:
    """One request that came: `status` or `stream`, and its headers."""

    kind: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Content:
    """One more thing that the server has, at an address of its own."""

    headers: dict[str, str]
    body: bytes


class Misbehaving(ThreadingHTTPServer):
    """The server; give it acts with `plays`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.acts: dict[str, list[Act]] = {"status": [says(1)], "stream": [refuses(503)]}
        self.asked: list[Asked] = []
        self.pages: dict[str, Content] = {}

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def plays(self, *, status: list[Act] | None = None, stream: list[Act] | None = None) -> None:
        """Set what comes next."""
        with self.lock:
            self.acts.update({"status": status or [says(1)], "stream": stream or [refuses(503)]})

    def next_act(self, kind: str, headers: dict[str, str]) -> Act:
        """Take the next act and note who asked."""
        with self.lock:
            self.asked.append(Asked(kind, headers))
            acts = self.acts[kind]
            return acts.pop(0) if len(acts) > 1 else acts[0]

    def times(self, kind: str) -> int:
        """How often it was asked so far."""
        with self.lock:
            return sum(asked.kind == kind for asked in self.asked)

    def headers(self, kind: str, name: str) -> list[str | None]:
        """A header of all requests of a kind, in their order."""
        with self.lock:
            return [asked.headers.get(name) for asked in self.asked if asked.kind == kind]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers that hang up are what this is for."""


@contextmanager
def misbehaving() -> Iterator[Misbehaving]:
    """Run the server."""
    server = Misbehaving()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
