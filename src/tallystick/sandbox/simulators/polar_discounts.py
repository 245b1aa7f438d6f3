"""Plays Polar's discounts: made, listed, limited and deleted, and used by Polar's own checkouts.

Source: Polar's server, `discount.schemas` and `discount.service`: `max_redemptions` is from 1, and
a deleted discount is not found any more.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.sandbox.simulators.books import Books
from tallystick.sandbox.simulators.polar_answers import Wrong, document, listed, nothing
from tallystick.sandbox.simulators.polar_objects import Organization, born, iso

_FACT: Final = "polar.discounts"
_OPTIONAL: Final = (
    "code", "starts_at", "ends_at", "max_redemptions", "max_redemptions_per_customer",
)  # fmt: skip
_WHOLE: Final = 10_000


class DiscountDesk:
    """The discounts of one organization."""

    def __init__(
        self, books: Books, organization: Organization, now: Callable[[], datetime]
    ) -> None:
        self._books = books
        self._organization = organization
        self._now = now

    async def create(self, request: Request) -> Response:
        """POST /discounts/."""
        wish = await document(request)
        if not isinstance(wish.get("name"), str) or not wish["name"]:
            raise Wrong("Field required", "body", "name")
        made = {
            **born(str(uuid.uuid4()), iso(self._now())), "metadata": wish.get("metadata") or {},
            "name": wish["name"], **{name: wish.get(name) for name in _OPTIONAL},
            "redemptions_count": 0, "organization_id": self._organization.id, "products": [],
            **_duration(wish), **_worth(wish),
        }  # fmt: skip
        _check_limit(made)
        self._keep({**self._all(), made["id"]: made})
        return JSONResponse(made, 201)

    async def list(self, request: Request) -> Response:
        """GET /discounts/."""
        return listed(request, [self._told(row) for row in self._all().values()])

    async def show(self, request: Request) -> Response:
        """GET /discounts/{id}."""
        found = self.find(request.path_params["id"])
        return nothing() if found is None else JSONResponse(found)

    async def change(self, request: Request) -> Response:
        """PATCH /discounts/{id}."""
        wish, discounts = await document(request), self._all()
        found = discounts.get(request.path_params["id"])
        if found is None:
            return nothing()
        changed = {"name", "metadata", "basis_points", "amount", "amounts", *_OPTIONAL} & set(wish)
        found.update({name: wish[name] for name in changed if name in found})
        found["modified_at"] = iso(self._now())
        _check_limit(found)
        self._keep(discounts)
        return JSONResponse(self._told(found))

    async def delete(self, request: Request) -> Response:
        """DELETE /discounts/{id}."""
        discounts = self._all()
        if discounts.pop(request.path_params["id"], None) is None:
            return nothing()
        self._keep(discounts)
        return Response(status_code=204)

    async def redeem(self, request: Request) -> Response:
        """Not Polar's API: a buyer uses the discount in a checkout of Polar's own."""
        discounts = self._all()
        found = discounts.get(request.path_params["id"])
        if found is None:
            return nothing()
        self.usable(found["id"])
        found["redemptions_count"] += 1
        self._keep(discounts)
        return JSONResponse(self._told(found))

    def find(self, number: str) -> dict[str, Any] | None:
        """One discount as Polar tells it, or None where there is none."""
        found = self._all().get(number)
        return None if found is None else self._told(found)

    def usable(self, number: str) -> dict[str, Any]:
        """One that may be used once more. Raises Wrong."""
        found = self.find(number)
        most = found and found["max_redemptions"]
        if found is None or (most is not None and found["redemptions_count"] >= most):
            raise Wrong("Discount does not exist.", "body", "discount_id")
        return found

    def _told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """With the redemptions of this organization's paid checkouts."""
        orders = self._books.book("polar").orders
        used = sum(
            len(order.transfers) for order in orders if order.terms.get("discount_id") == row["id"]
        )
        return {**row, "redemptions_count": row["redemptions_count"] + used}

    def _all(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self._books.fact(_FACT) or "{}")
        return found

    def _keep(self, discounts: Mapping[str, Mapping[str, Any]]) -> None:
        self._books.keep_fact(_FACT, json.dumps(discounts))


def taken_off(discount: Mapping[str, Any], price: int, currency: str) -> int:
    """What a discount takes off a price. Raises Wrong where it is for other currencies."""
    if discount["type"] == "percentage":
        return int(price * discount["basis_points"] // _WHOLE)
    if currency not in discount["amounts"]:
        raise Wrong("Discount is not applicable to this currency.", "body", "discount_id")
    return min(price, int(discount["amounts"][currency]))


def _duration(wish: Mapping[str, Any]) -> dict[str, Any]:
    duration, months = wish.get("duration"), wish.get("duration_in_months")
    if duration not in {"once", "forever", "repeating"}:
        raise Wrong("Input should be 'once', 'forever' or 'repeating'", "body", "duration")
    if (duration == "repeating") != (type(months) is int):
        raise Wrong("Only a repeating discount has months.", "body", "duration_in_months")
    return {"duration": duration, **({"duration_in_months": months} if months else {})}


def _worth(wish: Mapping[str, Any]) -> dict[str, Any]:
    if wish.get("type") == "percentage":
        points = wish.get("basis_points")
        if type(points) is not int or not 1 <= points <= _WHOLE:
            raise Wrong("Input should be from 1 to 10000", "body", "basis_points")
        return {"type": "percentage", "basis_points": points}
    if wish.get("type") != "fixed":
        raise Wrong("Input should be 'fixed' or 'percentage'", "body", "type")
    currency = str(wish.get("currency") or "usd")
    amounts = wish.get("amounts") or {currency: wish.get("amount")}
    if not all(type(amount) is int and amount >= 0 for amount in amounts.values()):
        raise Wrong("Must specify either `amount` or `amounts`.")
    currency, amount = next(iter(amounts.items()))
    return {"type": "fixed", "amount": amount, "currency": currency, "amounts": amounts}


def _check_limit(row: Mapping[str, Any]) -> None:
    for name in ("max_redemptions", "max_redemptions_per_customer"):
        limit = row.get(name)
        if limit is not None and (type(limit) is not int or limit < 1):
            raise Wrong("Input should be greater than or equal to 1", "body", name)
