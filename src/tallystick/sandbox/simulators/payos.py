"""Plays payOS: its merchant API, its signatures, its webhooks, its late and split transfers.

Written from the wire facts in payos.vn/docs and not from our adapter: the two must agree.
"""

import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain import strict_json
from tallystick.domain.errors import Conflict, MalformedJson
from tallystick.domain.ids import CROCKFORD
from tallystick.domain.vietqr import VietQR
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_VIETNAM: Final = timezone(timedelta(hours=7))
_BIN: Final = "970422"
_LARGEST_CODE: Final = 9_007_199_254_740_991
# Live codes carry up to 36 characters although NAPAS says 25.
_LONGEST_MEMO: Final = 40
_OPEN: Final = {"PENDING", "PROCESSING", "UNDERPAID"}
_TEST_PING: Final = {
    "orderCode": 123,
    "amount": 3000,
    "description": "VQRIO123",
    "accountNumber": "12345678",
    "reference": "TF230204212323",
    "transactionDateTime": "2023-02-04 18:25:00",
    "currency": "VND",
    "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
    "code": "00",
    "desc": "Thành công",
    "counterAccountBankId": "",
    "counterAccountBankName": "",
    "counterAccountName": "",
    "counterAccountNumber": "",
    "virtualAccountName": "",
    "virtualAccountNumber": "",
}


@dataclass(frozen=True, slots=True)
class PayOSKeys:
    """What the merchant got from payOS. The same values go into the adapter's settings."""

    client_id: str
    api_key: str
    checksum_key: str


def payos(keys: PayOSKeys) -> SimulatorFactory:
    """Makes the simulator of payOS."""
    return SimulatorFactory(PayOSSimulator.name, lambda context: PayOSSimulator(context, keys))


