"""Signed payOS notices as the bytes of HTTP requests, made before the clock starts."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.gateways.payos import body_signature

CLIENT_ID: Final = "bench-client"
CHECKSUM_KEY: Final = "3f1c9a5e7b2d4860" * 4
AMOUNT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Order:
    """What a notice is about: payOS's order code and its payment link."""

    code: int
    link: str


def strangers(luck: random.Random) -> Iterator[Order]:
    """Orders that nobody here has ever made."""
    while True:
        yield Order(luck.randrange(1, 2**53), f"{luck.getrandbits(128):032x}")


def body(order: Order, reference: str) -> bytes:
    """One transfer of the whole amount, as payOS tells of it."""
    data = {
        "orderCode": order.code,
        "amount": AMOUNT,
        "description": "CSK7Q2M4X9A TS7G2K9QX",
        "accountNumber": "0123456789",
        "reference": reference,
        "transactionDateTime": "2026-11-20 16:25:00",
        "currency": "VND",
        "paymentLinkId": order.link,
        "code": "00",
        "desc": "success",
        "counterAccountBankId": "970422",
        "counterAccountBankName": None,
        "counterAccountName": "NGUYEN THI HOA",
        "counterAccountNumber": "9876543210",
        "virtualAccountName": None,
        "virtualAccountNumber": "LOCCASS0123456789",
    }
    signed = {"code": "00", "desc": "success", "success": True, "data": data,
              "signature": body_signature(data, CHECKSUM_KEY)}  # fmt: skip
    return json.dumps(signed, separators=(",", ":")).encode()


def request(content: bytes) -> bytes:
    """The notice as it goes over the wire, with the headers that such senders have."""
    head = (
        "POST /api/webhooks/payos HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nUser-Agent: axios/1.7.7\r\n"
        f"Content-Length: {len(content)}\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
    )
    return head.encode() + content


def requests(
    count: int, seed: int, *, halved: bool = False, about: Sequence[Order] = ()
) -> tuple[list[bytes], list[int]]:
    """Requests, and for each the number of its event. `halved` sends each of them twice.

    `about` are the orders that the notices name in turn; without them, each names a stranger's.
    """
    luck = random.Random(seed)
    unknown = strangers(luck)
    distinct = count // 2 if halved else count
    made = []
    for number in range(distinct):
        order = about[number % len(about)] if about else next(unknown)
        made.append(request(body(order, f"FT26324{luck.getrandbits(48):012x}")))
    events = list(range(distinct))
    if halved:
        # A repeat comes soon after the first, often while that is still being written.
        places = [(n + luck.random() * 100, n) for n in events] + [(float(n), n) for n in events]
        events = [n for _, n in sorted(places)]
    return [made[n] for n in events], events
