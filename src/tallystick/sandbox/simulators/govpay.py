"""Plays GovPay+: it gets a token, asks what is due, shows it to the payer, and tells of the money.

Written from the public integrations and not from our adapter: the two must agree. Nobody calls
GovPay+; a payer types the reference number at `/bank` or an act is done. How a call is spelled
follows from the last digit of the transaction, as the spellings of real callers differ.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Conflict, NotFound, Refused
from tallystick.domain.money import Money
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory
from tallystick.sandbox.simulators.faults import Fault

_PATH: Final = "/api/govpayplus/v1.0"
_SWITCHES: Final = ("old_token", "wrong_subinst")
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>Bank (simulated)</title>
<link rel="stylesheet" href="/_sim/static/sim.css"><main>
<p class="banner">Simulated bank app. No real money moves. You are the payer.</p>
<h1>GovPay</h1><p role="alert">{}</p><form method="post">
<label>Reference number <input name="reference" maxlength="20" required></label>
<button>Show what is due</button></form></main></html>"""


@dataclass(frozen=True, slots=True)
class GovPayKeys:
    """What GovPay+ and the merchant agreed on. The same values go into the adapter's settings."""

    client_id: str
    client_secret: str
    transaction_key: str
    subinst_id: str
    service_id: str


def govpay(keys: GovPayKeys) -> SimulatorFactory:
    """Makes the simulator of GovPay+."""
    return SimulatorFactory(GovPaySimulator.name, lambda context: GovPaySimulator(context, keys))


