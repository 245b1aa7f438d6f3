"""Gift cards: rows that are found by a keyed hash, and the history of each one's money."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, insert, literal, select, update

from tallystick.domain import ledger as accounts
from tallystick.products.gift_cards.rules import (
    Card,
    CardState,
    Hold,
    HoldState,
    Movement,
    MovementKind,
)
from tallystick.products.gift_cards.tables import gift_card_holds, gift_card_movements, gift_cards
from tallystick.store.columns import AnyRow
from tallystick.store.places import Place, window
from tallystick.store.schema.core import attempts
from tallystick.store.schema.core import balances as kept

_COLUMNS = tuple(gift_cards.c)
_INSERT = insert(gift_cards)
_FIND = select(*_COLUMNS).where(gift_cards.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_OF_PAYMENT = select(*_COLUMNS).where(gift_cards.c.payment_id == bindparam("payment_id"))
_BY_CODE = select(*_COLUMNS).where(gift_cards.c.code_hash.in_(bindparam("hashes", expanding=True)))
_MOVE = (
    update(gift_cards)
    .where(gift_cards.c.id == bindparam("of_id"), gift_cards.c.state == bindparam("before"))
    .values(state=bindparam("after"))
)
_ISSUE = (
    update(gift_cards)
    .where(gift_cards.c.id == bindparam("of_id"), gift_cards.c.code_hash.is_(None))
    .values(
        state=bindparam("after"),
        amount=bindparam("face"),
        code_hash=bindparam("hash"),
        code_sealed=bindparam("sealed"),
        issued_at=bindparam("now"),
    )
)
_READDRESS = (
    update(gift_cards)
    .where(gift_cards.c.id == bindparam("of_id"))
    .values(email_sealed=bindparam("sealed"), email_lookup=bindparam("lookup"))
)
_NOTE = insert(gift_card_movements)
_LINES = tuple(column for column in gift_card_movements.c if column.name != "seq")
_HISTORY = (
    select(*_LINES)
    .where(gift_card_movements.c.card_id == bindparam("card_id"))
    .order_by(gift_card_movements.c.seq)
)
_NAMED = select(*_LINES).where(
    gift_card_movements.c.card_id == bindparam("card_id"),
    gift_card_movements.c.kind == bindparam("kind"),
    gift_card_movements.c.reference == bindparam("reference"),
)
_USED = (
    select(gift_card_movements.c.kind, func.sum(gift_card_movements.c.amount).label("amount"))
    .where(gift_card_movements.c.card_id == bindparam("card_id"))
    .group_by(gift_card_movements.c.kind)
)

_HOLD = insert(gift_card_holds)
_HOLDS = tuple(gift_card_holds.c)
_FIND_HOLD = select(*_HOLDS).where(
    gift_card_holds.c.card_id == bindparam("card_id"), gift_card_holds.c.id == bindparam("id")
)
_HOLD_NAMED = select(*_HOLDS).where(
    gift_card_holds.c.card_id == bindparam("card_id"),
    gift_card_holds.c.reference == bindparam("reference"),
)
_END_HOLD = (
    update(gift_card_holds)
    .where(gift_card_holds.c.id == bindparam("of_id"), gift_card_holds.c.state == HoldState.HELD)
    .values(state=bindparam("after"), captured=bindparam("taken"))
)
_HELD = select(func.coalesce(func.sum(gift_card_holds.c.amount), 0)).where(
    gift_card_holds.c.card_id == bindparam("card_id"), gift_card_holds.c.state == HoldState.HELD
)
# As a word and not as a parameter: a planner sees that the partial index will do.
_OPEN = literal(HoldState.HELD.value, literal_execute=True)
_OVER = (
    select(*_HOLDS)
    .where(gift_card_holds.c.state == _OPEN, gift_card_holds.c.expires_at <= bindparam("now"))
    .order_by(gift_card_holds.c.expires_at)
    .limit(bindparam("limit"))
)  # fmt: skip


def add(tx: Connection, card: Card) -> None:
    """Insert a new card, which has no code yet."""
    tx.execute(_INSERT, asdict(card))


def find(tx: Connection, card_id: str) -> Card | None:
    """The card with this id, or None."""
    return _card(tx.execute(_FIND, {"id": card_id}).first())


def lock(tx: Connection, card_id: str) -> Card | None:
    """The same, and nobody else changes it before this transaction ends."""
    return _card(tx.execute(_LOCK, {"id": card_id}).first())


def of_payment(tx: Connection, payment_id: str) -> Card | None:
    """The card that this payment buys, or None."""
    return _card(tx.execute(_OF_PAYMENT, {"payment_id": payment_id}).first())


def by_code(tx: Connection, hashes: Sequence[str]) -> Card | None:
    """The card whose code has one of these keyed hashes, or None."""
    return _card(tx.execute(_BY_CODE, {"hashes": hashes}).first())


def readdress(tx: Connection, card_id: str, sealed: bytes, lookup: str) -> None:
    """Put another sealed address in the place of the buyer's, and what it is found by."""
    tx.execute(_READDRESS, {"of_id": card_id, "sealed": sealed, "lookup": lookup})


def issue(
    tx: Connection, card: Card, face: int, code_hash: str, code_sealed: bytes, now: datetime
) -> bool:
    """Give the card its code and its value; False where it has a code already."""
    values = {"of_id": card.id, "after": CardState.ACTIVE, "face": face, "hash": code_hash,
              "sealed": code_sealed, "now": now}  # fmt: skip
    return tx.execute(_ISSUE, values).rowcount == 1


