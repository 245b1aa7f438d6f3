"""The dashboard's door: links that open it once, and sessions. Only hashes are kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from tallystick.store.schema.dashboard import dashboard_links, dashboard_sessions

_ADD_LINK = insert(dashboard_links)
_GOOD = (
    dashboard_links.c.token_hash == bindparam("hash"),
    dashboard_links.c.used_at.is_(None),
    dashboard_links.c.expires_at > bindparam("now"),
)
_OPENS = select(dashboard_links.c.role).where(*_GOOD)
_ROLE = select(dashboard_links.c.role).where(dashboard_links.c.token_hash == bindparam("hash"))
_USE = update(dashboard_links).where(*_GOOD).values(used_at=bindparam("now"))
_ADD_SESSION = insert(dashboard_sessions)
_SESSION = select(
    dashboard_sessions.c.id, dashboard_sessions.c.role, dashboard_sessions.c.expires_at
).where(
    dashboard_sessions.c.token_hash == bindparam("hash"),
    dashboard_sessions.c.ended_at.is_(None),
    dashboard_sessions.c.expires_at > bindparam("now"),
)
_END = (
    update(dashboard_sessions)
    .where(dashboard_sessions.c.token_hash == bindparam("hash"))
    .values(ended_at=bindparam("now"))
)
_RENEW = (
    update(dashboard_sessions)
    .where(
        dashboard_sessions.c.token_hash == bindparam("hash"),
        dashboard_sessions.c.ended_at.is_(None),
        dashboard_sessions.c.expires_at < bindparam("until"),
    )
    .values(expires_at=bindparam("until"))
)
_FORGET_LINKS = delete(dashboard_links).where(dashboard_links.c.expires_at < bindparam("before"))
_FORGET_SESSIONS = delete(dashboard_sessions).where(
    dashboard_sessions.c.expires_at < bindparam("before")
)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at the dashboard, what the role allows, and when it ends if nothing more comes."""

    id: str
    role: str
    expires_at: datetime


def add_link(tx: Connection, token_hash: str, role: str, expires_at: datetime) -> None:
    """Keep a link that opens the door once."""
    tx.execute(_ADD_LINK, {"token_hash": token_hash, "role": role, "expires_at": expires_at})


def opens(tx: Connection, token_hash: str, now: datetime) -> bool:
    """Whether there is such a link that can still be used."""
    return tx.execute(_OPENS, {"hash": token_hash, "now": now}).first() is not None


def use_link(tx: Connection, token_hash: str, now: datetime) -> str | None:
    """The role that the link gives, for the only time; None where it is used, over or unknown."""
    if tx.execute(_USE, {"hash": token_hash, "now": now}).rowcount != 1:
        return None
    return tx.execute(_ROLE, {"hash": token_hash}).scalar()


def begin(tx: Connection, session: Session, token_hash: str) -> None:
    """Keep a new session."""
    values = {"id": session.id, "token_hash": token_hash, "role": session.role,
              "expires_at": session.expires_at}  # fmt: skip
    tx.execute(_ADD_SESSION, values)


def session(tx: Connection, token_hash: str, now: datetime) -> Session | None:
    """The session of this token while it lasts."""
    row = tx.execute(_SESSION, {"hash": token_hash, "now": now}).first()
    return None if row is None else Session(row.id, row.role, row.expires_at)


def renew(tx: Connection, token_hash: str, until: datetime) -> None:
    """Let a session last longer; one that was ended meanwhile stays ended."""
    tx.execute(_RENEW, {"hash": token_hash, "until": until})


def end(tx: Connection, token_hash: str, now: datetime) -> None:
    """End a session before its time."""
    tx.execute(_END, {"hash": token_hash, "now": now})


def forget(tx: Connection, before: datetime) -> int:
    """Drop what has been over since before this time; how much there was."""
    return sum(
        tx.execute(statement, {"before": before}).rowcount
        for statement in (_FORGET_LINKS, _FORGET_SESSIONS)
    )
