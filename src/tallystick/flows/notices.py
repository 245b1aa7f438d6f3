"""Notices: what came from gateways, shown to an operator, and read again when he asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, Invalid, NotFound
from tallystick.flows.hub import Hub
from tallystick.flows.raw_bytes import opened_notice
from tallystick.flows.receive import read, rests
from tallystick.gateways.base import RawNotice
from tallystick.store import notices, raw_bytes
from tallystick.store.notices import STATES, Listed, Reading
from tallystick.store.raw_bytes import Kept

__all__ = ["STATES", "Listed"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice, whether its bytes are still here, and the bytes for those who may see them."""

    notice: Listed
    kept: bool
    raw: RawNotice | None = None


async def listing(
    hub: Hub,
    *,
    filters: Mapping[str, str],
    span: tuple[datetime | None, datetime | None],
    after: str | None,
    limit: int,
) -> Sequence[Listed]:
    """A page of notices, newest first; one more than `limit` where there are more."""
    return await hub.database.read(
        lambda tx: notices.page(tx, filters=filters, span=span, after=after, limit=limit)
    )


async def show(hub: Hub, notice_id: str, *, raw: bool = False) -> Shown:
    """One notice; with `raw`, as it came. Raises NotFound, Conflict (another secret key)."""
    notice, kept = await hub.database.read(lambda tx: _find(tx, notice_id))
    if not raw or kept is None:
        return Shown(notice, kept is not None)
    return Shown(notice, kept=True, raw=_opened(hub, kept, notice))


async def retry(hub: Hub, notice_id: str) -> Shown:
    """Read the kept bytes by today's understanding, and take the notice up now.

    Who sent it was proven when it came; signatures are not checked again. Raises NotFound,
    Conflict where there is nothing to do, GatewayNotOffered. Safe to repeat.
    """
    notice, kept = await hub.database.read(lambda tx: _find(tx, notice_id))
    if notice.handled_at is not None:
        raise Conflict("This notice has been handled; there is nothing to retry.")
    if kept is None and notice.trouble == "unreadable":
        raise Conflict("The bytes of this notice are gone, so it cannot be read again.")
    reading = None if kept is None else await _read(hub, _opened(hub, kept, notice), notice.gateway)
    now = hub.now()

    def body(tx: Connection) -> Listed:
        if reading is None:
            notices.again(tx, notice_id, now)
        else:
            notices.read_again(tx, notice_id, reading, now)
        return _find(tx, notice_id)[0]

    after = await hub.database.write(body)
    hub.work_signal.ring()
    return Shown(after, kept is not None)


async def _read(hub: Hub, raw: RawNotice, name: str) -> Reading:
    gateway = hub.gateway(name)
    notice = await read(hub, gateway, raw)
    return Reading(
        refs=notice.refs,
        claim=notice.claim,
        credits=notice.credits,
        memo=notice.memo[:500],
        unreadable=notice.unreadable,
        over=notice.about_nothing,
        rests=rests(gateway, notice),
    )


def _find(tx: Connection, notice_id: str) -> tuple[Listed, Kept | None]:
    found = notices.find(tx, notice_id)
    if found is None:
        raise NotFound("There is no notice with this id.")
    return found, raw_bytes.find(tx, notice_id)


def _opened(hub: Hub, kept: Kept, notice: Listed) -> RawNotice:
    try:
        return opened_notice(hub, kept, notice.received_at)
    except Invalid as error:
        raise Conflict(error.detail) from error
