"""A pay page on a real port, for one made-up payment that the test changes under the browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import ThreadingHTTPServer
from typing import Any

from tallystick.domain.link import LINK_STATUS
from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages import Language, PageKind, Visit, render_pay_page
from tests.web.preview import Preview
from tests.web.samples import GATEWAYS, NOW, OPEN, SITE, attempt

HOME = "/pay/Qx7KpR2m"
TICK_S = 0.02


class PayServer(ThreadingHTTPServer):
    """Serves the pages of one payment link; `change` is what happens to the payment."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(("127.0.0.1", 0), PayPages)
        self.snapshot = snapshot
        self.over = threading.Event()
        self.posted: list[str] = []

    @property
    def url(self) -> str:
        """The address of the pay page."""
        return f"http://127.0.0.1:{self.server_address[1]}{HOME}"

    def change(self, **changes: Any) -> None:
        """Something happens to the payment."""
        self.snapshot = replace(self.snapshot, version=self.snapshot.version + 1, **changes)

    def status(self) -> dict[str, Any]:
        """What the status answer carries."""
        payment = self.snapshot
        return {
            "currentStatus": LINK_STATUS[payment.phase],
            "version": payment.version,
            "final": is_final(payment.phase),
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers hang up."""


class PayPages(Preview):
    """The pay page, its status and its stream."""

    server: PayServer

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        """Answer one page, file, status or stream."""
        path = self.path.partition("?")[0]
        if path.startswith(HOME):
            kind = PageKind(path.removeprefix(HOME).strip("/") or "pay")
            language = Language("vi" if "lang=vi" in self.path else "en")
            visit = Visit(language, NOW, kind)
            html = render_pay_page(self.server.snapshot, visit, gateways=GATEWAYS, site=SITE)
            self.answer(html, language)
        elif path.endswith("/status"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": self.server.status()}).encode())
        elif path.endswith("/stream"):
            self.answer_stream()
        else:
            super().do_GET()

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        """Start an attempt, as the form asks."""
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted.append(f"{self.path} {form}")
        self.server.change(attempt=attempt())
        self.send_response(303)
        self.send_header("Location", HOME)
        self.end_headers()

    def answer_stream(self) -> None:
        """Tell each version, until the final one or the end of the test."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        told = -1
        while not self.server.over.wait(TICK_S):
            status = self.server.status()
            if status["version"] > told:
                told = status["version"]
                data = json.dumps(status)
                self.wfile.write(f"event: status\nid: {told}\ndata: {data}\n\n".encode())
                self.wfile.flush()
            if status["final"]:
                return


@contextmanager
def pay_server(snapshot: Snapshot = OPEN) -> Iterator[PayServer]:
    """Run the server."""
    server = PayServer(snapshot)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
