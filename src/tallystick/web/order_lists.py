"""Lists of orders over HTTP: by cursor, and page by page as system S2 has it."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from fastapi import APIRouter, Request

from tallystick.domain.addresses import ORDERS, Addresses
from tallystick.domain.errors import Invalid, Unauthenticated
from tallystick.domain.order import OrderReview, OrderStatus
from tallystick.store import orders as rows
from tallystick.store.orders import Search
from tallystick.web import order_shapes
from tallystick.web.bodies import instant_param, page_limit
from tallystick.web.depends import HubDep, LimitedCaller, cursor_place, listed
from tallystick.web.description import answers, listing
from tallystick.web.schemas import ref, several

router = APIRouter(tags=["orders"])
_FILTERS: Final = {
    "status": "status", "provider": "gateway", "productType": "product_type",
    "currency": "currency", "userId": "owner_id", "teamId": "team_id",
    "review": "review",
}  # fmt: skip
_WORDS: Final[dict[str, type[StrEnum]]] = {"status": OrderStatus, "review": OrderReview}
_ADMIN_FILTERS: Final = {"status": "status", "provider": "gateway"}
_FURTHEST: Final = 100_000


@router.get(
    "/api/orders", summary="List orders, newest first", responses=answers(several("ListedOrder")),
    openapi_extra=listing(status=OrderStatus, provider="", productType="", currency="", email="",
                          userId="", teamId="", review=OrderReview),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters combine. An end user sees their own."""
    if who.role is None and who.owner is None:
        raise Unauthenticated("This needs a secret key, or your app's JWT as Bearer.")
    equal: dict[str, str | Sequence[str]] = {**_equal(request, _FILTERS)}
    if who.owner is not None:
        equal["owner_id"] = who.owner
    if "email" in request.query_params:
        typed = request.query_params["email"]
        equal["email_lookup"] = Addresses.of(hub.secret).lookups(ORDERS, typed)
    limit, place = page_limit(request), cursor_place(hub, request)
    search = _search(request, equal)
    found = await hub.database.read(lambda tx: rows.page(tx, search, place, limit))
    places = [(one.created_at, one.id) for one in found]
    return listed(hub, [order_shapes.listed(hub, one) for one in found], places, limit)


@router.get(
    "/api/admin/orders", summary="List orders page by page",
    responses=answers(ref("AdminOrders")),
    openapi_extra={"parameters": [
        {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1,
                                                   "maximum": _FURTHEST}},
        *listing(status=OrderStatus, provider="")["parameters"],
    ]},
)  # fmt: skip
async def numbered(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """In the shape of system S2. Filters combine: provider, status, createdAfter, createdBefore."""
    who.needs("reader")
    number, limit = _number(request), page_limit(request)
    search = _search(request, _equal(request, _ADMIN_FILTERS))
    found = await hub.database.read(lambda tx: rows.numbered_page(tx, search, number, limit))
    return {
        "orders": [order_shapes.listed(hub, one) for one in found[:limit]],
        "pagination": {"page": number, "limit": limit, "hasMore": len(found) > limit},
    }


def _equal(request: Request, filters: dict[str, str]) -> dict[str, str]:
    """The columns that are asked for by name. Raises Invalid for a word that none can have."""
    given = request.query_params
    for name, words in _WORDS.items():
        if name in filters and name in given and given[name] not in set(words):
            known = f"one of {', '.join(words)}"
            raise Invalid(f"{name} is {known}.", ((name, known),))
    return {column: given[name] for name, column in filters.items() if name in given}


def _search(request: Request, equal: Mapping[str, str | Sequence[str]]) -> Search:
    return Search(
        equal, instant_param(request, "createdAfter"), instant_param(request, "createdBefore")
    )


def _number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= _FURTHEST:
        words = f"a whole number from 1 to {_FURTHEST}"
        raise Invalid(f"page is {words}; use GET /api/orders to go further.", (("page", words),))
    return int(text)
