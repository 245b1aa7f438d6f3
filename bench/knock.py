"""Sends notices at a pace over one connection, and remembers when each one left."""

import json
import socket
import sys
import time
from typing import Any

from bench.load import content_length
from bench.notices import Order, body, request


def main(wish: dict[str, Any]) -> list[Any]:
    """One notice for each order, `per_s` of them in a second."""
    made = [
        (topic, request(body(Order(code, link), f"FT26{code}")))
        for topic, (code, link) in zip(wish["topics"], wish["orders"], strict=True)
    ]
    left = []
    with socket.create_connection(("127.0.0.1", wish["port"])) as connection:
        started = time.perf_counter()
        for number, (topic, one) in enumerate(made):
            time.sleep(max(0.0, started + number / wish["per_s"] - time.perf_counter()))
            left.append((topic, time.monotonic_ns()))
            connection.sendall(one)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(4096)
            head, _, rest = answer.partition(b"\r\n\r\n")
            while len(rest) < content_length(head):
                rest += connection.recv(4096)
            assert head.startswith(b"HTTP/1.1 200"), head
    return left


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.stdin.readline()))))
