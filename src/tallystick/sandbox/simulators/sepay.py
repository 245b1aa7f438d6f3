"""Plays SePay and the bank account that it watches.

    GET /v2/transactions, /v2/transactions/{uuid}, /v2/bank-accounts   the user API, 3 calls a s
    GET /userapi/…                                                     the old one, see sepay_old
    GET /bank?qr=…&return_url=…&cancel_url=…                           the payer scans our code

SePay knows no orders. What the books call an order here is a payer who has scanned a code and can
pay it; the notices and the API only ever tell of transfers.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Conflict, Invalid
from tallystick.domain.vietqr import BANKS, VietQR
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory
from tallystick.sandbox.simulators.sepay_old import OldUserApi, old_row

_VIETNAM: Final = timezone(timedelta(hours=7))
_MINUTE: Final = 60.0
_BOUNDARY: Final = "sepay-form-7d1f"


@dataclass(frozen=True, slots=True)
class SePayKeys:
    """What the merchant set up at SePay. The same values go into the adapter's settings.

    With an `api_key` notices come in `Apikey` mode, else signed with `webhook_secret`; as a form
    where `multipart`. `calls_per_s` is the limit of the user API.
    """

    api_token: str
    webhook_secret: str = ""
    api_key: str = ""
    account_number: str = "0123499999"
    bank_bin: str = "970436"
    multipart: bool = False
    calls_per_s: int = 3


def sepay(keys: SePayKeys) -> SimulatorFactory:
    """Makes the simulator of SePay."""
    return SimulatorFactory(SePaySimulator.name, lambda context: SePaySimulator(context, keys))


class SePaySimulator:
    """One watched bank account."""

    name = "sepay"
    traits = Traits(
        title="SePay",
        currencies=frozenset({"VND"}),
        page="/bank/{id}",
        shared=True,
        # Docs: 1, 1, 2, 3, 5, 8 and 13 minutes after the try before.
        retries_s=tuple(minutes * _MINUTE for minutes in (1, 1, 2, 3, 5, 8, 13)),
    )

    def __init__(self, context: SimulatorContext, keys: SePayKeys) -> None:
        self._context = context
        self._keys = keys
        self._calls: list[datetime] = []
        account = (keys.bank_bin, keys.account_number)
        self._old = OldUserApi(account, self._old_rows, self._knows)

    def routes(self) -> list[BaseRoute]:
        """The user API in both versions, and the payer's bank app."""

        def guard(path: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=["GET"])

        return [
            guard("/v2/transactions", self._list),
            guard("/v2/transactions/{id}", self._show),
            guard("/v2/bank-accounts", self._accounts),
            *self._old.routes(guard),
            Route("/bank", self._scan, methods=["GET"]),
        ]

    def opened(self, query: str) -> Order:
        """The payer scans the code that is in a checkout address's query. Safe to repeat.

        Raises Invalid where it is not a code for this account.
        """
        given = {name: values[0] for name, values in parse_qs(query).items()}
        code = VietQR.parse(given.get("qr", ""))
        if code.account != self._keys.account_number or not code.memo or not code.amount:
            raise Invalid("The code is for another account, or lacks its amount or memo.")
        ref = code.memo.split()[-1]
        order = self._context.books.order(self.name, ref) or Order(
            gateway=self.name,
            ref=ref,
            id=uuid.uuid4().hex,
            amount=code.amount,
            currency="VND",
            status="scanned",
            created_at=self._context.clock.now(),
            expires_at=None,
            return_url=given.get("return_url", ""),
            cancel_url=given.get("cancel_url", ""),
            terms={"qr": given["qr"], "memo": code.memo, "accountNumber": code.account},
        )
        self._context.books.keep(order)
        return order

    def as_of(self, order: Order, now: datetime) -> Order:
        """A code never expires: whoever has a picture of it can pay."""
        return order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """A bank account takes all money."""
        paid = replace(order, transfers=(*order.transfers, transfer))
        paid = replace(paid, status="scanned" if paid.due else "paid")
        return Change(paid, (_event(self._keys, order, transfer),))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer puts the phone away. Nobody hears of it."""
        return self._left(order)

    def decline(self, order: Order, now: datetime) -> Change:
        """The payer's bank says no. Nobody hears of it."""
        return self._left(order)

    def reference(self, rng: Random, now: datetime) -> str:
        """As banks make them: FT, two digits of the year, the day, and a running number."""
        return f"FT{now.astimezone(_VIETNAM):%y%j}{rng.randrange(10**9):09}"

    def memo(self, order: Order) -> str | None:
        """What the code told the bank app to write."""
        return str(order.terms["memo"])

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """JSON or a form; with a key, or signed at this time, as the merchant chose."""
        return sealed(self._keys, event, at, rightly=rightly)

    def qr_code(self, order: Order) -> str:
        """What the payer scanned."""
        return str(order.terms["qr"])

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """A bank app adds nothing."""
        return order.cancel_url if canceled else order.return_url

    def _left(self, order: Order) -> Change:
        if not order.due:
            raise Conflict("The transfer is made; a bank does not take it back.")
        return Change(order)

    async def _scan(self, request: Request) -> Response:
        try:
            order = self.opened(request.url.query)
        except Invalid as error:
            return JSONResponse({"error": error.detail}, 400)
        return RedirectResponse(f"{self._context.base_url}/bank/{order.id}", 303)

    async def _list(self, request: Request) -> Response:
        if problem := self._stranger(request) or self._too_fast():
            return problem
        wish = request.query_params
        per_page = min(int(wish.get("per_page", "20")), 100)
        page = int(wish.get("page", "1"))
        lines = self._lines()
        if (known := wish.get("since_id")) is not None:
            behind = next((one for one in lines if self._row(*one)["id"] == known), None)
            if behind is None:
                return _no(422, "validation_error", "The since_id is unknown")
            lines = [one for one in lines if _entered(one[1]) > _entered(behind[1])]
        rows = [row for one in lines if _wanted(row := self._row(*one), wish)]
        if wish.get("transaction_date_sort") == "asc":
            rows.reverse()
        last = max(1, -(-len(rows) // per_page))
        pagination = {
            "total": len(rows), "per_page": per_page, "current_page": page, "last_page": last,
            "has_more": page < last,
        }  # fmt: skip
        shown = rows[(page - 1) * per_page : page * per_page]
        return JSONResponse(
            {"status": "success", "data": shown, "meta": {"pagination": pagination}}
        )

    async def _show(self, request: Request) -> Response:
        if problem := self._stranger(request) or self._too_fast():
            return problem
        wanted = request.path_params["id"]
        found = next((row for row in self._rows() if row["id"] == wanted), None)
        if found is None:
            return _no(404, "not_found", "Transaction not found")
        return JSONResponse({"status": "success", "data": found})

    async def _accounts(self, request: Request) -> Response:
        if problem := self._stranger(request) or self._too_fast():
            return problem
        account = {
            "id": _uuid(self._keys.account_number),
            "account_number": self._keys.account_number,
            "account_holder_name": "TALLYSTICK DEMO",
            "bank_brand_name": BANKS[self._keys.bank_bin],
        }
        return JSONResponse({"status": "success", "data": [account]})

    def _old_rows(self) -> list[Mapping[str, Any]]:
        return [old_row(row, _number(str(row["reference_number"]))) for row in self._rows()]

    def _stranger(self, request: Request) -> Response | None:
        return None if self._knows(request) else _no(401, "unauthenticated", "Unauthenticated.")

    def _knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._keys.api_token}"

    def _too_fast(self) -> Response | None:
        now = self._context.clock.now()
        self._calls = [at for at in self._calls if now - at < timedelta(seconds=1)]
        if len(self._calls) >= self._keys.calls_per_s:
            return _no(429, "too_many_requests", "Too many requests", {"Retry-After": "1"})
        self._calls.append(now)
        return None

    def _rows(self) -> list[dict[str, Any]]:
        """Every transfer as the list tells it, the newest first."""
        return [self._row(*one) for one in self._lines()]

    def _lines(self) -> list[tuple[Order, Transfer]]:
        """Every transfer with its order, the newest first."""
        orders = self._context.books.book(self.name).orders
        lines = [(order, transfer) for order in orders for transfer in order.transfers]
        return sorted(lines, key=lambda one: (one[1].at, one[1].reference), reverse=True)

    def _row(self, order: Order, transfer: Transfer) -> dict[str, Any]:
        odd = order.terms.get("odd", "")
        return {
            "id": _uuid(f"{transfer.reference}/{order.ref}"),
            "transaction_date": _local(transfer.at),
            "account_number": self._keys.account_number,
            "va": "",
            "transfer_type": "adjustment" if odd == "type" else "in",
            "amount_in": transfer.amount,
            "amount_out": 0,
            "accumulated": 0,
            "transaction_content": None if odd == "content" else transfer.content,
            "reference_number": None if odd == "reference" else transfer.reference,
            "code": _recognised(order, transfer),
            "bank_brand_name": BANKS[self._keys.bank_bin],
            "bank_account_id": _uuid(self._keys.account_number),
            "va_id": None,
            "webhook_success": 1,
        }


def sealed(keys: SePayKeys, event: Event, at: datetime, *, rightly: bool) -> Message:
    """A notice as the merchant chose it to come, proven at this time."""
    media, body = _form(event) if keys.multipart else ("application/json", _json(event))
    wrong = "" if rightly else "?"
    if keys.api_key:
        return Message(
            {"Content-Type": media, "Authorization": f"Apikey {keys.api_key}{wrong}"},
            body,
        )
    stamp = str(int(at.timestamp()))
    key = (keys.webhook_secret + wrong).encode()
    digest = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    proof = {"X-SePay-Timestamp": stamp, "X-SePay-Signature": f"sha256={digest}"}
    return Message({"Content-Type": media, **proof}, body)


def outgoing(keys: SePayKeys, amount: int, at: datetime) -> Event:
    """What SePay tells when the merchant pays somebody."""
    words = "tra tien nha"
    order = Order("sepay", "", "", amount, "VND", "", at, None, "", "")
    gone = Transfer(f"FT{int(at.timestamp())}", amount, "VND", at, words)
    return {**_event(keys, order, gone), "transferType": "out", "code": None}


def _event(keys: SePayKeys, order: Order, transfer: Transfer) -> Event:
    return {
        "id": _number(transfer.reference),
        "gateway": BANKS[keys.bank_bin],
        "transactionDate": _local(transfer.at),
        "accountNumber": keys.account_number,
        "code": _recognised(order, transfer),
        "content": transfer.content,
        "transferType": "in",
        "transferAmount": transfer.amount,
        "accumulated": 0,
        "subAccount": None,
        "referenceCode": transfer.reference,
        "description": f"BankAPINotify {transfer.content}",
    }


_FILTERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], bool]]] = {
    "q": lambda row, text: any(
        text.lower() in str(row[name] or "").lower()
        for name in ("reference_number", "transaction_content", "code")
    ),
    "transaction_content": lambda row, text: text.lower() in row["transaction_content"].lower(),
    "reference_number": lambda row, text: row["reference_number"] == text,
    "transfer_type": lambda row, text: row["transfer_type"] == text,
    "transaction_date_from": lambda row, text: row["transaction_date"] >= text,
    "transaction_date_to": lambda row, text: row["transaction_date"] <= text,
    "amount_in_min": lambda row, text: row["amount_in"] >= int(text),
    "amount_in_max": lambda row, text: row["amount_in"] <= int(text),
}


