"""Plays Polar's discounts: made, read, limited and deleted, and used by Polar's own checkouts.

Source: Polar's server, `DiscountUpdate` and `discount.service`: `max_redemptions` is from 1, and a
deleted discount is not found any more.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.domain import strict_json
from tallystick.domain.errors import MalformedJson
from tallystick.simulators.books import Books

_FACT: Final = "polar.discounts"


class DiscountDesk:
    """The discounts of one organization."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def create(self, request: Request) -> Response:
        """POST /discounts/."""
        wish = await _document(request)
        limit = wish.get("max_redemptions")
        if not _is_limit(limit) or not isinstance(wish.get("name"), str):
            return _wrong("max_redemptions", "Input should be greater than or equal to 1")
        made = {
            "id": str(uuid.uuid4()), "name": wish["name"], "code": wish.get("code"),
            "type": wish.get("type", "percentage"), "basis_points": wish.get("basis_points", 1000),
            "duration": "once", "max_redemptions": limit, "redemptions_count": 0,
        }  # fmt: skip
        self._keep({**self._all(), made["id"]: made})
        return JSONResponse(made, 201)

    async def show(self, request: Request) -> Response:
        """GET /discounts/{id}."""
        found = self._all().get(request.path_params["id"])
        return _nothing() if found is None else JSONResponse(found)

    async def change(self, request: Request) -> Response:
        """PATCH /discounts/{id}."""
        wish, discounts = await _document(request), self._all()
        found = discounts.get(request.path_params["id"])
        if found is None:
            return _nothing()
        if "max_redemptions" in wish and not _is_limit(wish["max_redemptions"]):
            return _wrong("max_redemptions", "Input should be greater than or equal to 1")
        found.update({name: value for name, value in wish.items() if name in found})
        self._keep(discounts)
        return JSONResponse(found)

    async def delete(self, request: Request) -> Response:
        """DELETE /discounts/{id}."""
        discounts = self._all()
        if discounts.pop(request.path_params["id"], None) is None:
            return _nothing()
        self._keep(discounts)
        return Response(status_code=204)

    async def redeem(self, request: Request) -> Response:
        """Not Polar's API: a buyer uses the discount in a checkout of Polar's own."""
        discounts = self._all()
        found = discounts.get(request.path_params["id"])
        if found is None:
            return _nothing()
        most = found["max_redemptions"]
        if most is not None and found["redemptions_count"] >= most:
            return _wrong("discount_id", "Discount does not exist.")
        found["redemptions_count"] += 1
        self._keep(discounts)
        return JSONResponse(found)

    def _all(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self._books.fact(_FACT) or "{}")
        return found

    def _keep(self, discounts: Mapping[str, Mapping[str, Any]]) -> None:
        self._books.keep_fact(_FACT, json.dumps(discounts))


def _is_limit(value: object) -> bool:
    return value is None or (type(value) is int and value >= 1)


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536, floats=False)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}


def _wrong(name: str, words: str) -> Response:
    row = {"loc": ["body", name], "msg": words, "type": "value_error", "input": None}
    return JSONResponse({"error": "RequestValidationError", "detail": [row]}, 422)


def _nothing() -> Response:
    return JSONResponse({"error": "ResourceNotFound", "detail": "Not found"}, 404)
