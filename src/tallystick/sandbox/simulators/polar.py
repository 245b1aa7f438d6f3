"""Plays Polar: its API, its Standard Webhooks, its tax, its refunds and its rate limit.

Written from Polar's server and docs and not from our adapter: the two must agree. The tax is 10 %
of the net price. Each transfer is one order of Polar's.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, Final

from starlette.routing import BaseRoute

from tallystick.domain.errors import Conflict
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory
from tallystick.sandbox.simulators.polar_api import DISABLED, FAILED, PolarApi, PolarKeys, as_of
from tallystick.sandbox.simulators.polar_objects import (
    API_VERSION,
    SLOW,
    Organization,
    iso,
    uuid_of,
)

__all__ = ["PolarKeys", "PolarSimulator", "polar"]

_MOST_FAILURES: Final = 10


def polar(keys: PolarKeys, *, calls_per_minute: int = 500) -> SimulatorFactory:
    """Makes the simulator of Polar; its sandbox takes 100 calls a minute, live it takes 500."""
    return SimulatorFactory(
        PolarSimulator.name, lambda context: PolarSimulator(context, keys, calls_per_minute)
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
        grows=True,
    )

    def __init__(self, context: SimulatorContext, keys: PolarKeys, calls_per_minute: int) -> None:
        self._context = context
        self._keys = keys
        self._organization = Organization(keys.product_id, context.base_url)
        self._api = PolarApi(context, keys, self._organization, self._refunded, calls_per_minute)

    def routes(self) -> list[BaseRoute]:
        """The API v1."""
        return self._api.routes()

    def as_of(self, order: Order, now: datetime) -> Order:
        """A checkout that nobody completed is over after 24 hours."""
        return as_of(order, now)

    def take(self, order: Order, transfer: Transfer) -> Change:
        """One more paid order, and the events of a purchase in the order of life."""
        paid = replace(order, status="succeeded", transfers=(*order.transfers, transfer))
        row, at, told = self._organization.order(paid, transfer), transfer.at, self._organization
        unpaid = {**row, "status": "pending", "paid": False}
        life = [
            ("checkout.updated", {**told.checkout(paid), "status": "confirmed"}),
            ("order.created", unpaid),
            ("order.updated", row),
            ("order.paid", row),
            ("customer.state_changed", told.customer_state(paid)),
            ("checkout.updated", told.checkout(paid)),
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
        life = [("checkout.updated", self._organization.checkout(failed))]
        return Change(failed, self._events(life, f"{order.id}/failed", now))

    def refund(self, order: Order, amount: int, now: datetime) -> Change:
        """The merchant gives back `amount`, tax included, in the dashboard."""
        transfer = order.transfers[0]
        row = self._organization.order(order, transfer)
        left = row["refundable_amount"] + row["refundable_tax_amount"]
        if amount > left:
            raise Conflict(f"Of the Polar order only {left} can still go back.")
        net = row["refundable_amount"] if amount == left else amount * 10 // 11
        return self._refunded(order, transfer, (net, amount - net), {"reason": "other"}, now)

    def reverse_refund(self, order: Order, now: datetime) -> Change:
        """The card's bank sends the money back: the refund fails, and the order has less gone.

        One that waits for the bank is sent back before one that the bank took.
        """
        last = _last_refund(order, "pending") or _last_refund(order, "succeeded")
        if last is None:
            raise Conflict("There is no refund that could come back.")
        after, told = self._changed(order, {**last, "status": "failed", "modified_at": iso(now)})
        life = [("order.updated", told[0]), ("refund.updated", told[1])]
        return Change(after, self._events(life, f"{last['id']}/back", now))

    def slow_refunds(self, order: Order) -> Change:
        """Polar takes a refund for `pending` until the processor has heard from the bank."""
        return Change(replace(order, terms={**order.terms, SLOW: True}))

    def finish_refund(self, order: Order, now: datetime) -> Change:
        """The bank took the money: only now the order has it as gone, and says so."""
        last = _last_refund(order, "pending")
        if last is None:
            raise Conflict("There is no refund that waits for a bank.")
        after, told = self._changed(order, {**last, "status": "succeeded", "modified_at": iso(now)})
        life = [
            ("refund.updated", told[1]), ("order.updated", told[0]), ("order.refunded", told[0]),
        ]  # fmt: skip
        return Change(after, self._events(life, f"{last['id']}/done", now))

    def charge_back(self, order: Order, state: str, now: datetime) -> Change:
        """A dispute of the last order. Polar has no event for it: only its list tells."""
        return Change(self._organization.disputed(order, state, now))

    def reference(self, rng: Random, now: datetime) -> str:
        """The id of an order."""
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

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
        failed = 0 if arrived else int(self._context.books.fact(FAILED) or 0) + 1
        self._context.books.keep_fact(FAILED, str(failed))
        if failed >= _MOST_FAILURES:
            self._context.books.keep_fact(DISABLED, "yes")

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._context.base_url}/checkout/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """Polar writes its own id into the success URL where that asks for it."""
        url = order.cancel_url if canceled else order.return_url
        return url.replace("{CHECKOUT_ID}", order.id)

    def _refunded(
        self,
        order: Order,
        transfer: Transfer,
        both: tuple[int, int],
        wish: Mapping[str, Any],
        now: datetime,
    ) -> Change:
        given = self._organization.refund(order, transfer, both, wish, now)
        after = replace(order, terms={**order.terms, "refunds": [*order.terms["refunds"], given]})
        row = self._organization.order(after, transfer)
        life = [("refund.created", given)]
        if given["status"] == "succeeded":
            life += [("order.updated", row), ("order.refunded", row)]
        return Change(after, self._events(life, str(given["id"]), now))

    def _changed(
        self, order: Order, refund: Mapping[str, Any]
    ) -> tuple[Order, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """The checkout with this refund changed; what Polar tells of its order and the refund."""
        rows = [refund if one["id"] == refund["id"] else one for one in order.terms["refunds"]]
        after = replace(order, terms={**order.terms, "refunds": rows})
        paid = next(one for one in order.transfers if one.reference == refund["order_id"])
        return after, (self._organization.order(after, paid), refund)

    def _events(
        self, life: Sequence[tuple[str, Mapping[str, Any]]], about: str, at: datetime
    ) -> tuple[Event, ...]:
        if self._context.books.fact(DISABLED):
            return ()
        return tuple(
            {
                "type": kind, "timestamp": iso(at), "api_version": API_VERSION, "data": data,
                "webhook_id": uuid_of(about, f"{kind}/{number}"),
            }
            for number, (kind, data) in enumerate(life)
        )  # fmt: skip


def _last_refund(order: Order, *states: str) -> Mapping[str, Any] | None:
    rows: list[Mapping[str, Any]] = order.terms["refunds"]
    return next((row for row in reversed(rows) if row["status"] in states), None)