def _entered(transfer: Transfer) -> tuple[datetime, str]:
    return (transfer.entered_at or transfer.at, transfer.reference)


def _wanted(row: Mapping[str, Any], wish: Mapping[str, str]) -> bool:
    return all(fits(row, wish[name]) for name, fits in _FILTERS.items() if name in wish)


def _recognised(order: Order, transfer: Transfer) -> str | None:
    """SePay finds a code that stands there whole, and not always."""
    whole = order.ref in transfer.content.upper()
    return order.ref if whole and _number(transfer.reference) % 3 else None


@lru_cache(maxsize=50_000)
def _number(reference: str) -> int:
    """The integer id of the notices, which the API v2 does not have."""
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()[:5])


@lru_cache(maxsize=50_000)
def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _local(at: datetime) -> str:
    return f"{at.astimezone(_VIETNAM):%Y-%m-%d %H:%M:%S}"


def _json(event: Event) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _form(event: Event) -> tuple[str, bytes]:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{'' if value is None else value}\r\n"
        for name, value in event.items()
    ]
    body = "".join(parts) + f"--{_BOUNDARY}--\r\n"
    return f"multipart/form-data; boundary={_BOUNDARY}", body.encode()


def _no(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"status": "error", "error_code": code, "message": message}
    return JSONResponse(told, status, headers=headers)
