"""What a connection may send: raw bytes over sockets, as attackers and broken clients send them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tallystick.web.http_protocol import LARGEST_HEAD, LONGEST_TARGET, MOST_LINES
from tests.http.shop import Shop
from tests.infra.live import LiveServer

HOST = b"Host: shop\r\n"
KIB = 1024
LINK = json.dumps({"amount": 50_000, "currency": "VND", "description": "T" * 400}).encode()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop, on one database: nothing here gets as far as that. No test waits for ten seconds."""
    folder = tmp_path_factory.mktemp("hub")
    url = f"sqlite:///{folder / 'tallystick.db'}"
    server = LiveServer(folder, url, (), {"TALLYSTICK_REQUEST_S": "5"})
    server.start()
    shop = Shop(server)
    yield shop
    shop.leave()


@pytest.fixture
def dial(shop: Shop) -> Iterator:
    """Opens connections to the hub."""
    with ExitStack() as lines:
        yield lambda: lines.enter_context(
            closing(socket.create_connection(("127.0.0.1", shop.server.port), timeout=60))
        )


def answer(line: socket.socket) -> tuple[int, dict[str, Any]]:
    """Everything that comes before the hub hangs up: the last status, and the problem in it."""
    came = b""
    while part := line.recv(64 * KIB):
        came += part
    if not came:
        return 0, {}
    head, _, body = came.rpartition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.rpartition(b"HTTP/1.1 ")[2][:3]), json.loads(body)


def memory_kib(pid: int) -> int:
    """What a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\nX-Long: ",
        b"GET / HTTP/1.1\r\n",
        b"POST /api/payments HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
        b"POST /api/payments HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;extension=",
    ],
    ids=["header", "name", "trailer", "chunk"],
)
def test_an_endless_header_is_refused_and_keeps_nothing(shop, dial, endless):
    before = memory_kib(shop.server.pid)
    lines = [dial() for _ in range(3)]

    for line in lines:
        line.sendall(endless + b"a" * 256 * KIB)
    refused = [answer(line) for line in lines]

    assert [(status, problem["code"]) for status, problem in refused] == [
        (431, "headers_too_large")
    ] * 3
    assert memory_kib(shop.server.pid) - before < 8 * KIB


def test_who_never_stops_sending_is_cut_off(dial):
    line = dial()

    def send_for_ever() -> None:
        while True:
            line.sendall(b"a" * 64 * KIB)

    line.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
    with pytest.raises(OSError, match=r"reset|[Bb]roken pipe"):
        send_for_ever()


@pytest.mark.parametrize(
    ("lines", "status"), [(MOST_LINES, 200), (MOST_LINES + 1, 431)], ids=["most", "more"]
)
def test_so_many_lines_of_headers_and_no_more(dial, lines, status):
    line = dial()

    fields = [b"Host: shop", b"Connection: close", *[b"X-A: b"] * (lines - 2)]
    line.sendall(b"GET /health/live HTTP/1.1\r\n" + b"\r\n".join(fields) + b"\r\n\r\n")

    assert answer(line)[0] == status


@pytest.mark.parametrize(
    ("size", "status"), [(LARGEST_HEAD - 200, 200), (LARGEST_HEAD * 2, 431)], ids=["most", "more"]
)
def test_so_many_bytes_of_headers_and_no_more(dial, size, status):
    line = dial()

    fields = HOST + b"Connection: close\r\nX-A: " + b"a" * size
    line.sendall(b"GET /health/live HTTP/1.1\r\n" + fields + b"\r\n\r\n")

    assert answer(line)[0] == status


@pytest.mark.parametrize(
    ("more", "status"), [(0, 200), (1, 414), (1_000_000, 414)], ids=["most", "one more", "endless"]
)
def test_so_long_an_address_and_no_longer(dial, more, status):
    line = dial()
    path = b"/?"

    target = path + b"q" * (LONGEST_TARGET - len(path) + more)
    line.sendall(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")

    assert answer(line)[0] == status


HALVES = {
    b"": 0,
    b"\r\n": 0,
    b"GET /health/li": 408,
    b"GET /health/live HTTP/1.1\r\nX-A: ": 408,
    b"POST /api/payments HTTP/1.1\r\nContent-Length: 20\r\n\r\n{": 408,
    b"POST /api/payments HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{": 408,
}


def test_half_sent_requests_come_to_an_end_and_hold_up_nobody(dial):
    lines = [dial() for _ in HALVES]
    for line, half in zip(lines, HALVES, strict=True):
        line.sendall(half)

    beside = dial()
    beside.sendall(b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer(beside)[0] == 200
    assert [answer(line)[0] for line in lines] == list(HALVES.values())


def test_a_request_in_single_bytes_is_answered_and_the_line_is_kept(dial):
    line = dial()
    asked = b"GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n"

    for byte in asked:
        line.sendall(bytes([byte]))
    first = line.recv(64 * KIB)
    line.sendall(asked.replace(b"Host: shop", b"Connection: close"))

    assert first.startswith(b"HTTP/1.1 200")
    assert answer(line)[0] == 200


def test_a_body_in_chunks_of_one_byte_is_taken(shop, dial):
    line = dial()
    head = (
        b"POST /api/payment-links HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        b"Authorization: Bearer " + shop.server.secret_key.encode() + b"\r\n\r\n"
    )

    line.sendall(head + b"".join(b"1\r\n%c\r\n" % byte for byte in LINK) + b"0\r\n\r\n")

    assert answer(line)[0] == 201


def test_a_line_after_the_body_does_not_become_a_header(shop, dial):
    line = dial()
    proof = b"Authorization: Bearer " + shop.server.secret_key.encode()

    line.sendall(
        b"POST /api/payment-links HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n%x\r\n" % len(LINK) + LINK + b"\r\n0\r\n" + proof + b"\r\n\r\n"
    )

    assert answer(line)[0] == 401


def test_what_is_no_http_is_refused_in_the_form_of_all_errors(dial):
    line = dial()

    line.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    status, problem = answer(line)
    assert (status, problem["code"], problem["status"]) == (400, "invalid_request", 400)
