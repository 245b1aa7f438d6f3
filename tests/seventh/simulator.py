"""Plays Stonebank, a made-up gateway.

    POST   /orders                make an order; the same merchantRef and terms give the same one
    GET    /orders/{merchantRef}
    DELETE /orders/{merchantRef}  void it

`X-Stonebank-Key` says who calls. Errors are `{"error", "message"}` with their HTTP status. A
webhook carries `Stonebank-Time`, in Unix seconds, and `Stonebank-Signature`, the hex HMAC-SHA256 of
that time, a line feed and the body.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Conflict
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_PAYABLE: Final = {"open", "bounced"}


@dataclass(frozen=True, slots=True)
class StonebankKeys:
    """The same values go into the adapter's settings."""

    api_key: str
    webhook_secret: str


def stonebank(keys: StonebankKeys) -> SimulatorFactory:
    """Makes the simulator of Stonebank."""
    return SimulatorFactory("stonebank", lambda context: StonebankSimulator(context, keys))


class StonebankSimulator:
    """Takes any transfer for an order, and settles it when the sum is there."""

    name = "stonebank"
    traits = Traits(
        title="Stonebank",
        currencies=frozenset({"VND", "LKR"}),
        page="/pay/{id}",
        retries_s=(5, 60, 600, 3600),
    )

    def __init__(self, context: SimulatorContext, keys: StonebankKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The API, with the faults that acts have planned in front of it."""
        calls = {"POST": self._create, "GET": self._show, "DELETE": self._void}
        return [
            Route(
                "/orders" if method == "POST" else "/orders/{ref}",
                self._context.faults.guard(self.name, answer),
                methods=[method],
            )
            for method, answer in calls.items()
        ]

    def as_of(self, order: Order, now: datetime) -> Order:
        """Lapsed as soon as its time is reached, unless it is settled or void."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="lapsed") if over and order.status in _PAYABLE else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """Any transfer is booked; only an open order is settled by it."""
        paid = replace(order, transfers=(*order.transfers, transfer))
        if order.status in _PAYABLE:
            paid = replace(paid, status="open" if paid.due else "settled")
        event = _event("payment.booked", transfer.reference, paid)
        return Change(paid, ({**event, "payment": _payment(transfer)},))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer gives up, and the hub is told."""
        return self._end(order, "void", now)

    def decline(self, order: Order, now: datetime) -> Change:
        """The payment bounces, and the hub is told; the payer can try again."""
        return self._end(order, "bounced", now)

    def reference(self, rng: Random, now: datetime) -> str:
        """A name for a transfer."""
        return f"P{rng.getrandbits(64):016X}"

    def memo(self, order: Order) -> str | None:
        """There is none: the payer pays on the page."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """The signature is over the time and the body."""
        body, time = json.dumps(event).encode(), str(int(at.timestamp()))
        key = self._keys.webhook_secret if rightly else "another"
        digest = hmac.new(key.encode(), f"{time}\n".encode() + body, hashlib.sha256).hexdigest()
        return Message({"Stonebank-Time": time, "Stonebank-Signature": digest}, body)

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._context.base_url}/pay/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The return or cancel URL as it was given."""
        return order.cancel_url if canceled else order.return_url

    async def _create(self, request: Request) -> Response:
        if not self._known(request):
            return _no(401, "unknown_key")
        try:
            order = _order(await request.json(), self._context.clock.now())
        except (ValueError, TypeError, KeyError, OverflowError):
            return _no(400, "bad_order")
        kept = self._context.books.order(self.name, order.ref)
        if kept and (kept.amount, kept.currency) != (order.amount, order.currency):
            return _no(409, "other_terms")
        if not kept:
            self._context.books.keep(order)
        return JSONResponse(self._told(kept or order), 200 if kept else 201)

    async def _show(self, request: Request) -> Response:
        order = self._find(request)
        return order if isinstance(order, Response) else JSONResponse(self._told(order))

    async def _void(self, request: Request) -> Response:
        order = self._find(request)
        if isinstance(order, Response):
            return order
        if order.status == "settled":
            return _no(409, "settled")
        order = replace(order, status="void")
        self._context.books.keep(order)
        return JSONResponse(self._told(order))

    def _known(self, request: Request) -> bool:
        return request.headers.get("x-stonebank-key") == self._keys.api_key

    def _find(self, request: Request) -> Order | Response:
        if not self._known(request):
            return _no(401, "unknown_key")
        order = self._context.books.order(self.name, request.path_params["ref"])
        found = order and self.as_of(order, self._context.clock.now())
        return found or _no(404, "no_such_order")

    def _told(self, order: Order) -> dict[str, Any]:
        rows = [_payment(transfer) for transfer in order.transfers]
        return {**_summary(order), "payUrl": self.qr_code(order), "payments": rows}

    def _end(self, order: Order, status: str, now: datetime) -> Change:
        if order.status not in _PAYABLE:
            raise Conflict(f"The Stonebank order is {order.status}; nothing can end it now.")
        over = replace(order, status=status)
        return Change(over, (_event(f"order.{status}", f"{order.id}-{now.timestamp()}", over),))


def _no(status: int, code: str) -> Response:
    return JSONResponse({"error": code, "message": code.replace("_", " ")}, status)


def _order(wish: Mapping[str, Any], now: datetime) -> Order:
    order = Order(
        gateway=StonebankSimulator.name,
        ref=str(wish["merchantRef"]),
        id=f"O{secrets.token_hex(8).upper()}",
        amount=wish["amountMinor"],
        currency=wish["currency"],
        status="open",
        created_at=now,
        expires_at=datetime.fromtimestamp(wish["validUntil"], UTC),
        return_url=str(wish["backUrl"]),
        cancel_url=str(wish["cancelUrl"]),
    )
    if type(order.amount) is not int or order.amount <= 0:
        raise ValueError("amountMinor is a whole number above 0")
    if order.currency not in StonebankSimulator.traits.currencies:
        raise ValueError("currency is one that Stonebank moves")
    return order


def _event(kind: str, name: str, order: Order) -> Event:
    return {"event": kind, "eventNo": f"E-{name}", "order": _summary(order)}


def _summary(order: Order) -> dict[str, Any]:
    return {
        "orderNo": order.id,
        "merchantRef": order.ref,
        "amountMinor": order.amount,
        "currency": order.currency,
        "state": order.status,
    }


def _payment(transfer: Transfer) -> dict[str, Any]:
    return {
        "paymentNo": transfer.reference,
        "amountMinor": transfer.amount,
        "currency": transfer.currency,
        "bookedAt": transfer.at.isoformat(),
    }
