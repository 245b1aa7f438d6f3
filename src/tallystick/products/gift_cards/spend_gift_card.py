"""Redeem: a gift card is spent, at once or by a hold that is captured or released later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import Conflict, InsufficientFunds, MoneyMismatch, NotFound
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.gift_cards import rows
from tallystick.products.gift_cards.cards import balance, locked, note
from tallystick.products.gift_cards.rules import (
    Card,
    CardState,
    Hold,
    HoldState,
    Movement,
    MovementKind,
)
from tallystick.store import ledger

HELD_FOR: Final = timedelta(days=7)
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Spending:
    """What a merchant wants of a card. `reference` is theirs: asked twice, it is done once."""

    amount: int
    reference: str
    currency: str | None = None


async def redeem(hub: Hub, card_id: str, wanted: Spending) -> Movement:
    """Spend a part; the same reference and amount again is the same redemption.

    Raises NotFound, Conflict, InsufficientFunds, MoneyMismatch.
    """
    now = hub.now()
    return await whole(hub, lambda tx: _redeem(tx, card_id, wanted, now))


async def hold(hub: Hub, card_id: str, wanted: Spending, lasts: timedelta) -> Hold:
    """Set a part aside, so that it cannot be spent twice while an order is being made.

    The same reference and amount again is the same hold. Raises as `redeem` does.
    """
    now = hub.now()
    return await whole(hub, lambda tx: _set_aside(tx, card_id, wanted, lasts, now))


async def capture(hub: Hub, card_id: str, hold_id: str, amount: int | None) -> Hold:
    """Spend what is held, or a part of it; the rest goes back to the card. Safe to repeat.

    Raises NotFound, Conflict, InsufficientFunds.
    """
    now = hub.now()
    return await hub.database.write(lambda tx: _capture(tx, card_id, hold_id, amount, now))


async def release(hub: Hub, card_id: str, hold_id: str) -> Hold:
    """What was held can be spent again. Safe to repeat. Raises NotFound, Conflict."""
    now = hub.now()
    return await hub.database.write(lambda tx: _release(tx, card_id, hold_id, now))


def _redeem(tx: Connection, card_id: str, wanted: Spending, now: datetime) -> Movement:
    card = locked(tx, card_id)
    _check_currency(card, wanted.currency)
    before = rows.named(tx, card_id, MovementKind.REDEEM, wanted.reference)
    if before is not None:
        _check_same(wanted, before.amount, card)
        return before
    _check_spendable(card)
    line = _Line(MovementKind.REDEEM, wanted.reference, wanted.amount)
    return _book(tx, card, line, accounts.gift_card(card.id), accounts.REVENUE, now)


def _set_aside(
    tx: Connection, card_id: str, wanted: Spending, lasts: timedelta, now: datetime
) -> Hold:
    card = locked(tx, card_id)
    _check_currency(card, wanted.currency)
    before = rows.hold_named(tx, card_id, wanted.reference)
    if before is not None:
        _check_same(wanted, before.amount, card)
        return before
    _check_spendable(card)
    made = Hold(
        id=new_id("hold", now), card_id=card_id, reference=wanted.reference, state=HoldState.HELD,
        amount=wanted.amount, captured=0, currency=card.currency, expires_at=now + lasts,
        created_at=now,
    )  # fmt: skip
    line = _Line(MovementKind.HOLD, made.reference, made.amount)
    _book(tx, card, line, accounts.gift_card(card.id), accounts.held(made.id), now)
    rows.add_hold(tx, made)
    return made


def _capture(tx: Connection, card_id: str, hold_id: str, amount: int | None, now: datetime) -> Hold:
    card, held = _held(tx, card_id, hold_id)
    taken = held.amount if amount is None else amount
    if held.state is HoldState.CAPTURED:
        if amount is not None:
            _check_same(Spending(amount, held.reference), held.captured, card)
        return held
    if held.state is HoldState.RELEASED:
        raise Conflict("The hold was released, so there is nothing to capture.")
    _check_spendable(card)
    if taken > held.amount:
        raise InsufficientFunds(f"The hold is of {Money(held.amount, held.currency)} only.")
    line = _Line(MovementKind.CAPTURE, held.reference, taken)
    _book(tx, card, line, accounts.held(held.id), accounts.REVENUE, now)
    _give_back(tx, card, held, held.amount - taken, now)
    rows.end_hold(tx, held, HoldState.CAPTURED, taken)
    return _held(tx, card_id, hold_id)[1]


def _release(tx: Connection, card_id: str, hold_id: str, now: datetime) -> Hold:
    card, held = _held(tx, card_id, hold_id)
    if held.state is HoldState.CAPTURED:
        raise Conflict("The hold was captured, so it cannot be released.")
    if held.state is HoldState.HELD:
        _give_back(tx, card, held, held.amount, now)
        rows.end_hold(tx, held, HoldState.RELEASED, 0)
    return _held(tx, card_id, hold_id)[1]


async def release_holds(hub: Hub) -> dict[str, Any]:
    """Release the holds whose time is over; a job."""
    now = hub.now()
    over = await hub.database.read(lambda tx: rows.over(tx, now, BATCH))
    for one in over:
        await hub.database.write(partial(_release_if_held, one, now))
    return {"released": len(over)}


def _release_if_held(one: Hold, now: datetime, tx: Connection) -> None:
    _, held = _held(tx, one.card_id, one.id)
    if held.state is HoldState.HELD:
        _release(tx, one.card_id, one.id, now)


def _held(tx: Connection, card_id: str, hold_id: str) -> tuple[Card, Hold]:
    """The card, locked, and a hold of it."""
    card = locked(tx, card_id)
    found = rows.find_hold(tx, card_id, hold_id)
    if found is None:
        raise NotFound("This gift card has no hold with this id.")
    return card, found


@dataclass(frozen=True, slots=True)
class _Line:
    """One movement of a card's money, before it is made."""

    kind: MovementKind
    reference: str
    minor: int


def _give_back(tx: Connection, card: Card, held: Hold, rest: int, now: datetime) -> None:
    if rest:
        line = _Line(MovementKind.RELEASE, held.reference, rest)
        _book(tx, card, line, accounts.held(held.id), accounts.gift_card(card.id), now)


def _book(tx: Connection, card: Card, line: _Line, source: str, to: str, now: datetime) -> Movement:
    """A transfer, and the line of the card's history that is named like it."""
    amount = Money(line.minor, card.currency)
    name = f"{card.id}/{line.reference}"
    transfer = accounts.move(f"gift_card.{line.kind}", name, None, amount, debit=source, credit=to)
    try:
        ledger.post(tx, transfer, now)
    except InsufficientFunds:
        left = Money(balance(tx, card), card.currency)
        raise InsufficientFunds(f"There is {left} left on it, less than {amount}.") from None
    return note(tx, card, line.kind, line.reference, line.minor, now)


def _check_spendable(card: Card) -> None:
    if card.state is not CardState.ACTIVE:
        raise Conflict(f"The gift card is {card.state}, so nothing can be spent from it.")


def _check_currency(card: Card, currency: str | None) -> None:
    if currency not in {None, card.currency}:
        raise MoneyMismatch(f"This gift card is in {card.currency}, not in {currency}.")


def _check_same(wanted: Spending, before: int, card: Card) -> None:
    if wanted.amount != before:
        raise Conflict(
            f"The reference {wanted.reference!r} was used on this gift card for "
            f"{Money(before, card.currency)}; use another one for another amount."
        )