def move(tx: Connection, card: Card, after: CardState) -> bool:
    """Compare and set; False where somebody else moved it first."""
    values = {"of_id": card.id, "before": card.state, "after": after}
    return tx.execute(_MOVE, values).rowcount == 1


def note(tx: Connection, movement: Movement) -> None:
    """Write one line of a card's history."""
    tx.execute(_NOTE, asdict(movement))


def history(tx: Connection, card_id: str) -> list[Movement]:
    """Everything that happened to the card's money, in order."""
    return [_movement(row) for row in tx.execute(_HISTORY, {"card_id": card_id})]


def named(tx: Connection, card_id: str, kind: MovementKind, reference: str) -> Movement | None:
    """What was done under this reference, or None."""
    values = {"card_id": card_id, "kind": kind, "reference": reference}
    row = tx.execute(_NAMED, values).first()
    return None if row is None else _movement(row)


def used(tx: Connection, card_id: str) -> dict[MovementKind, int]:
    """How much of the card was moved in each way."""
    rows = tx.execute(_USED, {"card_id": card_id})
    return {MovementKind(row.kind): int(row.amount) for row in rows}


def add_hold(tx: Connection, hold: Hold) -> None:
    """Insert a new hold."""
    tx.execute(_HOLD, asdict(hold))


def find_hold(tx: Connection, card_id: str, hold_id: str) -> Hold | None:
    """A hold of this card, or None."""
    return _hold(tx.execute(_FIND_HOLD, {"card_id": card_id, "id": hold_id}).first())


def hold_named(tx: Connection, card_id: str, reference: str) -> Hold | None:
    """The hold of this card with this reference, or None."""
    return _hold(tx.execute(_HOLD_NAMED, {"card_id": card_id, "reference": reference}).first())


def end_hold(tx: Connection, hold: Hold, after: HoldState, taken: int) -> bool:
    """Capture or release; False where that was done before."""
    values = {"of_id": hold.id, "after": after, "taken": taken}
    return tx.execute(_END_HOLD, values).rowcount == 1


def held(tx: Connection, card_id: str) -> int:
    """How much of the card is set aside."""
    return int(tx.execute(_HELD, {"card_id": card_id}).scalar_one())


def over(tx: Connection, now: datetime, limit: int) -> list[Hold]:
    """Holds whose time is over, and which nobody captured or released."""
    rows = tx.execute(_OVER, {"now": now, "limit": limit})
    return [hold for row in rows if (hold := _hold(row)) is not None]


@dataclass(frozen=True, slots=True)
class Listed:
    """A card in a list, with what is on it and the order that it is paid by."""

    card: Card
    balance: int
    held: int
    gateway: str | None
    our_ref: str | None
    provider_id: str | None


_newer = attempts.alias("newer")
_LAST_ATTEMPT = (
    select(_newer.c.id)
    .where(_newer.c.payment_id == gift_cards.c.payment_id)
    .order_by(_newer.c.created_at.desc(), _newer.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_LISTED = (
    select(
        *_COLUMNS,
        func.coalesce(kept.c.amount, 0).label("balance"),
        select(func.coalesce(func.sum(gift_card_holds.c.amount), 0))
        .where(gift_card_holds.c.card_id == gift_cards.c.id)
        .where(gift_card_holds.c.state == HoldState.HELD)
        .scalar_subquery()
        .label("held"),
        attempts.c.gateway, attempts.c.our_ref, attempts.c.provider_id,
    )
    .select_from(gift_cards)
    .outerjoin(attempts, attempts.c.id == _LAST_ATTEMPT)
    .outerjoin(kept, and_(kept.c.account == literal(accounts.gift_card("")) + gift_cards.c.id,
                          kept.c.currency == gift_cards.c.currency))
    .order_by(gift_cards.c.created_at.desc(), gift_cards.c.id.desc())
)  # fmt: skip


def page(
    tx: Connection, filters: Sequence[tuple[str, Sequence[str]]],
    span: tuple[datetime | None, datetime | None], after: Place | None, limit: int,
) -> list[Listed]:  # fmt: skip
    """Newest first, one more than `limit` where there are more.

    Each filter is a column and what it may be. Names of columns come from the code, never from a
    caller.
    """
    query = _LISTED
    for name, values in filters:
        query = query.where(gift_cards.c[name].in_(values))
    query = window(query, gift_cards.c.created_at, gift_cards.c.id, span, after)
    return [_listed(row) for row in tx.execute(query.limit(limit + 1))]


def _listed(row: AnyRow) -> Listed:
    values = {column.name: row._mapping[column] for column in _COLUMNS}
    values["state"] = CardState(values["state"])
    return Listed(
        Card(**values), int(row.balance), int(row.held), row.gateway, row.our_ref, row.provider_id
    )


def _card(row: AnyRow | None) -> Card | None:
    if row is None:
        return None
    values = dict(row._mapping)
    values["state"] = CardState(values["state"])
    return Card(**values)


def _movement(row: AnyRow) -> Movement:
    values = dict(row._mapping)
    values["kind"] = MovementKind(values["kind"])
    return Movement(**values)


def _hold(row: AnyRow | None) -> Hold | None:
    if row is None:
        return None
    values = dict(row._mapping)
    values["state"] = HoldState(values["state"])
    return Hold(**values)
