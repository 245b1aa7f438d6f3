"""Polar's API v1 as the merchant's server calls it, with its refusals and its rate limit.

Lists and creates have a trailing slash; without it comes a 307, except at the webhook endpoints.
"""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.sandbox.simulators.base import Change, Order, Transfer
from tallystick.sandbox.simulators.books import Delivery
from tallystick.sandbox.simulators.context import SimulatorContext
from tallystick.sandbox.simulators.polar_answers import Wrong, document, listed, nothing, refusal
from tallystick.sandbox.simulators.polar_discounts import DiscountDesk, taken_off
from tallystick.sandbox.simulators.polar_objects import (
    API_VERSION,
    API_VERSIONS,
    CATALOG_PRICE,
    PAYER,
    Organization,
    born,
    iso,
    total_of,
    uuid_of,
)

DISABLED: Final = "polar.endpoint.disabled"
FAILED: Final = "polar.endpoint.failed"
_LASTS: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)
_SMALLEST: Final = {"vnd": 20_000, "lkr": 20_000}
_REF: Final = "tallystick_ref"
_VERSION: Final = "Polar-Version"
_LISTS: Final = ("checkouts", "orders", "refunds", "disputes", "products", "discounts")
_REASONS: Final = {
    "duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee",
    "other",
}  # fmt: skip
_HEARD: Final = (
    "checkout.created", "checkout.updated", "order.created", "order.updated", "order.paid",
    "order.refunded", "refund.created", "refund.updated", "customer.state_changed",
)  # fmt: skip

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]
GiveBack: TypeAlias = Callable[
    [Order, Transfer, tuple[int, int], Mapping[str, Any], datetime], Change
]


@dataclass(frozen=True, slots=True)
class PolarKeys:
    """What the merchant got from Polar. The same values go into the adapter's settings."""

    access_token: str
    webhook_secret: str
    product_id: str


def as_of(order: Order, now: datetime) -> Order:
    """A checkout that nobody completed is over after 24 hours."""
    over = order.expires_at is not None and now >= order.expires_at
    return replace(order, status="expired") if over and order.status == "open" else order


