"""The books: receipts of money, and balanced transfers between accounts. Append-only."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.credit import Credit
from tallystick.domain.errors import InsufficientFunds
from tallystick.domain.ids import new_id
from tallystick.domain.ledger import Posting, Transfer, is_guarded
from tallystick.domain.money import Money
from tallystick.store.schema.core import balances as kept
from tallystick.store.schema.core import postings, receipts, transfers

_RECEIVE = {
    "sqlite": sqlite_insert(receipts).on_conflict_do_nothing(),
    "postgresql": pg_insert(receipts).on_conflict_do_nothing(),
}
_POST = {
    "sqlite": sqlite_insert(transfers).on_conflict_do_nothing(),
    "postgresql": pg_insert(transfers).on_conflict_do_nothing(),
}
_HEADS = insert(transfers)
_LINES = insert(postings)
_OWNER = select(receipts.c.payment_id).where(
    receipts.c.gateway == bindparam("gateway"),
    receipts.c.account == bindparam("account"),
    receipts.c.transaction_id == bindparam("transaction_id"),
)
_RECEIVED = select(
    receipts.c.payment_id, receipts.c.gateway, receipts.c.account, receipts.c.transaction_id,
    receipts.c.amount, receipts.c.currency, receipts.c.at,
).where(receipts.c.payment_id.in_(bindparam("payment_ids", expanding=True)))  # fmt: skip
_sqlite_gain, _pg_gain = sqlite_insert(kept), pg_insert(kept)
_GAIN = {
    "sqlite": _sqlite_gain.on_conflict_do_update(
        index_elements=["account", "currency"],
        set_={"amount": kept.c.amount + _sqlite_gain.excluded.amount},
    ),
    "postgresql": _pg_gain.on_conflict_do_update(
        index_elements=["account", "currency"],
        set_={"amount": kept.c.amount + _pg_gain.excluded.amount},
    ),
}
_LOSE = (
    update(kept)
    .where(
        kept.c.account == bindparam("of_account"),
        kept.c.currency == bindparam("of_currency"),
        kept.c.amount >= bindparam("taken"),
    )
    .values(amount=kept.c.amount - bindparam("taken", type_=kept.c.amount.type))
)
_POSTED = (
    select(postings.c.account, postings.c.amount, postings.c.currency)
    .join(transfers, transfers.c.id == postings.c.transfer_id)
    .where(transfers.c.kind == bindparam("kind"), transfers.c.subject == bindparam("subject"))
    .order_by(postings.c.line)
)
_STANDING = (
    select(func.coalesce(func.sum(postings.c.amount), 0))
    .join(transfers, transfers.c.id == postings.c.transfer_id)
    .where(
        transfers.c.payment_id == bindparam("payment_id"),
        postings.c.account == bindparam("account"),
        postings.c.currency == bindparam("currency"),
    )
)
_KEPT = select(kept.c.currency, kept.c.amount).where(kept.c.account == bindparam("account"))
_BALANCES = select(
    postings.c.account, postings.c.currency, func.sum(postings.c.amount).label("balance")
).group_by(postings.c.account, postings.c.currency)  # fmt: skip


def owners(tx: Connection, credits_: Iterable[Credit]) -> set[str]:
    """The payments that these credits belong to already."""
    found = set()
    for credit in credits_:
        gateway, account, transaction_id = credit.name
        values = {"gateway": gateway, "account": account, "transaction_id": transaction_id}
        owner = tx.execute(_OWNER, values).scalar()
        if owner is not None:
            found.add(owner)
    return found


def receive(
    tx: Connection,
    payment_id: str,
    attempt_id: str | None,
    credit: Credit,
    evidence_key: str,
    now: datetime,
) -> str | None:
    """Write the receipt of one credit; its id, or None where it was received before."""
    receipt_id = new_id("rcp", now)
    values = {
        "id": receipt_id,
        "payment_id": payment_id,
        "attempt_id": attempt_id,
        "gateway": credit.gateway,
        "account": credit.account,
        "transaction_id": credit.transaction_id,
        "amount": credit.minor,
        "currency": credit.currency,
        "at": credit.at,
        "evidence_key": evidence_key,
        "created_at": now,
    }
    added = tx.execute(_RECEIVE[tx.dialect.name], values).rowcount == 1
    return receipt_id if added else None


def receipts_of(tx: Connection, payment_ids: Sequence[str]) -> dict[str, list[Credit]]:
    """The credits that each of the payments received; those without any are left out."""
    found: dict[str, list[Credit]] = {}
    for row in tx.execute(_RECEIVED, {"payment_ids": list(payment_ids)}):
        credit = Credit(
            row.gateway, row.account, row.transaction_id, row.amount, row.currency, row.at
        )
        found.setdefault(row.payment_id, []).append(credit)
    return found


def post(tx: Connection, transfer: Transfer, now: datetime) -> bool:
    """Write a transfer with its postings; False where its kind and subject are posted already.

    Raises InsufficientFunds where a wallet or gift card would go below zero.
    """
    transfer_id = new_id("trf", now)
    head = {
        "id": transfer_id,
        "kind": transfer.kind,
        "subject": transfer.subject,
        "payment_id": transfer.payment_id,
        "created_at": now,
    }
    if tx.execute(_POST[tx.dialect.name], head).rowcount != 1:
        return False
    lines = [
        {
            "transfer_id": transfer_id,
            "line": line,
            "account": posting.account,
            "amount": posting.amount.minor,
            "currency": posting.amount.currency,
        }
        for line, posting in enumerate(transfer.postings)
    ]
    tx.execute(_LINES, lines)
    # Always in the same order, so that two transfers never wait for each other.
    for posting in sorted(transfer.postings, key=lambda one: one.account):
        if is_guarded(posting.account):
            _move_balance(tx, posting)
    return True


def post_new(tx: Connection, new: Sequence[Transfer], now: datetime) -> None:
    """Write many transfers that are certainly new, and touch no guarded account, in one go."""
    heads = [
        {"id": new_id("trf", now), "kind": one.kind, "subject": one.subject,
         "payment_id": one.payment_id, "created_at": now}
        for one in new
    ]  # fmt: skip
    lines = [
        {"transfer_id": head["id"], "line": line, "account": posting.account,
         "amount": posting.amount.minor, "currency": posting.amount.currency}
        for head, one in zip(heads, new, strict=True)
        for line, posting in enumerate(one.postings)
    ]  # fmt: skip
    if heads:
        tx.execute(_HEADS, heads)
        tx.execute(_LINES, lines)


def postings_of(tx: Connection, kind: str, subject: str) -> tuple[Posting, ...]:
    """The postings of one transfer; none where it was never made."""
    rows = tx.execute(_POSTED, {"kind": kind, "subject": subject})
    return tuple(Posting(row.account, Money(row.amount, row.currency)) for row in rows)


def standing(tx: Connection, payment_id: str, account: str, currency: str) -> int:
    """What one payment has put on an account and not taken off it; debits are positive."""
    values = {"payment_id": payment_id, "account": account, "currency": currency}
    return int(tx.execute(_STANDING, values).scalar_one())


def _move_balance(tx: Connection, posting: Posting) -> None:
    """A credit is money that we owe: the balance grows. It is taken only where it is there."""
    owed = Money(-posting.amount.minor, posting.amount.currency)
    if owed.minor > 0:
        row = {"account": posting.account, "currency": owed.currency, "amount": owed.minor}
        tx.execute(_GAIN[tx.dialect.name], row)
        return
    taken = {"of_account": posting.account, "of_currency": owed.currency, "taken": -owed.minor}
    if tx.execute(_LOSE, taken).rowcount != 1:
        raise InsufficientFunds(f"There is less than {posting.amount} left.")


def balance(tx: Connection, account: str) -> dict[str, int]:
    """What is left on a wallet or gift card, per currency in minor units."""
    return {row.currency: row.amount for row in tx.execute(_KEPT, {"account": account})}


def balances(tx: Connection) -> dict[tuple[str, str], int]:
    """The balance of every account per currency, summed from its postings."""
    return {(row.account, row.currency): int(row.balance) for row in tx.execute(_BALANCES)}
