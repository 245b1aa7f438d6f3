"""API keys and client tokens: only their hashes are kept."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from tallystick.store.schema.core import api_keys, client_tokens

_ADD_KEY = insert(api_keys)
_FIND_KEY = select(
    api_keys.c.id, api_keys.c.secret_hash, api_keys.c.role, api_keys.c.revoked_at
).where(api_keys.c.lookup == bindparam("lookup"))
_COUNT_KEYS = select(func.count()).where(api_keys.c.revoked_at.is_(None))
_REVOKE = (
    update(api_keys).where(api_keys.c.id == bindparam("of_id")).values(revoked_at=bindparam("now"))
)
_LIST = select(
    api_keys.c.id, api_keys.c.lookup, api_keys.c.role, api_keys.c.label, api_keys.c.created_at,
    api_keys.c.revoked_at,
).order_by(api_keys.c.created_at)  # fmt: skip
_ADD_TOKEN = insert(client_tokens)
_FIND_TOKEN = select(client_tokens.c.payment_id).where(
    client_tokens.c.token_hash == bindparam("token_hash")
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A stored key: enough to compare a secret with, never the secret."""

    id: str
    secret_hash: str
    role: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyListing:
    """A key as it is shown to its owner."""

    id: str
    lookup: str
    role: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is about to be kept."""

    id: str
    lookup: str
    secret_hash: str
    role: str
    label: str
    created_at: datetime


def add_key(tx: Connection, key: NewKey) -> None:
    """Keep a new API key."""
    tx.execute(_ADD_KEY, asdict(key))


def find_key(tx: Connection, lookup: str) -> KeyRecord | None:
    """The key with this public part, or None."""
    row = tx.execute(_FIND_KEY, {"lookup": lookup}).first()
    return None if row is None else KeyRecord(**row._mapping)


def count_keys(tx: Connection) -> int:
    """How many keys are in force."""
    return int(tx.execute(_COUNT_KEYS).scalar_one())


def keys(tx: Connection) -> list[KeyListing]:
    """All keys, the oldest first."""
    return [KeyListing(**row._mapping) for row in tx.execute(_LIST)]


def revoke_key(tx: Connection, key_id: str, now: datetime) -> bool:
    """End a key; False where there is none with this id."""
    return tx.execute(_REVOKE, {"of_id": key_id, "now": now}).rowcount == 1


def add_token(tx: Connection, token_hash: str, payment_id: str, now: datetime) -> None:
    """Keep the hash of a client token."""
    values = {"token_hash": token_hash, "payment_id": payment_id, "created_at": now}
    tx.execute(_ADD_TOKEN, values)


def payment_of_token(tx: Connection, token_hash: str) -> str | None:
    """The payment that a client token opens, or None."""
    return tx.execute(_FIND_TOKEN, {"token_hash": token_hash}).scalar()
