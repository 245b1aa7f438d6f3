"""Plays SePay's payment gateway.

POST /v1/checkout/init      the form that the payer's browser posts, signed in the order it has
GET  /v1/order?…, /v1/order/detail/{invoice}
POST /v1/order/cancel, /v1/order/voidTransaction {order_invoice_number}
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain import strict_json
from tallystick.domain.errors import Conflict, Invalid, MalformedJson
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_VIETNAM: Final = timezone(timedelta(hours=7))
_WAITING: Final = "AUTHENTICATION_NOT_NEEDED"
# The order of the documentation's form; the signature follows the form that came.
_SIGNED: Final = (
    "merchant", "env", "operation", "payment_method", "order_amount", "currency",
    "order_invoice_number", "order_description", "customer_id", "success_url", "error_url",
    "cancel_url", "order_id",
)  # fmt: skip
_NEEDED: Final = ("merchant", "currency", "order_amount", "operation", "order_invoice_number")


@dataclass(frozen=True, slots=True)
class SePayPGKeys:
    """The same values go into the adapter's settings. `keyed`: notices carry the secret key."""

    merchant_id: str
    secret_key: str
    keyed: bool = True


def sepay_pg(keys: SePayPGKeys) -> SimulatorFactory:
    """Makes the simulator of SePay's payment gateway."""
    return SimulatorFactory(SePayPGSimulator.name, lambda context: SePayPGSimulator(context, keys))


