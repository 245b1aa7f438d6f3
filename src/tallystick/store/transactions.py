"""Transactions: what a payment received, by which transfer, with which memo, and matched how."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, select

from tallystick.domain.evidence import Source
from tallystick.domain.memo import bare
from tallystick.domain.money import Money
from tallystick.domain.snapshot import MatchMethod, TransactionPart
from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import attempts, evidence, receipts
from tallystick.store.schema.credits import credits

_OF_PAYMENTS = (
    select(
        receipts.c.payment_id, receipts.c.transaction_id, receipts.c.gateway, receipts.c.amount,
        receipts.c.currency, receipts.c.at, credits.c.memo, credits.c.refs, evidence.c.source,
        attempts.c.our_ref, attempts.c.memo.label("code"),
    )
    .outerjoin(
        credits,
        and_(
            credits.c.gateway == receipts.c.gateway,
            credits.c.account == receipts.c.account,
            credits.c.transaction_id == receipts.c.transaction_id,
        ),
    )
    .outerjoin(
        evidence,
        and_(
            evidence.c.payment_id == receipts.c.payment_id,
            evidence.c.key == receipts.c.evidence_key,
        ),
    )
    .outerjoin(attempts, attempts.c.id == receipts.c.attempt_id)
    .where(receipts.c.payment_id.in_(bindparam("ids", expanding=True)))
    .order_by(receipts.c.created_at, receipts.c.id)
)  # fmt: skip


def of_payment(tx: Connection, payment_id: str) -> list[TransactionPart]:
    """All that this payment received, the first transfer first."""
    return of_payments(tx, [payment_id])[payment_id]


def of_payments(tx: Connection, ids: Sequence[str]) -> dict[str, list[TransactionPart]]:
    """The same for several payments in one go; nothing for those that received nothing."""
    found: dict[str, list[TransactionPart]] = {one: [] for one in ids}
    if ids:
        for row in tx.execute(_OF_PAYMENTS, {"ids": list(ids)}):
            found[row.payment_id].append(_transaction(row))
    return found


def _transaction(row: AnyRow) -> TransactionPart:
    memo = row.memo or ""
    return TransactionPart(
        row.transaction_id, row.gateway, Money(row.amount, row.currency), row.at, memo,
        _matched(row, memo),
    )  # fmt: skip


def _matched(row: AnyRow, memo: str) -> MatchMethod:
    if row.source == Source.OPERATOR:
        return MatchMethod.PERSON
    # Names that were read from what the payer wrote, not from a field of the gateway's own.
    read = {ref for ref in row.refs or () if ref in bare(memo)}
    return MatchMethod.MEMO if read & {row.our_ref, row.code} else MatchMethod.REFERENCE
