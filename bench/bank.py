"""A payOS that answers from memory, so that a benchmark measures the hub and not its gateway."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bench.notices import AMOUNT, CHECKSUM_KEY
from tallystick.domain.clocks import GatewayClocks
from tallystick.gateways.base import Notice, RawNotice, Reply
from tallystick.gateways.payos import PayOS, PayOSAccount, body_signature


class Bank:
    """The wire to it. An order is paid in full from the moment that a notice tells of it."""

    def __init__(self, orders: Iterable[tuple[int, str]] = ()) -> None:
        self.orders: dict[int, str] = dict(orders)
        self.paid: set[str] = set()
        self.clocks = GatewayClocks()

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """Answer at once."""
        if method == "POST" and body is not None and "/cancel" not in url:
            wish = json.loads(body)
            link = f"{wish['orderCode']:032x}"
            self.orders[wish["orderCode"]] = link
            return signed(offer(wish, link))
        code = int(urlsplit(url).path.rpartition("/")[2])
        link = self.orders.get(code)
        if link is None:
            return Reply(200, b'{"code":"101","desc":"unknown","data":null,"signature":null}')
        return signed(self.told(code, link))

    async def close(self) -> None:
        """Nothing is open."""

    def told(self, code: int, link: str) -> dict[str, Any]:
        """What the books say."""
        paid = str(code) in self.paid
        transfer = {
            "reference": f"FT26{code}",
            "amount": AMOUNT,
            "description": "TS7G2K9QX",
            "transactionDateTime": "2026-11-20T16:25:00+07:00",
            "accountNumber": "0123456789",
        }
        return {
            "id": link,
            "orderCode": code,
            "amount": AMOUNT,
            "amountPaid": AMOUNT if paid else 0,
            "amountRemaining": 0 if paid else AMOUNT,
            "status": "PAID" if paid else "PENDING",
            "createdAt": "2026-11-20T16:00:00+07:00",
            "transactions": [transfer] if paid else [],
        }


def offer(wish: Mapping[str, Any], link: str) -> dict[str, Any]:
    """A fresh order."""
    return {
        "bin": "970422",
        "accountNumber": "LOCCASS0123456789",
        "accountName": "TALLYSTICK BENCH",
        "amount": wish["amount"],
        "description": f"CSK7Q2M4X9A {wish['description']}",
        "orderCode": wish["orderCode"],
        "currency": "VND",
        "paymentLinkId": link,
        "status": "PENDING",
        "expiredAt": wish["expiredAt"],
        "checkoutUrl": f"https://pay.payos.vn/web/{link}",
        "qrCode": "00020101021238570010A000000727",
    }


def signed(data: Mapping[str, Any]) -> Reply:
    """The envelope of payOS."""
    body = {"code": "00", "desc": "success", "data": data,
            "signature": body_signature(data, CHECKSUM_KEY)}  # fmt: skip
    return Reply(200, json.dumps(body).encode())


class Noticing(PayOS):
    """The adapter as it is; the bank hears of each notice that passes."""

    def __init__(self, account: PayOSAccount, bank: Bank) -> None:
        super().__init__(account, bank)
        self._bank = bank

    def read_notice(self, raw: RawNotice) -> Notice:
        """Note which order it is about."""
        notice = super().read_notice(raw)
        self._bank.paid.add(notice.refs[0])
        return notice
