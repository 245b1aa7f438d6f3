"""Wallets: what moved in and out of them, and what was spent under which reference."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.money import Money
from tallystick.products.wallets.tables import topups, wallet_spends
from tallystick.store.places import window
from tallystick.store.schema.core import postings, transfers

_ADD = {
    "sqlite": sqlite_insert(wallet_spends).on_conflict_do_nothing(),
    "postgresql": pg_insert(wallet_spends).on_conflict_do_nothing(),
}
_FIND = select(
    wallet_spends.c.id, wallet_spends.c.owner_id, wallet_spends.c.reference,
    wallet_spends.c.amount, wallet_spends.c.currency, wallet_spends.c.balance_after,
    wallet_spends.c.created_at,
).where(
    wallet_spends.c.owner_id == bindparam("owner_id"),
    wallet_spends.c.reference == bindparam("reference"),
)  # fmt: skip
_ENTRIES = (
    select(
        transfers.c.id, transfers.c.kind, transfers.c.payment_id, transfers.c.created_at,
        postings.c.amount, postings.c.currency, wallet_spends.c.reference,
        topups.c.id.label("tx_ref"),
    )
    .join(postings, postings.c.transfer_id == transfers.c.id)
    .outerjoin(
        wallet_spends, (transfers.c.kind == "spend") & (wallet_spends.c.id == transfers.c.subject)
    )
    .outerjoin(topups, topups.c.payment_id == transfers.c.payment_id)
    .where(postings.c.account == bindparam("account"))
    .order_by(transfers.c.created_at.desc(), transfers.c.id.desc())
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spend:
    """What was taken from a wallet, under the merchant's own reference."""

    id: str
    owner_id: str
    reference: str
    amount: int
    currency: str
    balance_after: int
    created_at: datetime

    @property
    def money(self) -> Money:
        """What was taken."""
        return Money(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of a wallet; `change` is negative where money went out."""

    id: str
    kind: str
    change: Money
    payment_id: str | None
    tx_ref: str | None
    reference: str | None
    created_at: datetime


def add(tx: Connection, spend: Spend) -> bool:
    """Note a spend; False where its reference was used in this wallet already."""
    return tx.execute(_ADD[tx.dialect.name], asdict(spend)).rowcount == 1


def find(tx: Connection, owner_id: str, reference: str) -> Spend | None:
    """What was spent from this wallet under the reference, or None."""
    row = tx.execute(_FIND, {"owner_id": owner_id, "reference": reference}).first()
    return None if row is None else Spend(**row._mapping)


def entries(
    tx: Connection,
    account: str,
    *,
    created_after: datetime | None,
    created_before: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Entry]:
    """The movements of one wallet, newest first, one more than `limit` where there are more."""
    query = _ENTRIES
    span = (created_after, created_before)
    query = window(query, transfers.c.created_at, transfers.c.id, span, after)
    rows = tx.execute(query.limit(limit + 1), {"account": account})
    return [
        # A credit is money that we owe to the wallet's owner.
        Entry(row.id, row.kind, Money(-row.amount, row.currency), row.payment_id, row.tx_ref,
              row.reference, row.created_at)
        for row in rows
    ]  # fmt: skip