class PayOSSimulator:
    """One payment channel of payOS. Business errors come inside HTTP 200, as in life."""

    name = "payos"
    traits = Traits(
        title="payOS",
        currencies=frozenset({"VND"}),
        page="/web/{id}",
        # The real schedule is not published.
        retries_s=(2, 10, 60, 300, 1800, 7200, 21_600, 86_400),
    )

    def __init__(self, context: SimulatorContext, keys: PayOSKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The merchant API v2."""

        def guard(path: str, method: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=[method])

        return [
            guard("/v2/payment-requests", "POST", self._create),
            guard("/v2/payment-requests/{name}", "GET", self._show),
            guard("/v2/payment-requests/{name}/cancel", "POST", self._revoke),
            guard("/v2/payment-requests/{name}/invoices", "GET", self._invoices),
            guard("/confirm-webhook", "POST", self._confirm),
        ]

    def as_of(self, order: Order, now: datetime) -> Order:
        """EXPIRED as soon as `expiredAt` is reached, unless it is paid or canceled."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="EXPIRED") if over and order.status in _OPEN else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """Money is never refused: late transfers are listed while the status stays."""
        paid = replace(order, transfers=(*order.transfers, transfer))
        if order.status not in {"CANCELLED", "EXPIRED"}:
            paid = replace(paid, status="UNDERPAID" if paid.due else "PAID")
        return Change(paid, (_news(paid, transfer),))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer's or the merchant's cancel. Nothing is sent: payOS only tells of transfers."""
        if order.status not in _OPEN:
            raise Conflict(f"The payOS order is {order.status}; it cannot be canceled.")
        canceled = {"canceledAt": _iso(now), "cancellationReason": "Canceled by the payer"}
        return Change(replace(order, status="CANCELLED", terms={**order.terms, **canceled}))

    def decline(self, order: Order, now: datetime) -> Change:
        """FAILED, silently; a later transfer is taken all the same."""
        if order.status not in _OPEN:
            raise Conflict(f"The payOS order is {order.status}; it cannot fail any more.")
        return Change(replace(order, status="FAILED"))

    def reference(self, rng: Random, now: datetime) -> str:
        """As banks make them: FT, two digits of the year, the day, and a running number."""
        return f"FT{now.astimezone(_VIETNAM):%y%j}" + "".join(rng.choices(CROCKFORD, k=10))

    def memo(self, order: Order) -> str | None:
        """What the payer writes: payOS's own code, then the merchant's text."""
        return str(order.terms["description"])

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """The signature is in the body and knows no time."""
        key = self._keys.checksum_key if rightly else self._keys.checksum_key + "?"
        notice = {"code": "00", "desc": "success", "success": True, "data": event}
        return Message({}, _json({**notice, "signature": _sign(_flat(event), key)}))

    def qr_code(self, order: Order) -> str:
        """A NAPAS payload with the order's virtual account and amount."""
        memo = re.sub(r"[^A-Za-z0-9 ]", "", unicodedata.normalize("NFD", self.memo(order) or ""))
        account = str(order.terms["accountNumber"])
        return VietQR(_BIN, account, order.amount, memo).payload(longest_memo=_LONGEST_MEMO)

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The return or cancel URL with payOS's query. It is not signed, so it proves nothing."""
        url = order.cancel_url if canceled else order.return_url
        query = urlencode({
            "code": "00", "id": order.id, "cancel": str(canceled).lower(),
            "status": order.status, "orderCode": order.ref,
        })  # fmt: skip
        return f"{url}{'&' if '?' in url else '?'}{query}"

    async def _create(self, request: Request) -> Response:
        wish = await _document(request)
        now = self._context.clock.now()
        problem = self._stranger(request) or _problem(wish, now) or self._unsigned(wish)
        if problem:
            return problem
        if self._context.books.order(self.name, str(wish["orderCode"])):
            return _no("231", "Đơn thanh toán đã tồn tại")
        order = _order(wish, now)
        self._context.books.keep(order)
        return self._yes(self._offer(order))

    async def _show(self, request: Request) -> Response:
        return self._stranger(request) or self._answer(self._find(request))

    async def _revoke(self, request: Request) -> Response:
        """The SDKs sign what they send; nothing and an unsigned reason are taken as well."""
        wish = dict(await _document(request))
        if problem := self._stranger(request):
            return problem
        signature = wish.pop("signature", None)
        if signature not in (None, _sign(_flat(wish), self._keys.checksum_key)):
            return _no("201", "Mã kiểm tra(signature) không hợp lệ")
        order = self._find(request)
        if order is not None:
            try:
                order = self.cancel(order, self._context.clock.now()).order
            except Conflict as conflict:
                return _no("20", conflict.detail)
            reason = {"cancellationReason": wish.get("cancellationReason")}
            order = replace(order, terms={**order.terms, **reason})
            self._context.books.keep(order)
        return self._answer(order)

    async def _invoices(self, request: Request) -> Response:
        """There are none: this channel has no contract for electronic invoices."""
        none = self._stranger(request) or (self._find(request) is None and self._answer(None))
        return none or self._yes({"invoices": []})

    async def _confirm(self, request: Request) -> Response:
        wish = await _document(request)
        if problem := self._stranger(request):
            return problem
        url = str(wish.get("webhookUrl"))
        ping = self.seal(_TEST_PING, self._context.clock.now(), rightly=True)
        try:
            status = await self._context.post(url, ping)
        except (OSError, TimeoutError) as error:
            return _webhook_invalid(f"Request failed: {error}")
        if not 200 <= status < 300:
            return _webhook_invalid(f"Request failed with status code {status}")
        name = {"accountName": "TALLYSTICK DEMO", "name": "MB Bank", "shortName": "MB"}
        data = {"webhookUrl": url, "accountNumber": "0123456789", **name}
        return JSONResponse({"code": "00", "desc": "success", "data": data})

    def _find(self, request: Request) -> Order | None:
        order = self._context.books.order(self.name, request.path_params["name"])
        return order and self.as_of(order, self._context.clock.now())

    def _stranger(self, request: Request) -> Response | None:
        told = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        known = told == (self._keys.client_id, self._keys.api_key)
        return None if known else _no("401", "Unauthorized")

    def _unsigned(self, wish: Mapping[str, Any]) -> Response | None:
        text = (
            f"amount={wish['amount']}&cancelUrl={wish['cancelUrl']}"
            f"&description={wish['description']}&orderCode={wish['orderCode']}"
            f"&returnUrl={wish['returnUrl']}"
        )
        fits = wish.get("signature") == _sign(text, self._keys.checksum_key)
        return None if fits else _no("201", "Mã kiểm tra(signature) không hợp lệ")

    def _offer(self, order: Order) -> dict[str, Any]:
        return {
            "bin": _BIN,
            "accountNumber": order.terms["accountNumber"],
            "accountName": "TALLYSTICK DEMO",
            "amount": order.amount,
            "description": order.terms["description"],
            "orderCode": int(order.ref),
            "currency": "VND",
            "paymentLinkId": order.id,
            "status": order.status,
            "expiredAt": order.terms["expiredAt"],
            "checkoutUrl": f"{self._context.base_url}/web/{order.id}",
            "qrCode": self.qr_code(order),
        }

    def _answer(self, order: Order | None) -> Response:
        return (
            _no("101", "Mã thanh toán không tồn tại") if order is None else self._yes(_told(order))
        )

    def _yes(self, data: Mapping[str, Any]) -> Response:
        signature = _sign(_flat(data), self._keys.checksum_key)
        answer = {"code": "00", "desc": "success", "data": data, "signature": signature}
        return Response(_json(answer), media_type="application/json")


def _sign(text: str, key: str) -> str:
    return hmac.new(key.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()


def _flat(data: Mapping[str, Any]) -> str:
    """Docs, "signature of data": sort by key, `k=v`, arrays as JSON with sorted elements."""
    return "&".join(f"{key}={_spelled(value)}" for key, value in sorted(data.items()))


def _spelled(value: object) -> str:
    if value in (None, "null", "undefined"):
        return ""
    if isinstance(value, list):
        return _json([dict(sorted(element.items())) for element in value]).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _no(code: str, desc: str) -> Response:
    return JSONResponse({"code": code, "desc": desc, "data": None, "signature": None})


def _webhook_invalid(why: str) -> Response:
    return JSONResponse({"code": "20", "desc": "Webhook url invalid", "data": why}, 400)


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}


def _problem(wish: Mapping[str, Any], now: datetime) -> Response | None:
    code, amount, expires = wish.get("orderCode"), wish.get("amount"), wish.get("expiredAt")
    description = wish.get("description")
    faults = [
        (type(code) is int and code <= _LARGEST_CODE,
         f"order_code: order_code must not be greater than {_LARGEST_CODE}"),
        (type(code) is int and code > 0, "order_code: order_code must be a positive number"),
        (type(amount) is int and amount > 0, "amount: amount must be a positive number"),
        (isinstance(description, str), "description: description must be a string"),
        (len(str(description)) <= 25, "description: Mô tả tối đa 25 kí tự"),
        (isinstance(wish.get("cancelUrl"), str), "cancel_url: cancel_url must be a string"),
        (isinstance(wish.get("returnUrl"), str), "return_url: return_url must be a string"),
        (expires is None or (type(expires) is int and 0 < expires < 2**31),
         "expired_at: expired_at must be an int32"),
        (type(expires) is not int or expires >= now.timestamp(), "expired_at can not before now"),
    ]  # fmt: skip
    wrong = [words for fine, words in faults if not fine]
    return _no("20", ", ".join(wrong)) if wrong else None


def _order(wish: Mapping[str, Any], now: datetime) -> Order:
    number = secrets.token_hex(16)
    own_code = "CS" + "".join(CROCKFORD[int(digit, 16)] for digit in number[:9])
    expires = wish.get("expiredAt")
    return Order(
        gateway=PayOSSimulator.name,
        ref=str(wish["orderCode"]),
        id=number,
        amount=wish["amount"],
        currency="VND",
        status="PENDING",
        created_at=now,
        expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        return_url=wish["returnUrl"],
        cancel_url=wish["cancelUrl"],
        terms={
            "description": f"{own_code} {wish['description']}",
            "accountNumber": f"LOCCASS{int(number[:8], 16):010}"[:19],
            "expiredAt": expires,
        },
    )


def _iso(at: datetime) -> str:
    return at.astimezone(_VIETNAM).isoformat(timespec="seconds")


def _payer(order: Order) -> dict[str, Any]:
    return {
        "accountNumber": "0123456789",
        "counterAccountBankId": "970422",
        "counterAccountBankName": None,
        "counterAccountName": "KHÁCH HÀNG & CO",
        "counterAccountNumber": "9876543210",
        "virtualAccountName": None,
        "virtualAccountNumber": order.terms["accountNumber"],
    }


def _told(order: Order) -> dict[str, Any]:
    rows = [
        {
            "reference": transfer.reference,
            "amount": transfer.amount,
            "description": transfer.content,
            "transactionDateTime": _iso(transfer.at),
            **_payer(order),
        }
        for transfer in order.transfers
    ]
    return {
        "id": order.id,
        "orderCode": int(order.ref),
        "amount": order.amount,
        "amountPaid": order.received,
        "amountRemaining": order.due,
        "status": order.status,
        "createdAt": _iso(order.created_at),
        "transactions": rows,
        "canceledAt": order.terms.get("canceledAt"),
        "cancellationReason": order.terms.get("cancellationReason"),
    }


def _news(order: Order, transfer: Transfer) -> Event:
    return {
        "orderCode": int(order.ref),
        "amount": transfer.amount,
        "description": transfer.content,
        "reference": transfer.reference,
        "transactionDateTime": f"{transfer.at.astimezone(_VIETNAM):%Y-%m-%d %H:%M:%S}",
        "currency": "VND",
        "paymentLinkId": order.id,
        "code": "00",
        "desc": "success",
        **_payer(order),
    }
