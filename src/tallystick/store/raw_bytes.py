"""Keeps raw bytes apart from the proof, for a time, and lets go of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from tallystick.domain.raw_bytes import Raw
from tallystick.store.schema.raw_bytes import raw_bytes

_COLUMNS = (raw_bytes.c.subject, raw_bytes.c.digest, raw_bytes.c.content, raw_bytes.c.sealed)
_KEEP = insert(raw_bytes)
_FIND = select(*_COLUMNS).where(raw_bytes.c.subject == bindparam("subject"))
_PLAIN = (
    select(*_COLUMNS)
    .where(raw_bytes.c.sealed == 0)
    .order_by(raw_bytes.c.subject)
    .limit(bindparam("limit"))
)
_SEAL = (
    update(raw_bytes)
    .where(raw_bytes.c.subject == bindparam("of_subject"), raw_bytes.c.sealed == 0)
    .values(content=bindparam("of_content"), sealed=True)
)
_ERASE = delete(raw_bytes).where(raw_bytes.c.subject.in_(bindparam("subjects", expanding=True)))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for one subject. `content` is plain where it is not `sealed` yet."""

    subject: str
    digest: str
    content: bytes
    sealed: bool


def keep(tx: Connection, subject: str, raw: Raw, at: datetime) -> None:
    """Keep the bytes that a piece of the proof was read from, if there are any to keep."""
    if raw.sealed is not None:
        values = {"subject": subject, "digest": raw.digest, "content": raw.sealed, "sealed": True}
        tx.execute(_KEEP, {**values, "at": at})


def find(tx: Connection, subject: str) -> Kept | None:
    """The bytes of a subject, or None where they are gone."""
    row = tx.execute(_FIND, {"subject": subject}).first()
    return None if row is None else Kept(**row._mapping)


def plain(tx: Connection, limit: int) -> list[Kept]:
    """Some of those that are not sealed yet."""
    return [Kept(**row._mapping) for row in tx.execute(_PLAIN, {"limit": limit})]


def seal(tx: Connection, sealed: Sequence[tuple[str, bytes]]) -> None:
    """Put the sealed bytes in the place of the plain ones."""
    if sealed:
        tx.execute(_SEAL, [{"of_subject": name, "of_content": bytes_} for name, bytes_ in sealed])


def erase(tx: Connection, subjects: Sequence[str]) -> int:
    """Let go of the bytes of these subjects; how many had any."""
    return int(tx.execute(_ERASE, {"subjects": list(subjects)}).rowcount) if subjects else 0
