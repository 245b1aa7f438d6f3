"""Plays Polar: its API, its Standard Webhooks, its tax, its refunds and its rate limit.

Written from Polar's server and docs and not from our adapter: the two must agree. Every price is
taken as including 10 % tax. Each transfer is one order of Polar's.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain import strict_json
from tallystick.domain.errors import Conflict, MalformedJson
from tallystick.simulators.backstage import Backstage, Part
from tallystick.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.simulators.books import Delivery
from tallystick.simulators.polar_discounts import DiscountDesk
from tallystick.simulators.polar_objects import checkout_of, disputed, iso, order_of, uuid_of

_LASTS: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)
_MOST_FAILURES: Final = 10
_SMALLEST: Final = {"vnd": 20_000, "lkr": 20_000}
_REF: Final = "tallystick_ref"
_DISABLED: Final = "polar.endpoint.disabled"
_FAILED: Final = "polar.endpoint.failed"
_LISTS: Final = ("checkouts", "orders", "refunds", "disputes", "products", "discounts")


@dataclass(frozen=True, slots=True)
class PolarKeys:
    """What the merchant got from Polar. The same values go into the adapter's settings."""

    access_token: str
    webhook_secret: str
    product_id: str


def polar(keys: PolarKeys, *, calls_per_minute: int = 500) -> Part:
    """The part of Polar, for a stage; its sandbox takes 100 calls a minute, live it takes 500."""
    return Part(
        PolarSimulator.name, lambda backstage: PolarSimulator(backstage, keys, calls_per_minute)
    )


