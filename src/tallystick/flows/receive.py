"""Receive: a notice comes in. Check who sent it, write it down, say thanks; settle afterwards."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain import schedule
from tallystick.domain.errors import HubError, Invalid
from tallystick.domain.evidence import Trust, counts
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.flows.inquiry import standing
from tallystick.flows.listen import is_read, keep_unowned, read_on
from tallystick.flows.raw_bytes import sealed_notice
from tallystick.flows.sender import recognised
from tallystick.flows.settle import settle
from tallystick.flows.unreadable import unreadable
from tallystick.gateways.base import Answer, Gateway, Notice, RawNotice, Standing
from tallystick.store import attempts, credits, inbox, questions, receipts
from tallystick.store.inbox import Delay, KeptNotice

HELD_FOR: Final = timedelta(seconds=20)
BATCH: Final = 64

log = structlog.get_logger()


async def receive(hub: Hub, name: str, raw: RawNotice) -> Answer:
    """Take in one notice; when this returns it is durable, and the gateway may be told so.

    Raises NotFound (no such gateway) and NoticeNotAuthentic; then nothing is kept. What is
    authentic is always kept, also where nobody here can read it.
    """
    gateway, notice = recognised(hub, name, raw)
    if notice.unreadable:
        notice = await _with_clues(hub, gateway, notice)
    row = inbox.row(
        new_id("ntc", raw.received_at),
        gateway=name,
        account=gateway.account,
        event_id=notice.event_id,
        refs=notice.refs,
        claim=notice.claim,
        credits_=notice.credits,
        raw=sealed_notice(hub, raw),
        memo="" if notice.about_nothing else notice.memo[:500],
        unreadable=notice.unreadable,
        over=notice.about_nothing,
        rests=rests(gateway, notice),
        now=raw.received_at,
    )
    await hub.database.write_each(inbox.keep_each, row)
    if gateway.capabilities.hears_outcome and not notice.unreadable:
        return gateway.acknowledge(notice, await _outcome(hub, gateway, notice))
    hub.work_signal.ring()
    return gateway.acknowledge(notice)


async def read(hub: Hub, gateway: Gateway, raw: RawNotice) -> Notice:
    """What a notice says; of one that makes no sense, which offers of ours its words may name.

    Raises NoticeNotAuthentic.
    """
    try:
        return gateway.read_notice(raw)
    except Invalid as error:
        return await _with_clues(hub, gateway, unreadable(raw, error.detail))


async def _with_clues(hub: Hub, gateway: Gateway, notice: Notice) -> Notice:
    """Of all words of an unreadable notice, those that name an offer of ours."""
    log.warning("notice_unreadable", gateway=gateway.name, why=notice.unreadable)
    name, account = gateway.name, gateway.account
    named = await hub.database.read(lambda tx: attempts.named(tx, name, account, notice.refs))
    ours = {ref for attempt in named for ref in (attempt.our_ref, attempt.provider_id)}
    # Nothing else of a text that nobody understands is kept in the clear.
    return replace(notice, refs=tuple(ref for ref in notice.refs if ref in ours))


def rests(gateway: Gateway, notice: Notice) -> bool:
    """Whether only a person can do something about it: nobody can be asked, or about nothing."""
    asked_about = gateway.capabilities.asks and notice.refs
    return bool(notice.unreadable) and not asked_about


async def _outcome(hub: Hub, gateway: Gateway, notice: Notice) -> Standing | None:
    """Settle for one notice at once, because its sender wants to hear what came of it."""
    name, account = gateway.name, gateway.account

    def find(tx: Connection) -> tuple[KeptNotice | None, set[str]]:
        named = attempts.named(tx, name, account, notice.refs)
        kept = inbox.by_event(tx, name, account, notice.event_id)
        return kept, {attempt.payment_id for attempt in named}

    kept, about = await hub.database.read(find)
    if kept is None or len(about) != 1:
        hub.work_signal.ring()
        return None
    payment_id = about.pop()
    delays = _delays(hub, [kept], await _settle_for(hub, payment_id, [kept]), schedule.RETRY_WINDOW)
    await hub.database.write(lambda tx: inbox.later(tx, delays))
    return await standing(hub, gateway, notice.refs, notice.credits)


@dataclass(frozen=True, slots=True)
class Sorted:
    """Notices by the payment they are about, those that nobody owns yet, and the unreadable.

    Of the unreadable, `asked` are the payments that one may be about.
    """

    owned: dict[str, list[KeptNotice]] = field(default_factory=dict)
    orphans: list[KeptNotice] = field(default_factory=list)
    unreadable: list[KeptNotice] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)


async def handle_inbox(hub: Hub) -> int:
    """Settle every payment that a due notice is about; how many notices were taken up."""
    now = hub.now()
    sorted_ = await hub.database.write(lambda tx: take_up(tx, now))
    owned, orphans = sorted_.owned, sorted_.orphans
    whys = await asyncio.gather(
        *(_settle_for(hub, payment_id, notices) for payment_id, notices in owned.items())
    )
    delays = [
        delay
        for notices, why in zip(owned.values(), whys, strict=True)
        for delay in _delays(hub, notices, why, schedule.RETRY_WINDOW)
    ]
    explained = await _explained(hub, orphans)
    unknown = [notice for notice in orphans if notice not in explained]
    # No offer of ours has this name yet: try again for 30 days, then leave it to a person.
    nobodys = _delays(hub, unknown, "No payment of ours has this reference.", inbox.KEPT_FOR)
    delays += [replace(delay, orphan=True) for delay in nobodys]

    def put_aside(tx: Connection) -> None:
        _keep_money(tx, hub, unknown)
        inbox.handled(tx, [notice.id for notice in explained], None, hub.now())
        inbox.later(tx, delays)

    if delays or explained:
        await hub.database.write(put_aside)
    return len(delays) + len(explained) + await _ask_about(hub, sorted_)


def _is_explained_by_account(gateway: Gateway) -> bool:
    """Whether all that its notices can tell of is money that the account shows."""
    return is_read(gateway) and not gateway.capabilities.asks_each


async def _explained(hub: Hub, orphans: Sequence[KeptNotice]) -> list[KeptNotice]:
    """Those that told of an account which was read since, and which shows their money.

    What the account does not show stays with the orphans: it may be entered late, or be a lie.
    """
    explained: list[KeptNotice] = []
    by_account: dict[tuple[str, str], list[KeptNotice]] = {}
    for notice in orphans:
        by_account.setdefault((notice.gateway, notice.account), []).append(notice)
    for (name, account), notices in by_account.items():
        gateway = hub.account(name, account)
        if gateway is None or not _is_explained_by_account(gateway):
            continue
        newest = max(notice.received_at for notice in notices)
        if await read_on(hub, gateway, newest) is not None:
            told = [one for notice in notices for one in notice.credits]
            known = await hub.database.read(partial(credits.named, items=told))
            explained += [
                notice for notice in notices if all(one.name in known for one in notice.credits)
            ]
    return explained


def _keep_money(tx: Connection, hub: Hub, notices: Sequence[KeptNotice]) -> None:
    """Keep the money that notices told of and that no payment claimed.

    It is booked where their word counts. Else it is what somebody told of, for a person to see who
    is patient for one try: an offer of ours may be just being made.
    """
    now = hub.now()
    for notice in notices:
        gateway = hub.account(notice.gateway, notice.account)
        if gateway is None or not notice.credits or _is_explained_by_account(gateway):
            continue
        told = [replace(one, memo=notice.memo, refs=notice.refs) for one in notice.credits]
        if counts(Trust.SIGNED, gateway.capabilities.verifies):
            keep_unowned(tx, gateway, told, now, notice_id=notice.id)
        elif notice.tries:
            credits.keep(tx, told, now, notice_id=notice.id)


async def _ask_about(hub: Hub, sorted_: Sorted) -> int:
    """Ask the gateway about whatever unreadable notices name; then they are left to a person."""
    if not sorted_.unreadable:
        return 0
    newest = max(notice.received_at for notice in sorted_.unreadable)
    await asyncio.gather(*(_settle_since(hub, one, newest) for one in sorted_.asked))
    ids = [notice.id for notice in sorted_.unreadable]
    await hub.database.write(lambda tx: inbox.rest(tx, ids))
    return len(ids)


def take_up(tx: Connection, now: datetime) -> Sorted:
    """Hold the due notices, and look up who owns them: their names at once for each account."""
    sorted_ = Sorted()
    by_account: dict[tuple[str, str], list[KeptNotice]] = {}
    for notice in inbox.take_due(tx, now, now + HELD_FOR, BATCH):
        by_account.setdefault((notice.gateway, notice.account), []).append(notice)
    for (gateway, account), notices in by_account.items():
        refs = {ref for notice in notices for ref in notice.refs}
        payments_of: dict[str | None, set[str]] = {}
        for attempt in attempts.named(tx, gateway, account, sorted(refs)):
            for name in (attempt.our_ref, attempt.provider_id):
                payments_of.setdefault(name, set()).add(attempt.payment_id)
        for notice in notices:
            about = set().union(*(payments_of.get(ref, ()) for ref in notice.refs))
            if notice.trouble == inbox.UNREADABLE:
                sorted_.unreadable.append(notice)
                sorted_.asked.update(about)
                continue
            # A notice of a refund may name nothing of ours but the transfer that goes back.
            about = about or receipts.payments_with(tx, gateway, account, notice.refs)
            if len(about) == 1:
                sorted_.owned.setdefault(about.pop(), []).append(notice)
            else:
                sorted_.orphans.append(notice)
    return sorted_


async def _settle_for(hub: Hub, payment_id: str, notices: Sequence[KeptNotice]) -> str:
    """Settle, and say why the notices may still be open afterwards.

    An error leaves them due again; the gateway has long been told that we have them.
    """
    newest = max(notice.received_at for notice in notices)
    return await _settle_since(hub, payment_id, newest, notices)


async def _settle_since(
    hub: Hub, payment_id: str, since: datetime, notices: Sequence[KeptNotice] = ()
) -> str:
    try:
        snapshot = await settle(hub, payment_id, fresh_since=since, notices=notices)
        asked = [hub.account(notice.gateway, notice.account) for notice in notices]
        can = any(one is not None and one.capabilities.asks for one in asked)
        if can and (snapshot.as_of is None or snapshot.as_of < since):
            # It could not be asked: first in its gateway's line, once it can.
            await hub.database.write(lambda tx: questions.knock(tx, payment_id, hub.now()))
    except HubError as error:
        return error.detail
    except Exception as error:
        log.exception("notice_failed", payment=payment_id)
        return type(error).__name__
    return "The gateway could not be asked."


def _delays(hub: Hub, notices: Sequence[KeptNotice], why: str, window: timedelta) -> list[Delay]:
    """For those that the settling transaction did not close."""
    now = hub.now()
    return [
        Delay(
            notice.id,
            None
            if now - notice.received_at > window
            else schedule.retry_at(notice.tries, now, hub.jitter()),
            why,
        )
        for notice in notices
    ]
