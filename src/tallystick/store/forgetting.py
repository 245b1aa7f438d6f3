"""Erases what ties rows to a person: bytes, memos and addresses; the books stay as they are."""

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Text, bindparam, delete, func, select, type_coerce, update

from tallystick.domain.addresses import SealedAddress
from tallystick.products.gift_cards.tables import gift_cards
from tallystick.products.orders.coupon_tables import coupon_customers, coupon_uses
from tallystick.products.orders.tables import orders
from tallystick.store.schema.core import evidence, idempotency, inbox, jobs
from tallystick.store.schema.credits import credits
from tallystick.store.schema.refunds import refund_moves, refunds

GONE: Final = "forgotten@invalid"
"""Stands where an address was; the domain can never exist (RFC 2606)."""

_EVIDENCE = select(evidence.c.id).where(evidence.c.payment_id == bindparam("payment_id"))
_NOTICES = select(inbox.c.id).where(inbox.c.payment_id == bindparam("payment_id"))
_MOVES = (
    select(refund_moves.c.refund_id, refund_moves.c.line)
    .join(refunds, refunds.c.id == refund_moves.c.refund_id)
    .where(refunds.c.payment_id == bindparam("payment_id"))
)
_MEMOS = (
    update(inbox)
    .where(inbox.c.payment_id == bindparam("of_payment"), inbox.c.memo != "")
    .values(memo="")
)
_CREDITS = (
    update(credits)
    .where(credits.c.payment_id == bindparam("of_payment"), credits.c.memo != "")
    .values(memo="", refs=[])
)
_ANSWERS = delete(idempotency).where(idempotency.c.payment_id == bindparam("payment_id"))
_BUYER = (
    update(orders)
    .where(orders.c.id == bindparam("of_id"))
    .values(
        email_lookup=bindparam("lookup"), email_sealed=bindparam("sealed"), github_username=None
    )
)
_ORDERED = select(orders.c.payment_id).where(
    orders.c.email_lookup.in_(bindparam("lookups", expanding=True))
)
_CARD = select(gift_cards.c.id, gift_cards.c.email_sealed).where(
    gift_cards.c.payment_id == bindparam("payment_id")
)
_ANY_ORDER, _ANY_CARD = select(orders.c.id).limit(1), select(gift_cards.c.id).limit(1)
_GIVEN = select(gift_cards.c.payment_id).where(
    gift_cards.c.email_lookup.in_(bindparam("lookups", expanding=True))
)
_EFFECTS = select(jobs.c.id, jobs.c.payload).where(
    jobs.c.state != "ready",
    func.lower(type_coerce(jobs.c.payload, Text)).like(bindparam("like"), escape="\\"),
)
_REWRITE = update(jobs).where(jobs.c.id == bindparam("of_id")).values(payload=bindparam("payload"))


def subjects(tx: Connection, payment_id: str) -> list[str]:
    """What bytes may be kept of a payment: its evidence, notices, and what refunds were told by."""
    values = {"payment_id": payment_id}
    moves = [f"{row.refund_id}/{row.line}" for row in tx.execute(_MOVES, values)]
    return [
        *tx.execute(_EVIDENCE, values).scalars(), *tx.execute(_NOTICES, values).scalars(), *moves,
    ]  # fmt: skip


def memos(tx: Connection, payment_id: str) -> int:
    """Empty what payers wrote with their transfers."""
    mine = {"of_payment": payment_id}
    return int(tx.execute(_MEMOS, mine).rowcount) + int(tx.execute(_CREDITS, mine).rowcount)


def answers(tx: Connection, payment_id: str) -> int:
    """Drop the answers that were kept for repeated requests."""
    return int(tx.execute(_ANSWERS, {"payment_id": payment_id}).rowcount)


def buyer(tx: Connection, order_id: str, other: SealedAddress) -> None:
    """Put another address in the place of the buyer's, and take the user name out."""
    values = {"of_id": order_id, "lookup": other.lookup, "sealed": other.sealed}
    tx.execute(_BUYER, values)


def anybody(tx: Connection) -> bool:
    """Whether anything was ever bought with an address."""
    return tx.execute(_ANY_ORDER).first() is not None or tx.execute(_ANY_CARD).first() is not None


def ordered_by(tx: Connection, lookups: Sequence[str]) -> list[str]:
    """The payments of the orders whose address stands under one of these."""
    return list(tx.execute(_ORDERED, {"lookups": list(lookups)}).scalars())


def card_of(tx: Connection, payment_id: str) -> tuple[str, bytes] | None:
    """The gift card of a payment and its recipient, sealed, or None."""
    row = tx.execute(_CARD, {"payment_id": payment_id}).first()
    return None if row is None else (row.id, row.email_sealed)


def given_to(tx: Connection, lookups: Sequence[str]) -> list[str]:
    """The payments of the gift cards whose recipient stands under one of these."""
    return list(tx.execute(_GIVEN, {"lookups": list(lookups)}).scalars())


def customer(tx: Connection, names: Sequence[str], other: str) -> int:
    """Give a customer of coupons another name; how often a coupon was used stays known."""
    changed = 0
    for table in (coupon_uses, coupon_customers):
        renamed = update(table).where(table.c.customer.in_(names)).values(customer=other)
        changed += int(tx.execute(renamed).rowcount)
    return changed


def effects(tx: Connection, email: str) -> int:
    """Take an address out of what outside effects were done with."""
    plain = re.sub(r"([\\%_])", r"\\\1", email.lower())
    found = tx.execute(_EFFECTS, {"like": f"%{plain}%"}).all()
    for row in found:
        tx.execute(_REWRITE, {"of_id": row.id, "payload": _without(row.payload, email.lower())})
    return len(found)


def _without(value: Any, email: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, email) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, email) for one in value]
    return GONE if isinstance(value, str) and value.lower() == email else value