class GovPaySimulator:
    """GovPay+ with all banks behind it."""

    name = "govpay"
    traits = Traits(
        title="GovPay+",
        currencies=frozenset({"LKR"}),
        page="/bank/{id}",
        # No rule is published.
        retries_s=(10, 60, 600, 3600, 21_600),
        splits=False,
        asks=False,
    )

    def __init__(self, context: SimulatorContext, keys: GovPayKeys) -> None:
        self._context = context
        self._keys = keys
        self._token = ""
        self._good_until = context.clock.now()

    def routes(self) -> list[BaseRoute]:
        """The bank app, and switches for what goes wrong: `/switch/{name}?on=1`."""
        return [
            Route("/bank", self._ask_payer, methods=["GET"]),
            Route("/bank", self._look_up, methods=["POST"]),
            Route("/switch/{name}", self._turn, methods=["POST"]),
        ]

    async def prepare(self, our_ref: str, act: str) -> None:
        """The payer types the reference; what the hub says is due becomes the order."""
        if act in set(Fault):
            raise Conflict("Nobody calls GovPay+, so no call to it can go wrong.")
        known = self._context.books.order(self.name, our_ref)
        if known is not None:
            return
        now = self._context.clock.now()
        number = self.reference(Random(f"{our_ref}/{now}"), now)  # noqa: S311 - not a secret
        asked = {**self._service(number), "data": _data([("refNo", our_ref)])}
        await self.log_in()
        told = await self._call("presentment", asked)
        shown = {row["returnedParam"]: row["initialValue"] for row in told["presentmentData"]}
        due = Money.parse(shown["amount"], shown["currency"])
        order = Order(
            self.name, our_ref, number, due.minor, due.currency, "SHOWN", now, None, "", "",
            {"serviceName": told["serviceName"]},
        )  # fmt: skip
        self._context.books.keep(order)

    async def log_in(self) -> None:
        """A token, unless the one at hand is good for another minute."""
        now = self._context.clock.now()
        if self._token and (now < self._good_until or self._on("old_token")):
            return
        pair = f"{self._keys.client_id}:{self._keys.client_secret}".encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = f"{self._context.hub_url}{_PATH}/generatetoken"
        status, body = await self._context.call(
            url, Message(headers, b"grant_type=client_credentials")
        )
        if status != 200:
            raise ConnectionError(f"The hub gave no token (HTTP {status}).")
        told = json.loads(body)
        self._token = told["access_token"]
        self._good_until = now + timedelta(seconds=told["expires_in"] - 60)

    def as_of(self, order: Order, now: datetime) -> Order:
        """GovPay+ knows no end of an offer: the hub says "not payable" when it is asked."""
        return order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """The bank moved the money, and the hub is told."""
        paid = replace(order, status="PAID", transfers=(*order.transfers, transfer))
        return Change(paid, (self._update(paid, transfer, "SUCCESS"),))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer closes the app, which nobody is told of."""
        if order.status == "PAID":
            raise Conflict("The GovPay+ payment is made; it cannot be given up.")
        return Change(order)

    def decline(self, order: Order, now: datetime) -> Change:
        """The bank declines, and the hub is told."""
        if order.status == "PAID":
            raise Conflict("The GovPay+ payment is made; it cannot fail any more.")
        tried = Transfer(order.id, order.amount, order.currency, now)
        return Change(replace(order, status="DECLINED"), (self._update(order, tried, "declined"),))

    def reference(self, rng: Random, now: datetime) -> str:
        """A transaction has 18 digits."""
        return str(rng.randrange(10**17, 10**18))

    def memo(self, order: Order) -> str | None:
        """The payer types a reference number, which the bank checks; nothing can be mangled."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """Nothing is signed: a token and a shared key say who calls."""
        key = self._keys.transaction_key if rightly else f"?{self._keys.transaction_key[1:]}"
        told = _of_another_institution(event) if self._on("wrong_subinst") else event
        headers = {"Authorization": f"Bearer {self._token}", "TransactionKey": key}
        body = json.dumps(told, ensure_ascii=False).encode()
        return Message(headers, body, f"{self._context.hub_url}{_PATH}/update")

    def qr_code(self, order: Order) -> str:
        """The address of the bank's page; the real one has no code."""
        return f"{self._context.base_url}/bank/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """There is none: a bank app knows no shop."""
        return self.qr_code(order)

    async def _ask_payer(self, request: Request) -> Response:
        return HTMLResponse(_PAGE.format(""))

    async def _look_up(self, request: Request) -> Response:
        form = parse_qs((await request.body())[:1024].decode("utf-8", "replace"))
        typed = form.get("reference", [""])[0].strip().upper()
        try:
            await self.prepare(typed, "look")
        except Refused as refusal:
            return HTMLResponse(_PAGE.format(escape(refusal.detail)), 404)
        order = self._context.books.order(self.name, typed)
        there = f"{self._context.base_url}/bank/{order.id}" if order else request.url.path
        return RedirectResponse(there, 303)

    async def _turn(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _SWITCHES:
            return JSONResponse({"switches": _SWITCHES}, 404)
        on = request.query_params.get("on", "")
        self._context.books.keep_fact(f"govpay.{name}", on)
        return JSONResponse({name: bool(on)})

    def _on(self, switch: str) -> bool:
        return bool(self._context.books.fact(f"govpay.{switch}"))

    async def _call(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        message = self.seal(asked, self._context.clock.now(), rightly=True)
        status, body = await self._context.call(
            f"{self._context.hub_url}{_PATH}/{operation}", message
        )
        read = json.loads(body) if body.startswith(b"{") else {}
        if status == 200 and isinstance(read, dict):
            return read
        words = f"The hub says to GovPay+: {read.get('error')} (HTTP {status})."
        raise NotFound(words) if status == 404 else Conflict(words)

    def _update(self, order: Order, transfer: Transfer, status: str) -> Event:
        amount = Money(transfer.amount, transfer.currency).major()
        spelling = int(transfer.reference[-1]) % 3
        service = self._service(transfer.reference)
        values: list[tuple[str, Any]] = [
            ("refNo", order.ref), ("amount", amount), ("currency", transfer.currency),
            ("status", status), ("paymentMethod", "ONLINE_BANKING"),
        ]  # fmt: skip
        if spelling == 1:
            # As a caller in Java or C# writes them: numbers, and keys in camel case.
            number = Decimal(amount)
            values[1] = ("amount", int(number) if number == int(number) else float(number))
            values[3] = ("paymentStatus", status)
            service = {
                "transactionID": int(transfer.reference), "suinstId": service["subinstId"],
                "serviceId": service["serviceid"], "serviceName": service["serviceName"],
            }  # fmt: skip
        elif spelling == 2:
            values = [(name.upper(), value) for name, value in values]
            values.append(("gatewayTransactionId", transfer.reference))
            service = {
                "transactionId": order.id, "subinstId": service["subinstId"],
                "serviced": service["serviceid"], "serviceName": service["serviceName"],
            }  # fmt: skip
        return {**service, "data": _data(values)}

    def _service(self, number: str) -> dict[str, Any]:
        return {
            "transactionID": number,
            "subinstId": self._keys.subinst_id,
            "serviceid": self._keys.service_id,
            "serviceName": "Renewal Fee",
        }


def _data(values: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"seq": str(number), "paramName": name, "value": value}
        for number, (name, value) in enumerate(values, 1)
    ]


def _of_another_institution(event: Event) -> Event:
    spellings = ("subinstid", "suinstid")
    return {name: "999" if name.lower() in spellings else value for name, value in event.items()}
