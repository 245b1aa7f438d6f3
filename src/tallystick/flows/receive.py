"""Receive: a notice comes in. Check who sent it, write it down, say thanks; settle afterwards."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain import schedule
from tallystick.domain.errors import HubError, NotFound
from tallystick.domain.evidence import Credit
from tallystick.domain.ids import new_id
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.settle import settle
from tallystick.gateways.base import Answer, Gateway, Notice, RawNotice, Standing
from tallystick.store import attempts, inbox, snapshots
from tallystick.store.inbox import KeptNotice

HELD_FOR: Final = timedelta(seconds=20)
BATCH: Final = 64
_KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})

log = structlog.get_logger()


async def receive(hub: Hub, name: str, raw: RawNotice) -> Answer:
    """Take in one notice; when this returns it is durable, and the gateway may be told so.

    Raises NotFound (no such gateway), NoticeNotAuthentic (nothing is kept), Invalid.
    """
    gateway = hub.gateways.get(name)
    if gateway is None:
        raise NotFound("There is no such gateway here.")
    notice = gateway.read_notice(raw)
    row = inbox.row(
        new_id("ntc", raw.received_at),
        gateway=name,
        account=gateway.account,
        event_id=notice.event_id,
        refs=notice.refs,
        claim=notice.claim,
        credits_=notice.credits,
        memo=notice.memo[:500],
        headers={k: v for k, v in raw.headers.items() if k in _KEPT_HEADERS},
        query=raw.query,
        body=raw.body,
        now=raw.received_at,
    )
    await hub.database.write_each(inbox.keep_each, row)
    if gateway.capabilities.hears_outcome:
        return gateway.acknowledge(notice, await _outcome(hub, gateway, notice))
    hub.bell.ring()
    return gateway.acknowledge(notice)


async def _outcome(hub: Hub, gateway: Gateway, notice: Notice) -> Standing | None:
    """Settle for one notice at once, because its sender wants to hear what came of it."""
    name, account = gateway.name, gateway.account

    def find(tx: Connection) -> tuple[KeptNotice | None, set[str]]:
        named = attempts.named(tx, name, account, notice.refs)
        kept = inbox.by_event(tx, name, account, notice.event_id)
        return kept, {attempt.payment_id for attempt in named}

    kept, about = await hub.database.read(find)
    if kept is None or len(about) != 1:
        hub.bell.ring()
        return None
    payment_id = about.pop()
    await _settle_for(hub, payment_id, [kept])
    snapshot = await hub.database.read(lambda tx: snapshots.find(tx, payment_id))
    return None if snapshot is None else standing_of(snapshot, hub.now(), notice.credits)


def standing_of(snapshot: Snapshot, now: datetime, told: Sequence[Credit] = ()) -> Standing:
    """How an offer stands, for a gateway that asks."""
    open_ = snapshot.phase in {Phase.OPEN, Phase.PROCESSING} and now < snapshot.expires_at
    return Standing(
        our_ref="" if snapshot.attempt is None else snapshot.attempt.our_ref,
        due=snapshot.due,
        description=snapshot.description,
        payable=open_,
        paid=snapshot.phase is Phase.PAID,
        agrees=all(credit.money == snapshot.due for credit in told),
    )


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Notices by the payment they are about, and those that nobody owns yet."""

    owned: dict[str, list[KeptNotice]]
    orphans: list[KeptNotice]


async def handle_inbox(hub: Hub) -> int:
    """Settle every payment that a due notice is about; how many notices were taken up."""
    now = hub.now()
    sorted_ = await hub.database.write(lambda tx: _take(tx, now))
    await asyncio.gather(
        *(_settle_for(hub, payment_id, notices) for payment_id, notices in sorted_.owned.items())
    )
    if sorted_.orphans:
        await hub.database.write(lambda tx: _keep_orphans(tx, hub, sorted_.orphans))
    return len(sorted_.orphans) + sum(map(len, sorted_.owned.values()))


def _take(tx: Connection, now: datetime) -> _Sorted:
    owned: dict[str, list[KeptNotice]] = {}
    orphans: list[KeptNotice] = []
    for notice in inbox.take_due(tx, now, now + HELD_FOR, BATCH):
        named = attempts.named(tx, notice.gateway, notice.account, notice.refs)
        about = {attempt.payment_id for attempt in named}
        if len(about) == 1:
            owned.setdefault(about.pop(), []).append(notice)
        else:
            orphans.append(notice)
    return _Sorted(owned, orphans)


async def _settle_for(hub: Hub, payment_id: str, notices: Sequence[KeptNotice]) -> None:
    """An error leaves the notices due again; the gateway has long been told that we have them."""
    newest = max(notice.received_at for notice in notices)
    try:
        await settle(hub, payment_id, fresh_since=newest, notices=notices)
        why = "The gateway could not be asked."
    except HubError as error:
        why = error.detail
    except Exception as error:
        log.exception("notice_failed", payment=payment_id)
        why = type(error).__name__
    await hub.database.write(lambda tx: _again(tx, hub, notices, why))


def _again(tx: Connection, hub: Hub, notices: Sequence[KeptNotice], why: str) -> None:
    """Only touches those that the settling transaction did not close."""
    now = hub.now()
    for notice in notices:
        over = now - notice.received_at > schedule.RETRY_WINDOW
        due = None if over else schedule.retry_at(notice.tries, now, hub.luck())
        inbox.later(tx, notice.id, due, why)


def _keep_orphans(tx: Connection, hub: Hub, orphans: Sequence[KeptNotice]) -> None:
    """No offer of ours has this name yet: try again for 30 days, then leave it to a person."""
    now = hub.now()
    for notice in orphans:
        over = now - notice.received_at > inbox.KEPT_FOR
        due = None if over else schedule.retry_at(notice.tries, now, hub.luck())
        inbox.later(tx, notice.id, due, "No payment of ours has this reference.")
