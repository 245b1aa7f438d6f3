"""Plays the sandbox: our own simple gateway, for trying things in any currency.

    POST /v1/payments                     make an offer; the same reference gives the same one
    GET  /v1/payments/{reference or id}   what became of it
    POST /v1/payments/{reference or id}/cancel

Bearer key. Errors are `{"error": {"code", "message"}}` with their HTTP status. A webhook carries
`Sandbox-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
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
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain import strict_json
from tallystick.domain.errors import Conflict, HubError, MalformedJson
from tallystick.domain.money import Money
from tallystick.simulators.backstage import Backstage, Part
from tallystick.simulators.base import Change, Event, Message, Order, Traits, Transfer

_OPEN: Final = {"pending", "processing", "failed"}
_TEXTS: Final = ("reference", "currency", "description", "returnUrl", "cancelUrl", "expiresAt")


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """The same values go into the adapter's settings."""

    api_key: str
    webhook_secret: str


def sandbox(keys: SandboxKeys) -> Part:
    """The part of the sandbox, for a stage."""
    return Part(SandboxSimulator.name, lambda backstage: SandboxSimulator(backstage, keys))


class SandboxSimulator:
    """A gateway that does everything right until an act tells it otherwise."""

    name = "sandbox"
    traits = Traits(
        title="Sandbox",
        currencies=frozenset(),
        page="/pay/{id}",
        retries_s=(2, 10, 60, 300, 1800, 7200, 21_600, 86_400),
    )

    def __init__(self, backstage: Backstage, keys: SandboxKeys) -> None:
        self._stage = backstage
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The API v1."""

        def guard(path: str, method: str, answer: Any) -> Route:
            return Route(path, self._stage.faults.guard(self.name, answer), methods=[method])

        return [
            guard("/v1/payments", "POST", self._create),
            guard("/v1/payments/{name}", "GET", self._show),
            guard("/v1/payments/{name}/cancel", "POST", self._revoke),
        ]

    def as_of(self, order: Order, now: datetime) -> Order:
        """Expired as soon as its time is reached, unless it is paid or canceled."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="expired") if over and order.status in _OPEN else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """Any transfer in any currency; only the order's own makes it succeed."""
        paid = replace(order, transfers=(*order.transfers, transfer))
        if order.status in _OPEN:
            paid = replace(paid, status="pending" if paid.due else "succeeded")
        event = self._event(paid, "payment.transfer", transfer.reference, transfer.at)
        return Change(paid, ({**event, "transfer": _transfer(transfer)},))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer gives up, and the hub is told."""
        return self._end(order, "canceled", now)

    def decline(self, order: Order, now: datetime) -> Change:
        """The payment fails, and the hub is told; the payer can try again."""
        return self._end(order, "failed", now)

    def reference(self, luck: Random, now: datetime) -> str:
        """A name of a transfer."""
        return f"st_{luck.getrandbits(96):024x}"

    def memo(self, order: Order) -> str | None:
        """There is none: the payer pays on the page."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """The signature is in a header and says when it was made."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        key = self._keys.webhook_secret if rightly else self._keys.webhook_secret + "?"
        stamp = str(int(at.timestamp()))
        digest = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return Message({"Sandbox-Signature": f"t={stamp},v1={digest}"}, body)

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._stage.base_url}/pay/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The return or cancel URL; what the query says is only a hint."""
        url = order.cancel_url if canceled else order.return_url
        query = urlencode({"reference": order.ref, "status": order.status})
        return f"{url}{'&' if '?' in url else '?'}{query}"

    async def _create(self, request: Request) -> Response:
        wish = await _document(request)
        if problem := self._stranger(request):
            return problem
        now = self._stage.clock.now()
        try:
            order = _order(wish, now)
        except (HubError, ValueError, TypeError) as error:
            return _no(400, "invalid", f"The offer cannot be made: {error}")
        known = self._stage.books.order(self.name, order.ref)
        if known and (known.amount, known.currency) != (order.amount, order.currency):
            return _no(409, "reference_taken", "The reference names an offer on other terms.")
        if not known:
            self._stage.books.keep(order)
        return self._yes(known or order, 200 if known else 201)

    async def _show(self, request: Request) -> Response:
        return self._stranger(request) or self._answer(self._find(request))

    async def _revoke(self, request: Request) -> Response:
        if problem := self._stranger(request):
            return problem
        order = self._find(request)
        if order and order.status == "succeeded":
            return _no(409, "paid", "The payment has succeeded; it cannot be canceled.")
        if order and order.status in _OPEN:
            order = replace(order, status="canceled")
            self._stage.books.keep(order)
        return self._answer(order)

    def _find(self, request: Request) -> Order | None:
        order = self._stage.books.order(self.name, request.path_params["name"])
        return order and self.as_of(order, self._stage.clock.now())

    def _stranger(self, request: Request) -> Response | None:
        known = request.headers.get("authorization") == f"Bearer {self._keys.api_key}"
        return None if known else _no(401, "unauthorized", "The API key is not known.")

    def _answer(self, order: Order | None) -> Response:
        return _no(404, "not_found", "No such payment.") if order is None else self._yes(order, 200)

    def _yes(self, order: Order, status: int) -> Response:
        urls = {"checkoutUrl": self.qr_code(order), "qrCode": self.qr_code(order)}
        rows = [_transfer(transfer) for transfer in order.transfers]
        return JSONResponse({**_payment(order), **urls, "transfers": rows}, status)

    def _end(self, order: Order, status: str, now: datetime) -> Change:
        if order.status not in _OPEN:
            raise Conflict(f"The sandbox payment has {order.status}; nothing can end it now.")
        over = replace(order, status=status)
        name = f"{status}_{order.id[3:]}_{int(now.timestamp() * 1000)}"
        return Change(over, (self._event(over, f"payment.{status}", name, now),))

    def _event(self, order: Order, kind: str, name: str, at: datetime) -> Event:
        return {"id": f"ev_{name}", "type": kind, "createdAt": _iso(at), "payment": _payment(order)}


def _no(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        read = strict_json.parse(await request.body(), limit=65_536, floats=False)
    except MalformedJson:
        return {}
    return read if isinstance(read, dict) else {}


def _order(wish: Mapping[str, Any], now: datetime) -> Order:
    texts = {name: wish.get(name) for name in _TEXTS}
    missing = [name for name, value in texts.items() if not isinstance(value, str)]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be a text")
    money = Money(wish.get("amount"), str(texts["currency"]))  # type: ignore[arg-type]
    if money.minor <= 0 or not texts["reference"]:
        raise ValueError("amount must be above 0, and reference must not be empty")
    expires = datetime.fromisoformat(str(texts["expiresAt"])).astimezone(UTC)
    if expires <= now:
        raise ValueError("expiresAt is in the past")
    return Order(
        gateway=SandboxSimulator.name,
        ref=str(texts["reference"]),
        id=f"sp_{secrets.token_hex(12)}",
        amount=money.minor,
        currency=money.currency,
        status="pending",
        created_at=now,
        expires_at=expires,
        return_url=str(texts["returnUrl"]),
        cancel_url=str(texts["cancelUrl"]),
        terms={"description": texts["description"]},
    )


def _payment(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "reference": order.ref,
        "amount": order.amount,
        "currency": order.currency,
        "status": order.status,
        "amountReceived": order.received,
        "createdAt": _iso(order.created_at),
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.reference,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "createdAt": _iso(transfer.at),
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