class PolarSimulator:
    """One organization at Polar."""

    name = "polar"
    traits = Traits(
        title="Polar",
        currencies=frozenset(),
        page="/checkout/{id}",
        # Ten attempts, doubling from two seconds up to twenty minutes.
        retries_s=(2, 4, 8, 16, 32, 64, 128, 256, 512),
        splits=False,
        refunds=True,
    )

    def __init__(self, backstage: Backstage, keys: PolarKeys, calls_per_minute: int) -> None:
        self._stage = backstage
        self._keys = keys
        self._calls_per_minute = calls_per_minute
        self._calls: deque[datetime] = deque()
        self._discounts = DiscountDesk(backstage.books)

    def routes(self) -> list[BaseRoute]:
        """The API v1. Lists and creates have a trailing slash; without it comes a 307."""

        def guard(path: str, method: str, answer: Any) -> Route:
            planned = self._stage.faults.guard(self.name, self._limited(answer))
            return Route(f"/v1/{path}", planned, methods=[method])

        return [
            *(Route(f"/v1/{name}", _with_slash, methods=["GET", "POST"]) for name in _LISTS),
            guard("checkouts/", "POST", self._create),
            # No fault is planned for these two: it is the create after them whose answer gets lost.
            Route("/v1/checkouts/", self._limited(self._list_checkouts), methods=["GET"]),
            Route("/v1/products/", self._limited(self._list_products), methods=["GET"]),
            guard("checkouts/{id}", "GET", self._show),
            guard("orders/", "GET", self._list_orders),
            guard("orders/{id}", "GET", self._show_order),
            guard("refunds/", "POST", self._give_back),
            guard("refunds/", "GET", self._list_refunds),
            guard("disputes/", "GET", self._list_disputes),
            guard("webhooks/endpoints/{id}", "PATCH", self._enable),
            guard("discounts/", "POST", self._discounts.create),
            guard("discounts/{id}", "GET", self._discounts.show),
            guard("discounts/{id}", "PATCH", self._discounts.change),
            guard("discounts/{id}", "DELETE", self._discounts.delete),
            Route("/redeem/{id}", self._limited(self._discounts.redeem), methods=["POST"]),
        ]

    def as_of(self, order: Order, now: datetime) -> Order:
        """A checkout that nobody completed is over after 24 hours."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="expired") if over and order.status == "open" else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """One more paid order, and the events of a purchase in the order of life."""
        paid = replace(order, status="succeeded", transfers=(*order.transfers, transfer))
        row, at = order_of(paid, transfer), transfer.at
        unpaid = {**row, "status": "pending", "paid": False}
        life = [
            ("checkout.updated", self._told({**checkout_of(paid), "status": "confirmed"})),
            ("order.created", unpaid),
            ("order.updated", row),
            ("order.paid", row),
            ("customer.state_changed", {"id": uuid_of(order.id, "customer")}),
            ("checkout.updated", self._told(checkout_of(paid))),
        ]
        return Change(paid, self._events(life, transfer.reference, at))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer walks away; Polar knows nothing of it until the checkout is over."""
        if order.status == "succeeded":
            raise Conflict("The Polar checkout has succeeded; there is nothing to give up.")
        return Change(order)

    def decline(self, order: Order, now: datetime) -> Change:
        """The checkout fails."""
        if order.status == "succeeded":
            raise Conflict("The Polar checkout has succeeded; it cannot fail any more.")
        failed = replace(order, status="failed")
        life = [("checkout.updated", self._told(checkout_of(failed)))]
        return Change(failed, self._events(life, f"{order.id}/failed", now))

    def refund(self, order: Order, amount: int, now: datetime) -> Change:
        """The merchant gives back `amount`, tax included, in the dashboard."""
        transfer = order.transfers[0]
        row = order_of(order, transfer)
        left = row["refundable_amount"] + row["refundable_tax_amount"]
        if amount > left:
            raise Conflict(f"Of the Polar order only {left} can still go back.")
        net = row["refundable_amount"] if amount == left else amount * 10 // 11
        return self._refunded(order, transfer, (net, amount - net), {"reason": "other"}, now)

    def reverse_refund(self, order: Order, now: datetime) -> Change:
        """The card's bank sends the money back: the refund fails, and the order has less gone."""
        rows = list(order.terms["refunds"])
        last = next((row for row in reversed(rows) if row["status"] == "succeeded"), None)
        if last is None:
            raise Conflict("There is no refund that could come back.")
        failed = {**last, "status": "failed", "modified_at": iso(now)}
        rows[rows.index(last)] = failed
        after = replace(order, terms={**order.terms, "refunds": rows})
        paid = next(one for one in order.transfers if one.reference == last["order_id"])
        life = [("order.updated", order_of(after, paid)), ("refund.updated", failed)]
        return Change(after, self._events(life, f"{last['id']}/back", now))

    def charge_back(self, order: Order, state: str, now: datetime) -> Change:
        """A dispute of the last order. Polar has no event for it: only its list tells."""
        return Change(disputed(order, state, now))

    def reference(self, luck: Random, now: datetime) -> str:
        """The id of an order."""
        return str(uuid.UUID(int=luck.getrandbits(128), version=4))

    def memo(self, order: Order) -> str | None:
        """There is none: the payer types a card number."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """Standard Webhooks, with the whole secret as key, `whsec_` included."""
        told = {name: value for name, value in event.items() if name != "webhook_id"}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        key = self._keys.webhook_secret if rightly else self._keys.webhook_secret + "?"
        number, stamp = str(event["webhook_id"]), str(int(at.timestamp()))
        digest = hmac.new(key.encode(), f"{number}.{stamp}.".encode() + body, hashlib.sha256)
        headers = {
            "webhook-id": number,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(digest.digest()).decode(),
            "user-agent": "polar.sh webhooks",
        }
        return Message(headers, body)

    def ended(self, *, arrived: bool) -> None:
        """Ten events in a row that could not be delivered disable the endpoint."""
        failed = 0 if arrived else int(self._stage.books.fact(_FAILED) or 0) + 1
        self._stage.books.keep_fact(_FAILED, str(failed))
        if failed >= _MOST_FAILURES:
            self._stage.books.keep_fact(_DISABLED, "yes")

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._stage.base_url}/checkout/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """Polar writes its own id into the success URL where that asks for it."""
        url = order.cancel_url if canceled else order.return_url
        return url.replace("{CHECKOUT_ID}", order.id)

    def _limited(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def limited(request: Request) -> Response:
            now = self._stage.clock.now()
            while self._calls and self._calls[0] <= now - _MINUTE:
                self._calls.popleft()
            if len(self._calls) >= self._calls_per_minute:
                wait = (self._calls[0] + _MINUTE - now).total_seconds()
                headers = {"Retry-After": str(int(wait) + 1)}
                return JSONResponse({"error": "TooManyRequests", "detail": ""}, 429, headers)
            self._calls.append(now)
            token = request.headers.get("authorization")
            if token != f"Bearer {self._keys.access_token}":
                return _no(401, "Unauthorized", "The access token is not known.")
            return await answer(request)

        return limited

    async def _create(self, request: Request) -> Response:
        wish = await _document(request)
        try:
            order = self._order(wish)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            row = {"loc": ["body"], "msg": str(error), "type": "value_error", "input": None}
            return JSONResponse({"error": "RequestValidationError", "detail": [row]}, 422)
        self._stage.books.keep(order)
        return JSONResponse(self._told(checkout_of(order)), 201)

    def _order(self, wish: Mapping[str, Any]) -> Order:
        [product] = wish["products"]
        if product != self._keys.product_id:
            raise ValueError("Product does not exist.")
        [price] = wish["prices"][product]
        amount, currency = price["price_amount"], price["price_currency"]
        if price["amount_type"] != "fixed" or price.get("tax_behavior") != "inclusive":
            raise ValueError("Only fixed prices with their tax are played here.")
        if type(amount) is not int or amount < _SMALLEST.get(currency, 50):
            raise ValueError("Amount is below the minimum of the currency.")
        number, metadata = str(uuid.uuid4()), wish.get("metadata", {})
        ref = str(metadata.get(_REF) or number)
        taken = self._stage.books.order(self.name, ref) is not None
        now = self._stage.clock.now()
        return Order(
            self.name, number if taken else ref, number, amount, currency.upper(), "open", now,
            now + _LASTS, wish.get("success_url") or "", wish.get("return_url") or "",
            {"metadata": metadata, "refunds": []},
        )  # fmt: skip

    async def _show(self, request: Request) -> Response:
        order = self._find(request.path_params["id"])
        return _nothing() if order is None else JSONResponse(self._told(checkout_of(order)))

    async def _list_checkouts(self, request: Request) -> Response:
        newest = sorted(self._orders(), key=lambda order: order.created_at, reverse=True)
        return _listed(request, [self._told(checkout_of(order)) for order in newest])

    async def _list_orders(self, request: Request) -> Response:
        rows = [order_of(order, t) for order in self._orders() for t in order.transfers]
        wanted = request.query_params.get(f"metadata[{_REF}]")
        if wanted is not None:
            rows = [row for row in rows if row["metadata"].get(_REF) == wanted]
        return _listed(request, _matching(request, rows, "checkout_id"))

    async def _show_order(self, request: Request) -> Response:
        found = self._order_row(request.path_params["id"])
        return _nothing() if found is None else JSONResponse(order_of(*found))

    async def _list_refunds(self, request: Request) -> Response:
        rows = [row for order in self._orders() for row in order.terms["refunds"]]
        return _listed(request, _matching(request, rows, "order_id"))

    async def _list_disputes(self, request: Request) -> Response:
        rows = [row for order in self._orders() for row in order.terms.get("disputes", [])]
        rows.sort(key=lambda row: str(row["created_at"]), reverse=True)
        return _listed(request, _matching(request, rows, "order_id"))

    async def _list_products(self, request: Request) -> Response:
        return _listed(request, [{"id": self._keys.product_id, "is_recurring": False}])

    async def _give_back(self, request: Request) -> Response:
        wish = await _document(request)
        found = self._order_row(str(wish.get("order_id")))
        net = wish.get("amount")
        if found is None or type(net) is not int or net <= 0:
            wrong = {"loc": ["body", "order_id"], "msg": "Order not found", "type": "value_error"}
            return JSONResponse({"error": "RequestValidationError", "detail": [wrong]}, 422)
        row = order_of(*found)
        if row["status"] == "refunded":
            return _no(403, "RefundedAlready", "Order is already fully refunded.")
        if net > row["refundable_amount"]:
            return _no(422, "RefundAmountTooHigh", "Refund amount exceeds remaining balance.")
        whole = net == row["refundable_amount"]
        tax = round(net * row["tax_amount"] / row["net_amount"])
        both = (net, row["refundable_tax_amount"] if whole else tax)
        now = self._stage.clock.now()
        change = self._refunded(*found, both, wish, now)
        self._stage.books.keep(change.order)
        for event in change.events:
            self._stage.books.post(Delivery(self.name, change.order.ref, event, now))
        return JSONResponse(change.order.terms["refunds"][-1], 201)

    async def _enable(self, request: Request) -> Response:
        wish = await _document(request)
        self._stage.books.keep_fact(_FAILED, "0")
        self._stage.books.keep_fact(_DISABLED, "" if wish.get("enabled") else "yes")
        return JSONResponse({"id": request.path_params["id"], "enabled": wish.get("enabled")})

    def _refunded(
        self,
        order: Order,
        transfer: Transfer,
        both: tuple[int, int],
        wish: Mapping[str, Any],
        now: datetime,
    ) -> Change:
        given = {
            "id": str(uuid.uuid4()), "created_at": iso(now), "modified_at": None,
            "metadata": wish.get("metadata") or {}, "status": "succeeded",
            "reason": wish.get("reason"), "amount": both[0], "tax_amount": both[1],
            "currency": transfer.currency.lower(), "order_id": transfer.reference,
            "subscription_id": None, "customer_id": uuid_of(order.id, "customer"),
            "organization_id": uuid_of("", "organization"), "revoke_benefits": False,
            "dispute": None,
        }  # fmt: skip
        terms = {**order.terms, "refunds": [*order.terms["refunds"], given]}
        after = replace(order, terms=terms)
        row = order_of(after, transfer)
        life = [("refund.created", given), ("order.updated", row), ("order.refunded", row)]
        return Change(after, self._events(life, str(given["id"]), now))

    def _events(
        self, life: Sequence[tuple[str, Mapping[str, Any]]], about: str, at: datetime
    ) -> tuple[Event, ...]:
        if self._stage.books.fact(_DISABLED):
            return ()
        return tuple(
            {
                "type": kind, "timestamp": iso(at), "data": data,
                "webhook_id": uuid_of(about, f"{kind}/{number}"),
            }
            for number, (kind, data) in enumerate(life)
        )  # fmt: skip

    def _orders(self) -> list[Order]:
        now = self._stage.clock.now()
        return [self.as_of(order, now) for order in self._stage.books.book(self.name).orders]

    def _find(self, number: str) -> Order | None:
        return next((order for order in self._orders() if order.id == number), None)

    def _order_row(self, number: str) -> tuple[Order, Transfer] | None:
        rows = ((order, t) for order in self._orders() for t in order.transfers)
        return next(((order, t) for order, t in rows if t.reference == number), None)

    def _told(self, checkout: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self._stage.base_url}/checkout/{checkout['id']}"
        return {**checkout, "url": url, "product_id": self._keys.product_id}


async def _with_slash(request: Request) -> Response:
    return Response(status_code=307, headers={"Location": f"{request.url.path}/"})


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536, floats=False)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}


def _no(status: int, error: str, detail: str) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status)


def _nothing() -> Response:
    return _no(404, "ResourceNotFound", "Not found")


def _matching(request: Request, rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    wanted = request.query_params.get(name)
    return [row for row in rows if wanted is None or row[name] == wanted]


def _listed(request: Request, rows: list[dict[str, Any]]) -> Response:
    page, limit = (int(request.query_params.get(n, d)) for n, d in (("page", 1), ("limit", 10)))
    limit = min(limit, 100)
    pages = {"total_count": len(rows), "max_page": -(-len(rows) // limit)}
    start = (page - 1) * limit
    return JSONResponse({"items": rows[start : start + limit], "pagination": pages})
