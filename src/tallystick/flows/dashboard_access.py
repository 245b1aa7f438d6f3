"""Entering the dashboard: a link that works once becomes a session, which ends when it idles."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import DatabaseUnavailable, Invalid, Unauthenticated
from tallystick.domain.ids import capability, made_at, new_id
from tallystick.domain.sealing import fingerprint
from tallystick.flows.hub import Hub
from tallystick.flows.keys import ROLES
from tallystick.store import dashboard_sessions
from tallystick.store.dashboard_sessions import Session

LINK_LIFE: Final = timedelta(hours=1)
SESSION_LIFE: Final = timedelta(hours=12)
"""A session ends after so long, however busy it is."""
IDLE_LIFE: Final = timedelta(minutes=30)
"""A session that is not used for so long is over."""
_RENEWED_EVERY: Final = timedelta(minutes=1)
LINK: Final = "tdl_"
SESSION: Final = "tds_"


async def invite(hub: Hub, role: str, life: timedelta = LINK_LIFE) -> tuple[str, datetime]:
    """A token that opens the dashboard once, and when it stops to. Raises Invalid."""
    if role not in ROLES:
        raise Invalid(f"A role is one of {', '.join(ROLES)}.", (("role", "unknown"),))
    token, until = capability(LINK), hub.clock.real_now() + life
    await hub.database.write(
        lambda tx: dashboard_sessions.add_link(tx, fingerprint(token), role, until)
    )
    return token, until


async def enter(hub: Hub, token: str) -> str:
    """Use a link up; the token of the session that it begins. Raises Unauthenticated."""
    key, now = capability(SESSION), hub.clock.real_now()

    # Whoever guesses makes nobody wait for the writer.
    if not await hub.database.read(
        lambda tx: dashboard_sessions.opens(tx, fingerprint(token), now)
    ):
        raise _over()

    def body(tx: Connection) -> None:
        role = dashboard_sessions.use_link(tx, fingerprint(token), now)
        if role is None:
            raise _over()
        begun = Session(new_id("key", now), role, now + IDLE_LIFE)
        dashboard_sessions.begin(tx, begun, fingerprint(key))

    await hub.database.write(body)
    return key


def _over() -> Unauthenticated:
    return Unauthenticated(
        "This link was used before or is too old. Get a new one: `tallystick dashboard`, "
        "or POST /api/dashboard-links with an admin key."
    )


async def session(hub: Hub, key: str) -> Session | None:
    """Whose session this is, or None where it is over or unknown. It is used, so it lasts on."""
    now, name = hub.clock.real_now(), fingerprint(key)
    found = await hub.database.read(lambda tx: dashboard_sessions.session(tx, name, now))
    if found is None:
        return None
    until = min(now + IDLE_LIFE, made_at(found.id) + SESSION_LIFE)
    # Written once a minute, and not for each picture of a page.
    if until - found.expires_at >= _RENEWED_EVERY:
        # Who looks at a hub that cannot write needs its dashboard more than ever.
        with suppress(DatabaseUnavailable):
            await hub.database.write(lambda tx: dashboard_sessions.renew(tx, name, until))
    return found


async def leave(hub: Hub, key: str) -> None:
    """End a session now."""
    now = hub.clock.real_now()
    await hub.database.write(lambda tx: dashboard_sessions.end(tx, fingerprint(key), now))
