"""An address on this machine at which a development server can call back for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def callback_listener() -> Iterator[tuple[str, threading.Event]]:
    """Its address, and what is set once somebody has called there."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    called = threading.Event()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(204)
            self.end_headers()
            called.set()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", called
    finally:
        server.shutdown()
        server.server_close()
