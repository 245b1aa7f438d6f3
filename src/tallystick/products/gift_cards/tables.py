"""Gift cards: the card, what happened to its money, and the parts of it that are set aside."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from tallystick.products.gift_cards.rules import CODED, NAMED, CardState, HoldState, MovementKind
from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import index_where, one_of, table

_CODED = ", ".join(f"'{state}'" for state in CODED)
_NAMED = ", ".join(f"'{kind}'" for kind in NAMED)

gift_cards = table(
    "gift_cards",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("email_sealed", LargeBinary, nullable=False),
    # By which the address is found; none where a migration could not open it.
    Column("email_lookup", Text),
    Column("code_hash", Text, unique=True),
    Column("code_sealed", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("issued_at", Instant),
    one_of("state", CardState),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint(
        f"(state IN ({_CODED})) = (code_hash IS NOT NULL)"
        " AND (code_hash IS NULL) = (code_sealed IS NULL)"
        " AND (code_hash IS NULL) = (issued_at IS NULL)",
        name="code_once_paid",
    ),
)

Index("ix_gift_cards_created", gift_cards.c.created_at, gift_cards.c.id)
Index("ix_gift_cards_state", gift_cards.c.state, gift_cards.c.created_at, gift_cards.c.id)
index_where("ix_gift_cards_email", "email_lookup IS NOT NULL", gift_cards.c.email_lookup)
index_where("ix_gift_cards_unfound", "email_lookup IS NULL", gift_cards.c.id)

gift_card_movements = table(
    "gift_card_movements",
    # Two lines of one moment keep their order.
    Column("seq", Whole, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("card_id", Text, ForeignKey("gift_cards.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("balance", Whole, nullable=False),
    Column("at", Instant, nullable=False),
    one_of("kind", MovementKind),
    CheckConstraint("amount >= 0 AND balance >= 0", name="amounts_not_negative"),
    CheckConstraint(f"(kind IN ({_NAMED})) = (reference IS NOT NULL)", name="named_where_asked"),
    # The merchant's reference: asked twice, done once.
    UniqueConstraint("card_id", "kind", "reference"),
    append_only=True,
)

gift_card_holds = table(
    "gift_card_holds",
    Column("id", Text, primary_key=True),
    Column("card_id", Text, ForeignKey("gift_cards.id"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("captured", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    one_of("state", HoldState),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("captured BETWEEN 0 AND amount", name="captured_within_held"),
    CheckConstraint("(state = 'captured') = (captured > 0)", name="captured_says_so"),
    UniqueConstraint("card_id", "reference"),
)
index_where("ix_gift_card_holds_open", "state = 'held'", gift_card_holds.c.expires_at)
