"""API keys: made once, shown once, kept as a hash."""

import secrets
from typing import Final

from tallystick.domain.errors import Invalid
from tallystick.domain.ids import CROCKFORD, new_id
from tallystick.domain.sealing import fingerprint, same
from tallystick.flows.hub import Hub
from tallystick.store import credentials
from tallystick.store.credentials import KeyRecord, NewKey

PREFIX: Final = "tsk_"
ROLES: Final = ("admin", "operator", "reader")
_LOOKUP: Final = 10


async def create_key(hub: Hub, role: str, label: str = "") -> str:
    """A new secret key, returned in full for the only time. Raises Invalid for an unknown role."""
    if role not in ROLES:
        raise Invalid(f"A role is one of {', '.join(ROLES)}.")
    lookup = "".join(secrets.choice(CROCKFORD) for _ in range(_LOOKUP))
    key = f"{PREFIX}{lookup}_{secrets.token_urlsafe(32)}"
    now = hub.now()
    record = NewKey(
        id=new_id("key", now),
        lookup=lookup,
        secret_hash=fingerprint(key),
        role=role,
        label=label,
        created_at=now,
    )
    await hub.database.write(lambda tx: credentials.add_key(tx, record))
    return key


async def recognise(hub: Hub, key: str) -> KeyRecord | None:
    """The record of a key that is in force, or None."""
    lookup = key.removeprefix(PREFIX).partition("_")[0]
    known = await hub.database.read(lambda tx: credentials.find_key(tx, lookup))
    if known is None or known.revoked_at is not None:
        return None
    return known if same(known.secret_hash, fingerprint(key)) else None
