"""The smallest things that a test can write: rows with a name, and notices."""

from __future__ import annotations

from tallystick.domain.evidence import Claim
from tallystick.store import idempotency, inbox
from tests.store.rows import NOW, run


def key(tx, name, size=1):
    """Write one row; the answer is its name."""
    idempotency.claim(
        tx, "test", name, fingerprint="f" * size, payment_id=None, held_until=NOW, now=NOW
    )
    return name


def each(tx, names):
    """The same for a batch. "bad" breaks a rule of the database."""
    for name in names:
        key(tx, name)
        if name == "bad":
            run(tx, "INSERT INTO schedules (name) VALUES ('no next run')")
    return list(names)


async def kept(database):
    """The names that are written down."""
    return await database.read(
        lambda tx: set(tx.exec_driver_sql("SELECT key FROM idempotency").scalars())
    )


def notice(event, name):
    """A notice's row."""
    return inbox.row(
        name, gateway="till", account="main", event_id=event, refs=[], claim=Claim.PENDING,
        credits_=[], now=NOW,
    )  # fmt: skip
