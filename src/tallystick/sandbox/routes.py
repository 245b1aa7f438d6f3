"""The control of the sandbox: play the payer, lie as a gateway, move the clock."""

import re
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field, field_validator

from tallystick.domain.errors import Conflict, NotFound
from tallystick.domain.ids import is_id
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import start_attempt
from tallystick.flows.hub import Hub
from tallystick.flows.payment_form import payers_address
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.tasks import rows as tasks
from tallystick.products.wallets import topup_rows
from tallystick.sandbox.running import RunningSandbox
from tallystick.store import links, payments, snapshots
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, body, described
from tallystick.web.depends import CallerDep, HubDep
from tallystick.web.description import answers
from tallystick.web.schema_parts import one


class Play(Body):
    """What is to happen, and to which payment."""

    act: str = Field(min_length=1, max_length=40)
    payment_id: str | None = Field(default=None, max_length=40)
    reference: str | None = Field(default=None, max_length=100)
    amount: int | None = Field(default=None, gt=0)
    currency: str | None = Field(default=None, min_length=3, max_length=3)
    delay: float | int = Field(default=0, ge=0, le=366 * 86_400)
    times: int | None = Field(default=None, ge=0, le=1000)
    seed: int | None = None


class Market(Body):
    """What the simulated source of exchange rates is to say, and how it is to behave."""

    rates: dict[str, str] = Field(default_factory=dict, max_length=200)
    fault: str | None = Field(default=None, max_length=40)

    @field_validator("rates")
    @classmethod
    def _decimals(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text) for text in value.values()):
            raise ValueError('has decimal numbers as texts, such as "25412.37"')
        return value


class Advance(Body):
    """How far the clock is to move."""

    advance: float | int = Field(ge=0, le=366 * 86_400, description="Seconds.")


def sandbox_router(sandbox: RunningSandbox) -> APIRouter:
    """Only made under `dev`, and only for keys of the role admin."""
    router = APIRouter(tags=["sandbox"])

    @router.post(
        "/_sim/act", openapi_extra=described(Play), summary="Play the payer or the gateway",
        responses=answers(one("Played")),
    )  # fmt: skip
    async def act(
        hub: HubDep, who: CallerDep, parsed: Annotated[Parsed[Play], Depends(body(Play, "admin"))]
    ) -> dict[str, Any]:
        """One act on the latest attempt of a payment; the answer says what happened."""
        who.needs("admin")
        return {"data": await _play(hub, sandbox, parsed.value)}

    @router.post(
        "/_sim/clock", openapi_extra=described(Advance), summary="Move the virtual clock",
        responses=answers(one("Moved")),
    )  # fmt: skip
    async def clock(
        hub: HubDep, who: CallerDep, parsed: Annotated[Parsed[Advance], Depends(body(Advance))]
    ) -> dict[str, Any]:
        """Expiry, polling, retries and jobs happen on the way; returns when they have."""
        who.needs("admin")
        told = await sandbox.advance(float(parsed.value.advance))
        return {"data": {**told, "now": shapes.instant(hub.now())}}

    @router.post(
        "/_sim/rates", openapi_extra=described(Market), summary="Move the exchange rates",
        responses=answers(one("MarketNow")),
    )  # fmt: skip
    async def market(
        who: CallerDep, parsed: Annotated[Parsed[Market], Depends(body(Market))]
    ) -> dict[str, Any]:
        """`fault` is none, error_500, hang or garbage. The hub hears of it when it asks next."""
        who.needs("admin")
        wished = parsed.value
        rates = {currency: Decimal(text) for currency, text in wished.rates.items()}
        return {"data": sandbox.move_rates(rates, wished.fault)}

    return router


async def _play(hub: Hub, sandbox: RunningSandbox, wished: Play) -> dict[str, Any]:
    snapshot = await _find(hub, wished)
    if snapshot.attempt is None and snapshot.link is not None:
        # The payer opens the page and takes the first way to pay.
        snapshot, _ = await start_attempt(hub, snapshot.id, snapshot.link.gateways[0])
    if snapshot.attempt is None:
        raise Conflict("This payment has no attempt at a gateway yet.")
    happened = await sandbox.act(
        snapshot.attempt.gateway,
        snapshot.attempt.our_ref,
        wished.act,
        amount=wished.amount,
        currency=wished.currency,
        delay=float(wished.delay),
        times=wished.times,
        seed=wished.seed,
        page=await payers_address(hub, snapshot),
    )
    return {"paymentId": snapshot.id, **happened}


def _sold(tx: Any, name: str) -> str | None:
    """The latest payment of what has this id."""
    if is_id("top", name):
        return topup_rows.payment_of(tx, name)
    if is_id("task", name):
        held = tasks.sessions(tx, name)
        return held[-1].payment_id if held else None
    return name if is_id("pay", name) else None


async def _find(hub: Hub, wished: Play) -> Snapshot:
    name = wished.payment_id or wished.reference or ""

    def read(tx: Any) -> Snapshot | None:
        if is_id("gc", name):
            card = gift_cards.find(tx, name)
            return None if card is None else snapshots.find(tx, card.payment_id)
        if is_id("plink", name):
            link = links.find(tx, name)
            return None if link is None else snapshots.find(tx, link.payment_id)
        payment_id = _sold(tx, name) or payments.by_reference(tx, name)
        if payment_id is None:
            link = links.by_short_code(tx, name)
            payment_id = None if link is None else link.payment_id
        return None if payment_id is None else snapshots.find(tx, payment_id)

    found = await hub.database.read(read)
    if found is None:
        raise NotFound("There is no payment with this paymentId or reference.")
    return found
