"""Plays the sandbox: our own simple gateway, for trying things in any currency.

    POST /v1/payments                     make an offer; the same reference gives the same one
    GET  /v1/payments/{reference or id}   what became of it
    POST /v1/payments/{reference or id}/cancel
    POST /v1/payments/{reference or id}/refunds   give money back; a repeated reference does nothing
    GET  /v1/payments/{reference or id}/refunds   what went back, also by hand in the dashboard
    GET  /v1/refunds/{reference}
    GET  /v1/transfers?from=…&to=…                every transfer that came

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
from tallystick.domain.document import instant
from tallystick.domain.errors import Conflict, HubError, MalformedJson
from tallystick.domain.money import Money
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_OPEN: Final = {"pending", "processing", "failed"}
_TEXTS: Final = ("reference", "currency", "description", "returnUrl", "cancelUrl", "expiresAt")


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """The same values go into the adapter's settings."""

    api_key: str
    webhook_secret: str


def sandbox(keys: SandboxKeys) -> SimulatorFactory:
    """Makes the simulator of the sandbox."""
    return SimulatorFactory(SandboxSimulator.name, lambda context: SandboxSimulator(context, keys))


class SandboxSimulator:
    """A gateway that does everything right until an act tells it otherwise."""

    name = "sandbox"
    traits = Traits(
        title="Sandbox",
        currencies=frozenset(),
        page="/pay/{id}",
        retries_s=(2, 10, 60, 300, 1800, 7200, 21_600, 86_400),
        refunds=True,
    )

    def __init__(self, context: SimulatorContext, keys: SandboxKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The API v1."""

        def guard(path: str, method: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=[method])

        return [
            guard("/v1/payments", "POST", self._create),
            guard("/v1/payments/{name}", "GET", self._show),
            guard("/v1/payments/{name}/cancel", "POST", self._revoke),
            guard("/v1/payments/{name}/refunds", "POST", self._give_back),
            guard("/v1/payments/{name}/refunds", "GET", self._list_refunds),
            guard("/v1/refunds/{reference}", "GET", self._show_refund),
            guard("/v1/transfers", "GET", self._list),
            guard("/v1/disputes", "GET", self._list_disputes),
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

    def refund(self, order: Order, amount: int, now: datetime) -> Change:
        """The merchant gives money back in the dashboard, and the hub is told."""
        if not order.transfers:
            raise Conflict("There is no money that could go back.")
        return self._refunded(order, order.transfers[0].reference, amount, None, now)

    def reverse_refund(self, order: Order, now: datetime) -> Change:
        """The last refund fails after all, and the hub is told."""
        rows = _refunds(order)
        last = next((row for row in reversed(rows) if row["status"] == "succeeded"), None)
        if last is None:
            raise Conflict("There is no refund that could come back.")
        failed = [{**row, "status": "failed"} if row is last else row for row in rows]
        after = replace(order, terms={**order.terms, "refunds": failed})
        name = f"{last['id']}_back"
        return Change(after, (self._event(after, "payment.refund_failed", name, now),))

    def charge_back(self, order: Order, state: str, now: datetime) -> Change:
        """A dispute of the last transfer is opened, or closed; the list tells, and no notice."""
        last = order.transfers[-1]
        row = {
            "id": f"sd_{last.reference}", "transfer": last.reference, "status": state,
            "amount": last.amount, "currency": last.currency, "createdAt": instant(now),
        }  # fmt: skip
        known = {one["id"]: one for one in order.terms.get("disputes", [])}
        kept = {**row, "createdAt": known.get(row["id"], row)["createdAt"]}
        disputes = [*({**known, row["id"]: kept}).values()]
        return Change(replace(order, terms={**order.terms, "disputes": disputes}))

    def reference(self, rng: Random, now: datetime) -> str:
        """A name of a transfer."""
        return f"st_{rng.getrandbits(96):024x}"

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
        return f"{self._context.base_url}/pay/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The return or cancel URL; what the query says is only a hint."""
        url = order.cancel_url if canceled else order.return_url
        query = urlencode({"reference": order.ref, "status": order.status})
        return f"{url}{'&' if '?' in url else '?'}{query}"

    async def _create(self, request: Request) -> Response:
        wish = await _document(request)
        if problem := self._stranger(request):
            return problem
        now = self._context.clock.now()
        try:
            order = _order(wish, now)
        except (HubError, ValueError, TypeError) as error:
            return _no(400, "invalid", f"The offer cannot be made: {error}")
        known = self._context.books.order(self.name, order.ref)
        if known and (known.amount, known.currency) != (order.amount, order.currency):
            return _no(409, "reference_taken", "The reference names an offer on other terms.")
        if not known:
            self._context.books.keep(order)
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
            self._context.books.keep(order)
        return self._answer(order)

    async def _give_back(self, request: Request) -> Response:
        wish = await _document(request)
        order = None if self._stranger(request) else self._find(request)
        if order is None:
            return self._stranger(request) or self._answer(None)
        reference, amount = wish.get("reference"), wish.get("amount")
        known = next((row for row in _refunds(order) if row["reference"] == reference), None)
        if known is not None:
            return JSONResponse(known, 200)
        if not isinstance(reference, str) or type(amount) is not int:
            return _no(400, "invalid", "reference is a text and amount a whole number.")
        try:
            transfer = str(wish.get("transfer"))
            now = self._context.clock.now()
            change = self._refunded(order, transfer, amount, reference, now)
        except Conflict as error:
            return _no(409, "not_refundable", error.detail)
        self._context.books.keep(change.order)
        return JSONResponse(_refunds(change.order)[-1], 201)

    async def _list_refunds(self, request: Request) -> Response:
        order = None if self._stranger(request) else self._find(request)
        if order is None:
            return self._stranger(request) or self._answer(None)
        return JSONResponse({"refunds": _refunds(order)})

    async def _list(self, request: Request) -> Response:
        if problem := self._stranger(request):
            return problem
        span = [request.query_params.get(name, "") for name in ("from", "to")]
        try:
            since, until = map(datetime.fromisoformat, span)
        except ValueError:
            return _no(400, "invalid", "from and to are times.")
        rows = [
            {**_transfer(one), "reference": order.ref, "refunded": _gone(order, one.reference)}
            for order in self._context.books.book(self.name).orders
            for one in order.transfers
            if since <= one.at < until
        ]
        return JSONResponse({"transfers": rows})

    async def _list_disputes(self, request: Request) -> Response:
        orders = self._context.books.book(self.name).orders
        rows = [row for order in orders for row in order.terms.get("disputes", [])]
        return self._stranger(request) or JSONResponse({"disputes": rows})

    async def _show_refund(self, request: Request) -> Response:
        if problem := self._stranger(request):
            return problem
        wanted = request.path_params["reference"]
        rows = (
            row for order in self._context.books.book(self.name).orders for row in _refunds(order)
        )
        found = next((row for row in rows if row["reference"] == wanted), None)
        return _no(404, "not_found", "No such refund.") if found is None else JSONResponse(found)

    def _refunded(
        self, order: Order, transfer: str, amount: int, reference: str | None, now: datetime
    ) -> Change:
        """What is in the books afterwards. Raises Conflict where there is not so much."""
        paid = next((one for one in order.transfers if one.reference == transfer), None)
        if paid is None or not 0 < amount <= paid.amount - _gone(order, transfer):
            raise Conflict("There is not so much left of the transfer that could go back.")
        row = {
            "id": f"sr_{order.id[3:]}_{len(_refunds(order)) + 1}",
            "reference": reference, "transfer": transfer, "status": "succeeded",
            "amount": amount, "currency": paid.currency, "createdAt": instant(now),
        }  # fmt: skip
        after = replace(order, terms={**order.terms, "refunds": [*_refunds(order), row]})
        return Change(after, (self._event(after, "payment.refunded", str(row["id"]), now),))

    def _find(self, request: Request) -> Order | None:
        order = self._context.books.order(self.name, request.path_params["name"])
        return order and self.as_of(order, self._context.clock.now())

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
        told = _payment(order)
        return {"id": f"ev_{name}", "type": kind, "createdAt": instant(at), "payment": told}


def _refunds(order: Order) -> list[dict[str, Any]]:
    return list(order.terms.get("refunds", []))


def _gone(order: Order, transfer: str) -> int:
    rows = (row for row in _refunds(order) if row["status"] == "succeeded")
    return sum(row["amount"] for row in rows if row["transfer"] == transfer)


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
        "amountRefunded": sum(
            row["amount"]
            for row in _refunds(order)
            if row["currency"] == order.currency and row["status"] == "succeeded"
        ),
        "createdAt": instant(order.created_at),
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.reference,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "createdAt": instant(transfer.at),
    }
