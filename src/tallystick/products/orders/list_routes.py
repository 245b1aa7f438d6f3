"""Lists of orders over HTTP: by cursor, and page by page as the replaced order system has it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request

from tallystick.domain.addresses import ORDERS, Addresses
from tallystick.domain.errors import Invalid, Unauthenticated
from tallystick.flows.hub import Hub
from tallystick.products.orders import answers as order_shapes
from tallystick.products.orders import look_up
from tallystick.products.orders.look_up import Listed
from tallystick.products.orders.rows import Search
from tallystick.products.orders.rules import OrderReview, OrderStatus
from tallystick.web.auth import Caller
from tallystick.web.bodies import instant_param, page_limit
from tallystick.web.depends import HubDep, LimitedCaller, listed
from tallystick.web.description import answers, listing
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import ref, several

router = APIRouter(tags=["orders"])
_FILTERS: Final = {
    "status": "status", "provider": "gateway", "productType": "product_type",
    "currency": "currency", "userId": "owner_id", "teamId": "team_id",
    "review": "review",
}  # fmt: skip
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
    page = page_of(request, hub)
    search = _search(request, equal)
    found = await look_up.orders(hub, search, page.after, page.limit)
    places = [(one.order.created_at, one.order.id) for one in found]
    return listed(hub, _shown(hub, found, who), places, page.limit)


@router.get(
    "/api/admin/orders", summary="List orders page by page",
    responses=answers(ref("AdminOrders")),
    openapi_extra={"parameters": [
        {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1,
                                                   "maximum": _FURTHEST}},
        *(one for one in listing(status=OrderStatus, provider="")["parameters"]
          if one["name"] != "cursor"),
    ]},
)  # fmt: skip
async def numbered(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """As the replaced system has it. Filters: provider, status, createdAfter, createdBefore."""
    who.needs("reader")
    number, limit = _number(request), page_limit(request)
    search = _search(request, _equal(request, _ADMIN_FILTERS))
    found = await look_up.orders_page(hub, search, number, limit)
    told: order_shapes.AdminOrdersAnswer = {
        "orders": _shown(hub, found, who)[:limit],
        "pagination": {"page": number, "limit": limit, "hasMore": len(found) > limit},
    }
    return {**told}


def _shown(hub: Hub, found: list[Listed], who: Caller) -> list[order_shapes.ListedOrderAnswer]:
    """The orders as rows; with what came for them where a key is asking."""
    for_keys = who.role is not None
    return [order_shapes.listed(hub, one.order, one.paid_by if for_keys else None) for one in found]


def _equal(request: Request, filters: dict[str, str]) -> dict[str, str]:
    """The columns that are asked for by name."""
    given = request.query_params
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
