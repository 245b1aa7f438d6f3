"""What gift cards keep of those they were sent to: found by address."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from tallystick.products.gift_cards.tables import gift_cards

_CARD = select(gift_cards.c.id, gift_cards.c.email_sealed).where(
    gift_cards.c.payment_id == bindparam("payment_id")
)
_ANY_CARD = select(gift_cards.c.id).limit(1)
_GIVEN = select(gift_cards.c.payment_id).where(
    gift_cards.c.email_lookup.in_(bindparam("lookups", expanding=True))
)
_UNFOUND = (
    select(gift_cards.c.id, gift_cards.c.email_sealed)
    .where(gift_cards.c.email_lookup.is_(None), gift_cards.c.id > bindparam("after"))
    .order_by(gift_cards.c.id)
    .limit(bindparam("limit"))
)
_FIND_BY = (
    update(gift_cards)
    .where(gift_cards.c.id == bindparam("of_id"), gift_cards.c.email_lookup.is_(None))
    .values(email_lookup=bindparam("lookup"))
)


def anybody(tx: Connection) -> bool:
    """Whether a gift card was ever sold."""
    return tx.execute(_ANY_CARD).first() is not None


def card_of(tx: Connection, payment_id: str) -> tuple[str, bytes] | None:
    """The gift card of a payment and its recipient, sealed, or None."""
    row = tx.execute(_CARD, {"payment_id": payment_id}).first()
    return None if row is None else (row.id, row.email_sealed)


def given_to(tx: Connection, lookups: Sequence[str]) -> list[str]:
    """The payments of the gift cards whose recipient stands under one of these."""
    return list(tx.execute(_GIVEN, {"lookups": list(lookups)}).scalars())


def unfound(tx: Connection, after: str, limit: int) -> list[tuple[str, bytes]]:
    """The next gift cards whose address is sealed and cannot be found: id and sealed address."""
    found = tx.execute(_UNFOUND, {"after": after, "limit": limit})
    return [(row.id, row.email_sealed) for row in found]


def find_by(tx: Connection, names: Sequence[tuple[str, str]]) -> None:
    """Let these gift cards be found: id, and what the address is found by."""
    tx.execute(_FIND_BY, [{"of_id": name, "lookup": lookup} for name, lookup in names])
