"""What an operator sees first: how many payments stand where, what came in, who needs a look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Text, bindparam, column, func, literal_column, select, text

from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.store.columns import Instant
from tallystick.store.schema.core import payments, receipts

# `|| ''` keeps SQLite from counting all payments in the order of phases.
_PHASE = literal_column("phase || ''", Text())
_PHASES = (
    select(_PHASE.label("phase"), func.count().label("many"))
    .where(payments.c.created_at >= bindparam("since"))
    .group_by(_PHASE)
)
_RECEIVED = (
    select(receipts.c.currency, func.sum(receipts.c.amount).label("amount"))
    .where(receipts.c.created_at >= bindparam("since"))
    .group_by(receipts.c.currency)
    .order_by(receipts.c.currency)
)
_REVIEWED = select(func.count()).where(payments.c.review.is_not(None))
# One look-up by index for each gateway, where a GROUP BY would read every notice there is.
_HEARD = text("""
WITH RECURSIVE heard(gateway) AS (
  SELECT MIN(gateway) FROM inbox
  UNION ALL
  SELECT (SELECT MIN(i.gateway) FROM inbox i WHERE i.gateway > heard.gateway) FROM heard
  WHERE heard.gateway IS NOT NULL
)
SELECT heard.gateway,
  (SELECT MAX(i.received_at) FROM inbox i WHERE i.gateway = heard.gateway) AS at
FROM heard WHERE heard.gateway IS NOT NULL
""").columns(column("gateway", Text()), column("at", Instant()))


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
