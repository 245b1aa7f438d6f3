"""A door on this machine at which a development server calls back, for as long as it is open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def callback_door() -> Iterator[tuple[str, threading.Event]]:
    """Its address, and what is set once somebody has called there."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    heard = threading.Event()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(204)
            self.end_headers()
            heard.set()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", heard
    finally:
        server.shutdown()
        server.server_close()
