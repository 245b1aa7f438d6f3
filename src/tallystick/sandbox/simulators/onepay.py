"""Plays OnePay's order API: an order with a virtual account of its own, and no notices at all.

    POST /v2/order          {order_code, amount, description, duration, with_qrcode, return_url?}
    GET  /v2/order/{name}   by OnePay's id or by the order code

The virtual account takes what is due and sends everything else back, as such accounts do. The
answers' form is our own guess; see the adapter.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain import strict_json
from tallystick.domain.errors import Conflict, MalformedJson
from tallystick.domain.vietqr import BANKS, VietQR
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_VIETNAM: Final = timezone(timedelta(hours=7))
_BIN: Final = "970418"
_OPEN: Final = {"Pending", "Partially"}


@dataclass(frozen=True, slots=True)
class OnePayKeys:
    """The same values go into the adapter's settings."""

    client_id: str
    api_key: str


def onepay(keys: OnePayKeys) -> SimulatorFactory:
    """Makes the simulator of OnePay's order API."""
    return SimulatorFactory(OnePaySimulator.name, lambda context: OnePaySimulator(context, keys))


class OnePaySimulator:
    """One client of the order API."""

    name = "onepay"
    traits = Traits(
        title="OnePay",
        currencies=frozenset({"VND"}),
        page="/pay/{id}",
        retries_s=(),
        unpaid="Pending",
    )

    def __init__(self, context: SimulatorContext, keys: OnePayKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The order API."""

        def guard(path: str, method: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=[method])

        return [
            guard("/v2/order", "POST", self._create),
            guard("/v2/order/{name}", "GET", self._show),
        ]

    def as_of(self, order: Order, now: datetime) -> Order:
        """Expired when its duration is over, unless it is paid."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="Expired") if over and order.status == "Pending" else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """The account takes up to what is due. Raises Conflict where the bank sends it back."""
        if transfer.amount > order.due:
            raise Conflict(f"The virtual account takes no more than {order.due}; the rest is back.")
        paid = replace(order, transfers=(*order.transfers, transfer))
        return Change(replace(paid, status="Partially" if paid.due else "Paid"))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The merchant's staff cancels the order at OnePay."""
        return self._end(order, "Cancelled")

    def decline(self, order: Order, now: datetime) -> Change:
        """A word that nobody has explained."""
        return self._end(order, "Rejected")

    def reference(self, rng: Random, now: datetime) -> str:
        """A bank's name for a transfer; OnePay never tells it."""
        return f"FT{now.astimezone(_VIETNAM):%y%j}{rng.randrange(10**9):09}"

    def memo(self, order: Order) -> str | None:
        """What is written does not matter: the account is the order's own."""
        return str(order.terms["description"])

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """Never called: OnePay tells nothing."""
        raise Conflict("OnePay sends no notices.")

    def qr_code(self, order: Order) -> str:
        """A NAPAS payload for the order's virtual account."""
        account = str(order.terms["accountNumber"])
        return VietQR(_BIN, account, order.amount, self.memo(order)).payload()

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """A bank app adds nothing."""
        return order.return_url

    def _end(self, order: Order, status: str) -> Change:
        if order.status not in _OPEN:
            raise Conflict(f"The OnePay order is {order.status}.")
        return Change(replace(order, status=status))

    async def _create(self, request: Request) -> Response:
        wish = await _document(request)
        if problem := self._stranger(request) or _problem(wish):
            return problem
        code, now = str(wish["order_code"]), self._context.clock.now()
        if self._context.books.order(self.name, code):
            return JSONResponse({"error": "order_exists", "message": "Order code is taken"}, 409)
        order = Order(
            gateway=self.name,
            ref=code,
            id=secrets.token_hex(16),
            amount=wish["amount"],
            currency="VND",
            status="Pending",
            created_at=now,
            expires_at=now + timedelta(seconds=wish["duration"]),
            return_url=str(wish.get("return_url", "")),
            cancel_url=str(wish.get("return_url", "")),
            terms={
                "description": wish["description"],
                "accountNumber": f"963{secrets.randbelow(10**12):012}",
            },
        )
        self._context.books.keep(order)
        return JSONResponse(self._told(order), 201)

    async def _show(self, request: Request) -> Response:
        if problem := self._stranger(request):
            return problem
        order = self._context.books.order(self.name, request.path_params["name"])
        if order is None:
            return JSONResponse({"error": "not_found", "message": "Order not found"}, 404)
        return JSONResponse(self._told(self.as_of(order, self._context.clock.now())))

    def _stranger(self, request: Request) -> Response | None:
        told = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        known = told == (self._keys.client_id, self._keys.api_key)
        return None if known else JSONResponse({"message": "Unauthorized"}, 401)

    def _told(self, order: Order) -> dict[str, Any]:
        account = order.terms["accountNumber"]
        paid = order.transfers[-1].at if order.status == "Paid" else None
        return {
            "id": order.id,
            "order_code": order.ref,
            "amount": order.amount,
            "status": order.status,
            "va_number": account,
            "bank_name": BANKS[_BIN],
            "account_number": account,
            "account_holder_name": "TALLYSTICK DEMO",
            "qr_code": self.qr_code(order),
            "qr_code_url": f"{self._context.base_url}/pay/{order.id}",
            "checkout_url": f"{self._context.base_url}/pay/{order.id}",
            "expired_at": _local(order.expires_at),
            "paid_at": _local(paid),
        }


def _local(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(_VIETNAM):%Y-%m-%d %H:%M:%S}"


def _problem(wish: Mapping[str, Any]) -> Response | None:
    amount, duration = wish.get("amount"), wish.get("duration")
    faults = [
        (isinstance(wish.get("order_code"), str), "order_code is required"),
        (type(amount) is int and 0 < amount < 10**12, "amount must be a positive number"),
        (type(duration) is int and duration > 0, "duration must be a positive number"),
        (isinstance(wish.get("description"), str), "description is required"),
    ]
    wrong = [words for fine, words in faults if not fine]
    return JSONResponse({"error": "invalid", "message": ", ".join(wrong)}, 422) if wrong else None


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}
