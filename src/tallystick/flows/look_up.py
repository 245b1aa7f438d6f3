"""Look up: payments and links by the names that callers have for them, and pages of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.ids import is_id
from tallystick.domain.sealing import fingerprint
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.store import credentials, links, payments, snapshots
from tallystick.store.places import Place

Span = tuple[datetime | None, datetime | None]
LONGEST_NAME = 40


async def payment(hub: Hub, payment_id: str) -> Snapshot | None:
    """The payment with this id, or None, also for what can be no id."""
    if not is_id("pay", payment_id):
        return None
    return await hub.database.read(lambda tx: snapshots.find(tx, payment_id))


async def payments_page(
    hub: Hub, filters: Mapping[str, str | None], span: Span, after: Place | None, limit: int
) -> list[Snapshot]:
    """Payments, newest first, one more than `limit` where there are more."""

    def read(tx: Connection) -> list[Snapshot]:
        ids = payments.page(
            tx, filters=filters, created_after=span[0], created_before=span[1], after=after,
            limit=limit,
        )  # fmt: skip
        return _shown(tx, ids)

    return await hub.database.read(read)


async def payments_named(hub: Hub, name: str) -> list[Snapshot]:
    """The payments with this id or reference of the merchant's."""

    def read(tx: Connection) -> list[Snapshot]:
        ids = dict.fromkeys((name, payments.by_reference(tx, name)))
        return _shown(tx, [one for one in ids if one])

    return await hub.database.read(read)


async def link(hub: Hub, name: str) -> Snapshot | None:
    """The payment behind a link, by the link's id or short code, or None."""
    if len(name) > LONGEST_NAME:
        return None

    def read(tx: Connection) -> Snapshot | None:
        by_id = is_id("plink", name)
        known = links.find(tx, name) if by_id else links.by_short_code(tx, name.upper())
        return None if known is None else snapshots.find(tx, known.payment_id)

    return await hub.database.read(read)


async def links_page(
    hub: Hub, phases: Sequence[str], span: Span, after: Place | None, limit: int
) -> list[Snapshot]:
    """The payments behind links, newest first, one more than `limit` where there are more."""

    def read(tx: Connection) -> list[Snapshot]:
        ids = links.page(
            tx, phases=phases, created_after=span[0], created_before=span[1], after=after,
            limit=limit,
        )  # fmt: skip
        return _shown(tx, ids)

    return await hub.database.read(read)


async def opened_by(hub: Hub, tokens: Sequence[str]) -> frozenset[str]:
    """The payments that these client tokens open."""
    if not tokens:
        return frozenset()
    hashes = [fingerprint(token) for token in tokens]
    found = await hub.database.read(
        lambda tx: [credentials.payment_of_token(tx, one) for one in hashes]
    )
    return frozenset(one for one in found if one is not None)


def _shown(tx: Connection, ids: Sequence[str]) -> list[Snapshot]:
    return [known for one in ids if (known := snapshots.find(tx, one)) is not None]
