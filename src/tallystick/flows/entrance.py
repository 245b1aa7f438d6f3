"""Entering the dashboard: a link that works once becomes a session of half a day."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Invalid, Unauthenticated
from tallystick.domain.ids import capability, new_id
from tallystick.domain.sealing import fingerprint
from tallystick.flows.hub import Hub
from tallystick.flows.keys import ROLES
from tallystick.store import entrance
from tallystick.store.entrance import Session

LINK_LIFE: Final = timedelta(hours=1)
SESSION_LIFE: Final = timedelta(hours=12)
LINK: Final = "tdl_"
SESSION: Final = "tds_"


async def invite(hub: Hub, role: str, life: timedelta = LINK_LIFE) -> tuple[str, datetime]:
    """A token that opens the dashboard once, and when it stops to. Raises Invalid."""
    if role not in ROLES:
        raise Invalid(f"A role is one of {', '.join(ROLES)}.", (("role", "unknown"),))
    token, until = capability(LINK), hub.clock.real_now() + life
    await hub.database.write(lambda tx: entrance.add_link(tx, fingerprint(token), role, until))
    return token, until


async def enter(hub: Hub, token: str) -> str:
    """Use a link up; the token of the session that it begins. Raises Unauthenticated."""
    key, now = capability(SESSION), hub.clock.real_now()

    # Whoever guesses makes nobody wait for the writer.
    if not await hub.database.read(lambda tx: entrance.opens(tx, fingerprint(token), now)):
        raise _over()

    def body(tx: Connection) -> None:
        role = entrance.use_link(tx, fingerprint(token), now)
        if role is None:
            raise _over()
        begun = Session(new_id("key", now), role)
        entrance.begin(tx, begun, fingerprint(key), now + SESSION_LIFE)

    await hub.database.write(body)
    return key


def _over() -> Unauthenticated:
    return Unauthenticated(
        "This link was used before or is too old. Get a new one: `tallystick dashboard`, "
        "or POST /api/dashboard-links with an admin key."
    )


async def session(hub: Hub, key: str) -> Session | None:
    """Whose session this is, or None where it is over or unknown."""
    now = hub.clock.real_now()
    return await hub.database.read(lambda tx: entrance.session(tx, fingerprint(key), now))


async def leave(hub: Hub, key: str) -> None:
    """End a session now."""
    now = hub.clock.real_now()
    await hub.database.write(lambda tx: entrance.end(tx, fingerprint(key), now))
