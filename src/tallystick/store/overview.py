"""What an operator sees first: how many payments stand where, what came in, who needs a look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.store.schema.core import inbox, payments, receipts

_PHASES = (
    select(payments.c.phase, func.count().label("many"))
    .where(payments.c.created_at >= bindparam("since"))
    .group_by(payments.c.phase)
)
_RECEIVED = (
    select(receipts.c.currency, func.sum(receipts.c.amount).label("amount"))
    .where(receipts.c.created_at >= bindparam("since"))
    .group_by(receipts.c.currency)
    .order_by(receipts.c.currency)
)
_REVIEWED = select(func.count()).where(payments.c.review.is_not(None))
_HEARD = select(inbox.c.gateway, func.max(inbox.c.received_at).label("at")).group_by(
    inbox.c.gateway
)


@dataclass(frozen=True, slots=True)
class Overview:
    """The last day in figures, and all that waits for a person."""

    phases: dict[Phase, int]
    received: tuple[Money, ...]
    in_review: int
    heard_at: dict[str, datetime]


def overview(tx: Connection, since: datetime) -> Overview:
    """Count it."""
    when = {"since": since}
    return Overview(
        phases={Phase(row.phase): row.many for row in tx.execute(_PHASES, when)},
        received=tuple(Money(int(row.amount), row.currency) for row in tx.execute(_RECEIVED, when)),
        in_review=int(tx.execute(_REVIEWED).scalar_one()),
        heard_at={row.gateway: row.at for row in tx.execute(_HEARD)},
    )
