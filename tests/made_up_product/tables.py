"""Donations: one row each, from the pledge to the certificate and its end."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, MetaData, Text

from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import metadata, one_of, table
from tallystick.store.schema.core import payments
from tests.made_up_product.rules import DonationState

# A product of the hub has no metadata of its own: it leaves out `within`, and a migration makes
# its tables. These are made by the tests, in their own databases.
OWN = MetaData(naming_convention=metadata.naming_convention)

donations = table(
    "donations",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey(payments.c.id), nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("email_sealed", LargeBinary, nullable=False),
    Column("email_lookup", Text, nullable=False),
    Column("certificate", Text, unique=True),
    Column("given_back", Whole, nullable=False),
    Column("entry", Whole, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("certified_at", Instant),
    one_of("state", DonationState),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("given_back BETWEEN 0 AND amount", name="given_back_within_amount"),
    CheckConstraint(
        "(state IN ('CERTIFIED', 'REVOKED')) = (certificate IS NOT NULL)"
        " AND (certificate IS NULL) = (certified_at IS NULL)",
        name="certified_has_its_number",
    ),
    within=OWN,
)
Index("ix_donations_email", donations.c.email_lookup)