class SePayPGSimulator:
    """One merchant's hosted checkout."""

    name = "sepay_pg"
    traits = Traits(
        title="SePay PG",
        currencies=frozenset({"VND"}),
        page="/pay/{id}",
        # The real schedule is not published.
        retries_s=(60, 60, 120, 180, 300, 480, 780),
    )

    def __init__(self, context: SimulatorContext, keys: SePayPGKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The form's target and the REST API."""

        def guard(path: str, method: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=[method])

        return [
            Route("/v1/checkout/init", self._init, methods=["POST"]),
            guard("/v1/order", "GET", self._list),
            guard("/v1/order/detail/{name}", "GET", self._show),
            guard("/v1/order/voidTransaction", "POST", self._void),
            guard("/v1/order/cancel", "POST", self._revoke),
        ]

    def opened(self, query: str) -> Order:
        """The payer's browser posts the form. The same form again is a reload.

        Raises Invalid where SePay would not show its page.
        """
        fields = dict(parse_qsl(query, keep_blank_values=True))
        problem = self._problem(fields)
        if problem:
            raise Invalid(problem)
        invoice = fields["order_invoice_number"]
        kept = self._context.books.order(self.name, invoice)
        if kept is not None:
            if kept.terms["signature"] != fields["signature"]:
                raise Invalid("order_invoice_number was used before")
            return kept
        now = self._context.clock.now()
        order = Order(
            gateway=self.name,
            ref=invoice,
            id=secrets.token_hex(12),
            amount=int(fields["order_amount"]),
            currency="VND",
            status=_WAITING,
            created_at=now,
            expires_at=None,
            return_url=fields.get("success_url", ""),
            cancel_url=fields.get("cancel_url", ""),
            terms={
                "signature": fields["signature"],
                "description": fields.get("order_description", ""),
                "customer_id": fields.get("customer_id", ""),
            },
        )
        self._context.books.keep(order)
        return order

    def as_of(self, order: Order, now: datetime) -> Order:
        """Nothing is said of an expiry."""
        return order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """Money for a code that is out in the world is taken, canceled or not."""
        paid = replace(order, transfers=(*order.transfers, transfer))
        if not paid.due:
            paid = replace(paid, status="CAPTURED")
        return Change(paid, (self._event(paid, transfer),))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer's or the merchant's cancel. No notice goes out."""
        if order.status == "CAPTURED":
            raise Conflict("The SePay order is CAPTURED; it cannot be canceled.")
        return Change(replace(order, status="CANCELLED"))

    def decline(self, order: Order, now: datetime) -> Change:
        """The card is declined; the order waits for another try."""
        if order.status == "CAPTURED":
            raise Conflict("The SePay order is CAPTURED; it cannot fail any more.")
        return Change(order)

    def reference(self, rng: Random, now: datetime) -> str:
        """A transaction's id."""
        return f"{rng.getrandbits(96):024x}"

    def memo(self, order: Order) -> str | None:
        """The hosted page has a code of its own; payers write nothing."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """The body is not signed; the secret key goes along, where the merchant chose that."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        if not self._keys.keyed:
            return Message({}, body)
        return Message({"X-Secret-Key": self._keys.secret_key + ("" if rightly else "?")}, body)

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._context.base_url}/pay/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The success or cancel address as it was given, unsigned."""
        return order.cancel_url if canceled else order.return_url

    def _event(self, order: Order, transfer: Transfer) -> Event:
        return {
            "timestamp": int(transfer.at.timestamp()),
            "notification_type": "ORDER_PAID",
            "order": {**self._told(order), "custom_data": [], "user_agent": "", "ip_address": ""},
            "transaction": {**_row(transfer), "transaction_id": transfer.reference},
            "customer": None,
            "agreement": None,
        }

    async def _init(self, request: Request) -> Response:
        try:
            order = self.opened((await request.body()).decode("utf-8", "replace"))
        except Invalid as error:
            return JSONResponse({"message": error.detail}, 400)
        return RedirectResponse(f"{self._context.base_url}/pay/{order.id}", 303)

    async def _show(self, request: Request) -> Response:
        order = self._context.books.order(self.name, request.path_params["name"])
        if problem := self._stranger(request) or self._missing(order):
            return problem
        assert order is not None  # noqa: S101 - `_missing` has answered the other case
        rows = [_row(transfer) for transfer in order.transfers]
        return JSONResponse({"data": {**self._told(order), "transactions": rows}})

    async def _list(self, request: Request) -> Response:
        """Docs, "API overview": `data` with `meta`, 20 on a page, at most 100."""
        if problem := self._stranger(request):
            return problem
        wish = request.query_params
        orders = sorted(
            self._context.books.book(self.name).orders, key=lambda order: order.created_at
        )
        rows = [row for order in reversed(orders) if _wanted(row := self._told(order), wish)]
        per_page, page = min(int(wish.get("per_page", 20)), 100), int(wish.get("page", 1))
        pages = -(-len(rows) // per_page)
        meta = {
            "per_page": per_page, "total": len(rows), "has_more": page < pages,
            "current_page": page, "page_count": pages,
        }  # fmt: skip
        return JSONResponse({"data": rows[(page - 1) * per_page : page * per_page], "meta": meta})

    async def _void(self, request: Request) -> Response:
        """Cards alone can be voided, and what is paid here is paid by transfer."""
        wish = await _document(request)
        order = self._context.books.order(self.name, str(wish.get("order_invoice_number")))
        if problem := self._stranger(request) or self._missing(order):
            return problem
        return JSONResponse({"message": "Only card transactions can be voided"}, 422)

    async def _revoke(self, request: Request) -> Response:
        wish = await _document(request)
        order = self._context.books.order(self.name, str(wish.get("order_invoice_number")))
        if problem := self._stranger(request) or self._missing(order):
            return problem
        assert order is not None  # noqa: S101 - `_missing` has answered the other case
        try:
            self._context.books.keep(self.cancel(order, self._context.clock.now()).order)
        except Conflict as conflict:
            return JSONResponse({"message": conflict.detail}, 422)
        return JSONResponse({"message": "Order canceled"})

    def _missing(self, order: Order | None) -> Response | None:
        return JSONResponse({"message": "Order not found"}, 404) if order is None else None

    def _stranger(self, request: Request) -> Response | None:
        pair = f"{self._keys.merchant_id}:{self._keys.secret_key}".encode()
        known = request.headers.get("authorization") == f"Basic {base64.b64encode(pair).decode()}"
        return None if known else JSONResponse({"message": "Unauthorized"}, 401)

    def _problem(self, fields: Mapping[str, str]) -> str | None:
        missing = [name for name in _NEEDED if not fields.get(name)]
        if missing:
            return f"missing: {', '.join(missing)}"
        amount = fields["order_amount"]
        if not (amount.isascii() and amount.isdecimal() and int(amount) > 0):
            return "order_amount is wrong"
        text = ",".join(f"{name}={value}" for name, value in fields.items() if name in _SIGNED)
        key = self._keys.secret_key.encode()
        digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
        signed = fields.get("signature") == base64.b64encode(digest).decode()
        return None if signed else "signature is wrong"

    def _told(self, order: Order) -> dict[str, Any]:
        last = order.transfers[-1].at if order.transfers else order.created_at
        return {
            "id": order.id,
            "order_id": f"ORD-{order.id}",
            "customer_id": order.terms.get("customer_id") or None,
            "order_invoice_number": order.ref,
            "order_status": order.status,
            "order_amount": f"{order.amount}.00",
            "order_currency": "VND",
            "order_description": order.terms["description"],
            "authentication_status": None,
            "created_at": _local(order.created_at),
            "updated_at": _local(last),
        }


def _wanted(row: Mapping[str, Any], wish: Mapping[str, str]) -> bool:
    found = str(wish.get("q", "")).lower() in row["order_invoice_number"].lower()
    names = ("order_status", "customer_id")
    return found and all(row[name] == wish[name] for name in names if wish.get(name))


def _row(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.reference,
        "payment_method": "BANK_TRANSFER",
        "transaction_type": "PAYMENT",
        "transaction_amount": str(transfer.amount),
        "transaction_currency": transfer.currency,
        "transaction_status": "APPROVED",
        "transaction_date": _local(transfer.at),
        "authentication_status": None,
    }


def _local(at: datetime) -> str:
    return f"{at.astimezone(_VIETNAM):%Y-%m-%d %H:%M:%S}"


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}
