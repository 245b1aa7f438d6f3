"""Calls to Polar's API: one answer or a list of many, and their errors translated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from tallystick.domain import strict_json
from tallystick.domain.errors import (
    CurrencyUnknown,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    MalformedJson,
)
from tallystick.domain.fields import Fields
from tallystick.domain.money import exponent
from tallystick.gateways.base import Wire

_LARGEST_REPLY: Final = 1_048_576
_PER_PAGE: Final = 100
# Without it Polar answers in the version that is its newest by then (server, `kit/versioning.py`).
_VERSION: Final = "2026-04"
# A refund that Polar does not allow comes with 403, as a token without the scope does.
_SCOPE: Final = {"insufficient_scope", "NotPermitted", "Unauthorized"}


def unusable(detail: str) -> HubError:
    """The error for an answer that cannot be read."""
    return GatewayUnreachable(f"Polar's answer makes no sense: {detail}.")


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of Polar, which is an object."""

    status: int
    fields: Fields
    raw: bytes

    @property
    def unknown(self) -> bool:
        """Whether Polar itself says that there is no such thing, and not a proxy on the way."""
        return self.status == 404 and self.fields.data.get("error") == "ResourceNotFound"

    def words(self) -> str:
        """What Polar says about its error: `detail` is a text, or a list where a value is wrong."""
        detail = self.fields.data.get("detail")
        if isinstance(detail, list):
            rows = [row for row in detail if isinstance(row, dict)]
            detail = "; ".join(f"{row.get('loc')}: {row.get('msg')}" for row in rows)
        return f"{self.fields.data.get('error')}: {detail}"[:300]


@dataclass(frozen=True, slots=True)
class Calls:
    """Polar's API at one address with one token."""

    base_url: str
    access_token: str
    wire: Wire

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> Told:
        """A GET. Raises GatewayUnavailable, GatewayUnreachable unless it is 200, or Polar's 404."""
        told = await self._send("GET", f"{path}?{urlencode(query)}" if query else path)
        if told.status != 200 and not told.unknown:
            raise GatewayUnreachable(f"Polar does not tell (HTTP {told.status}).")
        return told

    async def make(self, path: str, wish: Mapping[str, Any]) -> Told:
        """A POST that makes something. Raises GatewayRefused too.

        `path` ends with a slash: without it Polar answers 307, and what follows a redirect loses
        the body. We follow none.
        """
        told = await self._send("POST", path, json.dumps(wish, ensure_ascii=False).encode())
        if told.status in {400, 403, 404, 422} and told.words() != "None: None":
            raise GatewayRefused(f"Polar says: {told.words()}")
        if told.status != 201:
            raise GatewayUnreachable(f"Polar gives no usable answer (HTTP {told.status}).")
        return told

    async def change(self, path: str, wish: Mapping[str, Any]) -> Told:
        """A PATCH. Raises what `make` raises; that there is no such thing is an answer."""
        told = await self._send("PATCH", path, json.dumps(wish, ensure_ascii=False).encode())
        if told.status in {400, 403, 422}:
            raise GatewayRefused(f"Polar says: {told.words()}")
        if told.status != 200 and not told.unknown:
            raise GatewayUnreachable(f"Polar gives no usable answer (HTTP {told.status}).")
        return told

    async def remove(self, path: str) -> bool:
        """A DELETE; False where there was nothing. Raises GatewayUnavailable and its kin."""
        told = await self._send("DELETE", path)
        if told.status != 204 and not told.unknown:
            raise GatewayUnreachable(f"Polar gives no usable answer (HTTP {told.status}).")
        return told.status == 204

    async def page(self, path: str, query: Mapping[str, str], number: int = 1) -> "Page":
        """One page of a list."""
        limits = {"limit": str(_PER_PAGE), "page": str(number)}
        told = await self.ask(path, {**query, **limits})
        if told.status != 200:
            raise GatewayUnreachable("Polar has no such list.")
        last = told.fields.part("pagination").whole("max_page")
        return Page(told.fields.parts("items"), more=number < last)

    async def every(self, path: str, query: Mapping[str, str], most_pages: int = 5) -> "Page":
        """All pages of a list in one. Raises GatewayUnreachable where there are too many."""
        page = await self.page(path, query)
        rows, number = list(page.rows), 1
        while page.more:
            number += 1
            if number > most_pages:
                raise GatewayUnreachable("Polar lists more than can belong to one payment.")
            page = await self.page(path, query, number)
            rows.extend(page.rows)
        return Page(rows, more=False)

    async def _send(self, method: str, path: str, body: bytes | None = None) -> Told:
        headers = {
            "Authorization": f"Bearer {self.access_token}",
            "Polar-Version": _VERSION,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        url = self.base_url.rstrip("/") + path
        reply = await self.wire.send(method, url, headers=headers, body=body)
        if reply.status == 401:
            raise GatewayUnavailable("Polar rejects our access token.")
        if reply.status in {408, 409, 429} or reply.status >= 500 or 300 <= reply.status < 400:
            raise GatewayUnreachable(f"Polar cannot answer now (HTTP {reply.status}).")
        if reply.status == 204:
            return Told(204, Fields({}, unusable), b"")
        try:
            answer = strict_json.parse(reply.body, limit=_LARGEST_REPLY)
        except MalformedJson:
            raise GatewayUnreachable("Polar's answer is not JSON that we read.") from None
        if not isinstance(answer, dict):
            raise GatewayUnreachable("Polar's answer is not an object.")
        if reply.status == 403 and answer.get("error") in _SCOPE:
            raise GatewayUnavailable("Polar's access token lacks a scope; make one that has it.")
        return Told(reply.status, Fields(answer, unusable), reply.body)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and whether there are more."""

    rows: list[Fields]
    more: bool


def metadata_of(fields: Fields) -> Mapping[str, object]:
    """What we, or anybody, wrote beside it."""
    found = fields.data.get("metadata")
    return found if isinstance(found, dict) else {}


def currency_of(fields: Fields) -> str:
    """The currency in our spelling; Polar writes it in small letters."""
    currency = fields.name("currency").upper()
    try:
        exponent(currency)
    except CurrencyUnknown as error:
        raise fields.fail(str(error)) from None
    return currency