class PolarApi:
    """The routes of one organization. `give_back` makes a refund and tells what follows."""

    def __init__(
        self,
        context: SimulatorContext,
        keys: PolarKeys,
        organization: Organization,
        give_back: GiveBack,
        calls_per_minute: int,
    ) -> None:
        self._context = context
        self._keys = keys
        self._organization = organization
        self._give_back = give_back
        self._calls_per_minute = calls_per_minute
        self._calls: deque[datetime] = deque()
        self._discounts = DiscountDesk(context.books, organization, context.clock.now)

    def routes(self) -> list[BaseRoute]:
        """Every route that is simulated."""

        def guard(path: str, method: str, answer: Answer) -> Route:
            planned = self._context.faults.guard("polar", self._limited(answer))
            return Route(f"/v1/{path}", planned, methods=[method])

        discounts = self._discounts
        return [
            *(Route(f"/v1/{name}", _with_slash, methods=["GET", "POST"]) for name in _LISTS),
            guard("checkouts/", "POST", self._create),
            # No fault is planned for these two: it is the create after them whose answer gets lost.
            Route("/v1/checkouts/", self._limited(self._list_checkouts), methods=["GET"]),
            Route("/v1/products/", self._limited(self._list_products), methods=["GET"]),
            guard("products/{id}", "GET", self._show_product),
            guard("checkouts/{id}", "GET", self._show),
            guard("checkouts/{id}", "PATCH", self._change),
            guard("orders/", "GET", self._list_orders),
            guard("orders/{id}", "GET", self._show_order),
            guard("refunds/", "POST", self._refund),
            guard("refunds/", "GET", self._list_refunds),
            guard("disputes/", "GET", self._list_disputes),
            guard("disputes/{id}", "GET", self._show_dispute),
            guard("webhooks/endpoints", "GET", self._list_endpoints),
            guard("webhooks/endpoints/{id}", "GET", self._show_endpoint),
            guard("webhooks/endpoints/{id}", "PATCH", self._enable),
            guard("discounts/", "POST", discounts.create),
            guard("discounts/", "GET", discounts.list),
            guard("discounts/{id}", "GET", discounts.show),
            guard("discounts/{id}", "PATCH", discounts.change),
            guard("discounts/{id}", "DELETE", discounts.delete),
            Route("/redeem/{id}", self._limited(discounts.redeem), methods=["POST"]),
        ]

    def _limited(self, answer: Answer) -> Answer:
        async def limited(request: Request) -> Response:
            now = self._context.clock.now()
            while self._calls and self._calls[0] <= now - _MINUTE:
                self._calls.popleft()
            if len(self._calls) >= self._calls_per_minute:
                wait = (self._calls[0] + _MINUTE - now).total_seconds()
                headers = {"Retry-After": str(int(wait) + 1)}
                return JSONResponse({"error": "TooManyRequests", "detail": ""}, 429, headers)
            self._calls.append(now)
            token = request.headers.get("authorization")
            if token != f"Bearer {self._keys.access_token}":
                return refusal(401, "Unauthorized", "The access token is not known.")
            version = request.headers.get(_VERSION, API_VERSION)
            if version not in API_VERSIONS:
                return JSONResponse({"detail": "Not Found"}, 404)
            try:
                told = await answer(request)
            except Wrong as wrong:
                told = wrong.answer()
            told.headers[_VERSION] = version
            return told

        return limited

    async def _create(self, request: Request) -> Response:
        order = self._order(await document(request))
        self._context.books.keep(order)
        return JSONResponse(self._organization.checkout(order), 201)

    def _order(self, wish: Mapping[str, Any]) -> Order:
        """The checkout that is wished for. Raises Wrong."""
        price, source = self._price(wish)
        currency = price["price_currency"]
        found = wish.get("discount_id")
        discount = None if found is None else self._discounts.usable(str(found))
        off = taken_off(discount, price["price_amount"], currency) if discount else 0
        total = total_of(price, off)
        if total < _SMALLEST.get(currency, 50):
            raise Wrong("Amount is below the minimum of the currency.", "body", "prices")
        number, metadata = str(uuid.uuid4()), _metadata(wish)
        ref = str(metadata.get(_REF) or number)
        taken = self._context.books.order("polar", ref) is not None
        now = self._context.clock.now()
        terms = {
            "metadata": metadata, "refunds": [], "price": price, "source": source,
            "discount": discount, "discount_id": found, "discount_amount": off,
            "allow_discount_codes": wish.get("allow_discount_codes", True), "payer": _payer(wish),
        }  # fmt: skip
        return Order(
            "polar", number if taken else ref, number, total, currency.upper(), "open", now,
            now + _LASTS, wish.get("success_url") or f"{self._organization.base_url}/thanks",
            wish.get("return_url") or "", terms,
        )  # fmt: skip

    def _price(self, wish: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """The fixed price that is wished for, or the catalogue's where none is. Raises Wrong."""
        products = wish.get("products")
        if products != [self._keys.product_id]:
            raise Wrong("Product does not exist.", "body", "products", "0")
        own = wish.get("prices")
        if own is None:
            return dict(CATALOG_PRICE), "catalog"
        try:
            [price] = own[self._keys.product_id]
            amount, kind = price["price_amount"], price["amount_type"]
        except (KeyError, TypeError, ValueError):
            raise Wrong("Only one fixed price is played here.", "body", "prices") from None
        behavior = price.get("tax_behavior") or "inclusive"
        if kind != "fixed" or behavior not in {"inclusive", "exclusive", "location"}:
            raise Wrong("Only fixed prices are played here.", "body", "prices")
        if type(amount) is not int or amount < 0:
            raise Wrong("Input should be a valid integer", "body", "prices", "price_amount")
        # Our payers sit where prices are shown with their tax.
        behavior = "inclusive" if behavior == "location" else behavior
        currency = str(price.get("price_currency") or "usd")
        told = {"price_amount": amount, "price_currency": currency, "tax_behavior": behavior}
        return told, "ad_hoc"

    async def _show(self, request: Request) -> Response:
        order = self._find(request)
        return nothing() if order is None else JSONResponse(self._organization.checkout(order))

    async def _change(self, request: Request) -> Response:
        """What a merchant may still change of an open one: who pays, and what is noted."""
        order, wish = self._find(request), await document(request)
        if order is None:
            return nothing()
        if order.status != "open":
            return refusal(403, "NotOpenCheckout", "The checkout is not open.")
        payer = {**order.terms.get("payer", {}), **_payer(wish)}
        noted = _metadata(wish) if "metadata" in wish else order.terms["metadata"]
        changed = replace(order, terms={**order.terms, "payer": payer, "metadata": noted})
        self._context.books.keep(changed)
        return JSONResponse(self._organization.checkout(changed))

    async def _list_checkouts(self, request: Request) -> Response:
        return listed(request, [self._organization.checkout(order) for order in self._orders()])

    async def _list_orders(self, request: Request) -> Response:
        return listed(request, [self._organization.order(*one) for one in self._paid()])

    async def _show_order(self, request: Request) -> Response:
        found = self._find_order(request.path_params["id"])
        return nothing() if found is None else JSONResponse(self._organization.order(*found))

    async def _list_refunds(self, request: Request) -> Response:
        return listed(request, [row for order in self._orders() for row in order.terms["refunds"]])

    async def _list_disputes(self, request: Request) -> Response:
        return listed(request, self._disputes())

    async def _show_dispute(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        found = next((row for row in self._disputes() if row["id"] == wanted), None)
        return nothing() if found is None else JSONResponse(found)

    async def _list_products(self, request: Request) -> Response:
        return listed(request, [self._organization.listed_product()])

    async def _show_product(self, request: Request) -> Response:
        product = self._organization.listed_product()
        known = request.path_params["id"] == product["id"]
        return JSONResponse(product) if known else nothing()

    async def _refund(self, request: Request) -> Response:
        wish = await document(request)
        found = self._find_order(str(wish.get("order_id")))
        net = wish.get("amount")
        if found is None:
            raise Wrong("Order not found", "body", "order_id")
        if type(net) is not int or net <= 0:
            raise Wrong("Input should be greater than 0", "body", "amount")
        if wish.get("reason") not in _REASONS:
            raise Wrong("Input should be a reason of the list", "body", "reason")
        row = self._organization.order(*found)
        # What waits for a bank is not in the order's own sums, and cannot go back once more.
        waiting = _waiting(*found)
        if row["net_amount"] == row["refunded_amount"] + waiting:
            return refusal(403, "RefundedAlready", "Order is already fully refunded.")
        if net > row["refundable_amount"] - waiting:
            raise Wrong("Refund amount exceeds refundable amount", "body", "amount")
        whole = net == row["refundable_amount"]
        tax = round(net * row["tax_amount"] / row["net_amount"])
        both = (net, row["refundable_tax_amount"] if whole else tax)
        now = self._context.clock.now()
        change = self._give_back(*found, both, wish, now)
        self._context.books.keep(change.order)
        for event in change.events:
            self._context.books.post(Delivery("polar", change.order.ref, event, now))
        return JSONResponse(change.order.terms["refunds"][-1], 201)

    async def _list_endpoints(self, request: Request) -> Response:
        return listed(request, [self._endpoint(uuid_of("", "endpoint"))])

    async def _show_endpoint(self, request: Request) -> Response:
        return JSONResponse(self._endpoint(request.path_params["id"]))

    async def _enable(self, request: Request) -> Response:
        wish = await document(request)
        self._context.books.keep_fact(FAILED, "0")
        self._context.books.keep_fact(DISABLED, "" if wish.get("enabled") else "yes")
        return JSONResponse(self._endpoint(request.path_params["id"]))

    def _endpoint(self, number: str) -> dict[str, Any]:
        founded = self._organization.product()["created_at"]
        return {
            **born(number, founded, iso(self._context.clock.now())), "name": None,
            "url": f"{self._context.hub_url}/api/webhooks/polar", "api_version": API_VERSION,
            "format": "raw", "secret": self._keys.webhook_secret, "events": list(_HEARD),
            "organization_id": self._organization.id,
            "enabled": not self._context.books.fact(DISABLED),
            "uses_standard_webhook_signature": False,
        }  # fmt: skip

    def _orders(self) -> list[Order]:
        now = self._context.clock.now()
        return [as_of(order, now) for order in self._context.books.book("polar").orders]

    def _paid(self) -> list[tuple[Order, Transfer]]:
        return [(order, transfer) for order in self._orders() for transfer in order.transfers]

    def _disputes(self) -> list[dict[str, Any]]:
        return [row for order in self._orders() for row in order.terms.get("disputes", [])]

    def _find(self, request: Request) -> Order | None:
        wanted = request.path_params["id"]
        return next((order for order in self._orders() if order.id == wanted), None)

    def _find_order(self, number: str) -> tuple[Order, Transfer] | None:
        return next((one for one in self._paid() if one[1].reference == number), None)


def _waiting(order: Order, transfer: Transfer) -> int:
    """What of one order is on its way back, before tax."""
    rows = (row for row in order.terms["refunds"] if row["status"] == "pending")
    return sum(row["amount"] for row in rows if row["order_id"] == transfer.reference)


async def _with_slash(request: Request) -> Response:
    return Response(status_code=307, headers={"Location": f"{request.url.path}/"})


def _payer(wish: Mapping[str, Any]) -> dict[str, Any]:
    return {name: wish[name] for name in PAYER if wish.get(name) is not None}


def _metadata(wish: Mapping[str, Any]) -> dict[str, Any]:
    noted = wish.get("metadata") or {}
    if not isinstance(noted, dict) or len(noted) > 50 or any(len(name) > 40 for name in noted):
        raise Wrong("Input should be at most 50 pairs with short names", "body", "metadata")
    return noted
