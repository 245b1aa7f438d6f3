"""Coupons count a customer by the mailbox that an address reaches."""

import sqlalchemy as sa
from alembic import op

from tallystick.domain.same_mailbox import same_mailbox
from tallystick.store import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COUNTED = sa.table(
    "coupon_customers",
    sa.column("coupon_id", sa.Text),
    sa.column("customer", sa.Text),
    sa.column("used", columns.Whole),
    sa.column("granted", columns.Whole),
)
_USES = sa.table("coupon_uses", sa.column("coupon_id", sa.Text), sa.column("customer", sa.Text))


def upgrade() -> None:
    """Apply this step.

    Who used a coupon by several addresses keeps those uses, and gets no more.
    """
    op.add_column(
        "coupon_customers",
        sa.Column("granted", columns.Whole, nullable=False, server_default="0"),
    )
    connection = op.get_bind()
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for row in connection.execute(
        sa.select(_COUNTED.c.coupon_id, _COUNTED.c.customer, _COUNTED.c.used)
    ):
        counted.setdefault((row.coupon_id, same_mailbox(row.customer)), {})[row.customer] = row.used
    for (coupon_id, key), by_address in counted.items():
        if set(by_address) != {key}:
            _make_one(connection, coupon_id, key, by_address)


def _make_one(
    connection: sa.Connection, coupon_id: str, key: str, by_address: dict[str, int]
) -> None:
    used, addresses = sum(by_address.values()), list(by_address)
    theirs = sa.and_(_COUNTED.c.coupon_id == coupon_id, _COUNTED.c.customer.in_(addresses))
    connection.execute(sa.delete(_COUNTED).where(theirs))
    granted = used if len(addresses) > 1 else 0
    connection.execute(
        sa.insert(_COUNTED).values(coupon_id=coupon_id, customer=key, used=used, granted=granted)
    )
    uses = sa.and_(_USES.c.coupon_id == coupon_id, _USES.c.customer.in_(addresses))
    connection.execute(sa.update(_USES).where(uses).values(customer=key))
