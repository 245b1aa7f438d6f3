"""Evidence: appended once, read back in full, never changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.ids import new_id
from tallystick.domain.raw_bytes import Raw
from tallystick.store import raw_bytes
from tallystick.store.columns import AnyRow
from tallystick.store.documents import credit, credit_document
from tallystick.store.schema.core import evidence

_APPEND = {
    "sqlite": sqlite_insert(evidence).on_conflict_do_nothing(),
    "postgresql": pg_insert(evidence).on_conflict_do_nothing(),
}
_ALL = select(
    evidence.c.payment_id, evidence.c.attempt_id, evidence.c.source, evidence.c.trust,
    evidence.c.claim, evidence.c.credits, evidence.c.counts, evidence.c.conflict, evidence.c.note,
    evidence.c.observed_at,
).order_by(evidence.c.observed_at, evidence.c.key)  # fmt: skip
_OF_PAYMENT = _ALL.where(evidence.c.payment_id == bindparam("payment_id"))
_OF_PAYMENTS = _ALL.where(evidence.c.payment_id.in_(bindparam("payment_ids", expanding=True)))


def append(tx: Connection, payment_id: str, item: Evidence, raw: Raw | None, now: datetime) -> bool:
    """Keep one piece of evidence, and apart from it the bytes that it was read from.

    False where it is known already.
    """
    evidence_id = new_id("evd", now)
    values = {
        "id": evidence_id,
        "payment_id": payment_id,
        "attempt_id": item.attempt_id,
        "key": item.key,
        "source": item.source,
        "trust": int(item.trust),
        "claim": item.claim,
        "credits": [credit_document(one) for one in item.credits],
        "counts": item.counts,
        "conflict": item.conflict,
        "note": item.note,
        "observed_at": item.observed_at,
        "digest": None if raw is None else raw.digest,
    }
    if tx.execute(_APPEND[tx.dialect.name], values).rowcount != 1:
        return False
    if raw is not None:
        raw_bytes.keep(tx, evidence_id, raw, now)
    return True


def of_payment(tx: Connection, payment_id: str) -> list[Evidence]:
    """All evidence of a payment, in the order in which it was observed."""
    return [_evidence(row) for row in tx.execute(_OF_PAYMENT, {"payment_id": payment_id})]


def of_payments(tx: Connection, payment_ids: Sequence[str]) -> dict[str, list[Evidence]]:
    """The same for several payments in one go; those without evidence are left out."""
    found: dict[str, list[Evidence]] = {}
    for row in tx.execute(_OF_PAYMENTS, {"payment_ids": list(payment_ids)}):
        found.setdefault(row.payment_id, []).append(_evidence(row))
    return found


def _evidence(row: AnyRow) -> Evidence:
    return Evidence(
        source=Source(row.source),
        trust=Trust(row.trust),
        claim=Claim(row.claim),
        observed_at=row.observed_at,
        attempt_id=row.attempt_id,
        credits=tuple(credit(document) for document in row.credits),
        counts=row.counts,
        conflict=row.conflict,
        note=row.note,
    )
