"""What the merchant's systems are told: rows written in the transaction that they tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.document import transaction
from tallystick.domain.ids import new_id
from tallystick.store import transactions
from tallystick.store.schema.core import outbox
from tallystick.store.schema.merchant_events import unnumbered

_ADD = sqlite_insert(outbox).on_conflict_do_nothing()
_NOTE = insert(unnumbered)
_told = (
    pg_insert(outbox)
    .values({column.name: bindparam(column.name, type_=column.type) for column in outbox.c})
    .on_conflict_do_nothing()
    .returning(outbox.c.id, outbox.c.at)
    .cte("told")
)
# Both rows with one statement, because each costs a round trip.
_ADD_AND_NOTE = insert(unnumbered).from_select(
    [unnumbered.c.event_id, unnumbered.c.at], select(_told.c.id, _told.c.at)
)


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a merchant may want to hear of.

    `subject` is the id of what it is about; of one subject everything is told in order. The same
    `key` twice is told once. `data` is the thing as the API shows it, without secrets or codes.
    """

    type: str
    key: str
    subject: str
    data: Mapping[str, Any]
    payment_id: str | None = None


def tell(tx: Connection, news: News, now: datetime) -> None:
    """Write it down; it is numbered and goes out after the transaction."""
    values = {
        "id": new_id("evt", now),
        "key": f"{news.type}/{news.key}",
        "type": news.type,
        "subject": news.subject,
        "payment_id": news.payment_id,
        "data": _with_transactions(tx, news),
        "at": now,
    }
    if tx.dialect.name == "postgresql":
        tx.execute(_ADD_AND_NOTE, values)
    elif tx.execute(_ADD, values).rowcount == 1:
        tx.execute(_NOTE, {"event_id": values["id"], "at": now})


def _with_transactions(tx: Connection, news: News) -> dict[str, Any]:
    """What is told, with the gateway's transactions where it is about money that came."""
    if news.payment_id is None or "transactions" in news.data:
        return dict(news.data)
    came = [transaction(one) for one in transactions.of_payment(tx, news.payment_id)]
    return {**news.data, "transactions": came} if came else dict(news.data)
