"""Listen: read what an account received, and keep each credit once, for its owner to take up."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

import structlog
from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.errors import GatewayUnavailable, GatewayUnreachable
from tallystick.domain.evidence import Claim
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.flows.pace import turn
from tallystick.flows.raw_bytes import sealed_notice
from tallystick.gateways.abilities import AccountPage, ListsCredits, UnreadLine
from tallystick.gateways.base import Gateway, RawNotice
from tallystick.store import attempts, credits, inbox, readings
from tallystick.store.credits import KeptCredit
from tallystick.store.readings import Reading

WHILE_OPEN: Final = timedelta(seconds=5)
WHILE_LISTENED_TO: Final = timedelta(minutes=1)
IDLE: Final = timedelta(minutes=5)
# Where there is more to read, or a knock was not explained by what was read.
SOON: Final = timedelta(seconds=1)
LONGEST_GAP: Final = timedelta(minutes=5)
# A payer may have paid shortly before the hub was first started.
FIRST_LOOK: Final = timedelta(hours=1)
MOST_PAGES: Final = 4
_LEASE: Final = timedelta(seconds=30)
_PATIENCE_S: Final = 3.0
_GLANCE_S: Final = 0.1

log = structlog.get_logger()


def is_read(gateway: Gateway) -> bool:
    """Whether the account of this gateway is read as a whole."""
    return gateway.capabilities.lists


def accounts_due(tx: Connection, hub: Hub) -> dict[str, datetime]:
    """When each account is to be read, by its gateway and name with a slash between.

    Every few seconds while anything is open there. That is looked up and never written, so that a
    payment which is made while the account is read for the last time cannot be missed.
    """
    now = hub.now()
    return {
        f"{one.gateway}/{one.account}": min(one.due_at, _soon(tx, hub, one, now))
        for one in readings.every(tx)
    }


def _soon(tx: Connection, hub: Hub, known: Reading, now: datetime) -> datetime:
    soon, gateway = known.read_until + WHILE_OPEN, hub.account(known.gateway, known.account)
    if known.silent or soon >= known.due_at or gateway is None:
        return known.due_at
    open_until = now + gateway.capabilities.listens_for
    awaited = readings.has_open(tx, known.gateway, known.account, open_until)
    return soon if awaited else known.due_at


async def listen_to(hub: Hub, what: str) -> int:
    """Read on in one account, by its gateway and name with a slash between. Always 1."""
    name, _, account = what.partition("/")
    gateway = hub.account(name, account)
    if gateway is None or not is_read(gateway):
        # Its keys are gone: look again later whether they are back.
        later = hub.now() + LONGEST_GAP
        await hub.database.write(lambda tx: readings.put_off(tx, name, account, later))
    else:
        await read_on(hub, gateway, hub.now())
    return 1


async def listen_to_all(hub: Hub) -> dict[str, Any]:
    """Read on in every account at once, whatever is due: the net below the worker's own rhythm."""
    read = [gateway for gateway in hub.accounts if is_read(gateway)]
    until = await asyncio.gather(*(read_on(hub, gateway, hub.now()) for gateway in read))
    silent = [one.name for one, at in zip(read, until, strict=True) if at is None]
    return {"unread": silent} if silent else {}


async def begin(hub: Hub) -> None:
    """Make sure that every account that can be read has its row; at the start."""
    now = hub.now()

    def body(tx: Connection) -> None:
        for gateway in hub.accounts:
            if is_read(gateway):
                readings.begin(tx, gateway.name, gateway.account, now - FIRST_LOOK, now)

    await hub.database.write(body)


async def read_on(hub: Hub, gateway: Gateway, since: datetime) -> datetime | None:
    """Read the account, unless it was read after `since`; the time up to which it is read.

    None where the gateway does not answer, or has so much to tell that it is not read up to then
    yet. One answer serves everybody who waits: those who come while it is read wait for it. So
    does one silence: nobody reads again before it is due.
    """
    name, account = gateway.name, gateway.account
    async with hub.alone(f"{name}/{account}"):
        before = await hub.database.read(lambda tx: readings.find(tx, name, account))
        if before is None:
            await begin(hub)
            before = await hub.database.read(lambda tx: readings.find(tx, name, account))
        if before is None or before.read_until >= since:
            return None if before is None else before.read_until
        if before.silent and hub.now() < before.due_at:
            return None
        turn_s = await hub.database.write(lambda tx: _hold(tx, hub, gateway))
        if turn_s is None:
            return await _wait_for_another(hub, gateway, since)
        return await _read(hub, gateway, before, turn_s)


def _hold(tx: Connection, hub: Hub, gateway: Gateway) -> float | None:
    """Take the account and a turn in its budget: the seconds until then, None where it is held."""
    name, account, real_now = gateway.name, gateway.account, hub.clock.real_now()
    if readings.hold(tx, name, account, hub.holder, real_now, real_now + _LEASE):
        return turn(tx, hub, gateway)
    return None


async def _wait_for_another(hub: Hub, gateway: Gateway, since: datetime) -> datetime | None:
    """Another process reads the account: its answer serves us too."""
    for _ in range(int(_PATIENCE_S / _GLANCE_S)):
        await asyncio.sleep(_GLANCE_S)
        now = await hub.database.read(lambda tx: readings.find(tx, gateway.name, gateway.account))
        if now is not None and now.read_until >= since:
            return now.read_until
    return None


async def _read(hub: Hub, gateway: Gateway, before: Reading, turn_s: float) -> datetime | None:
    """Page after page, each in its turn and kept with the mark behind it: nothing is in vain."""
    mark, until = before.mark, None
    circuit = hub.circuit(gateway.name)
    try:
        for _ in range(MOST_PAGES):
            await asyncio.sleep(turn_s)
            asked_at = hub.now()
            with circuit.question(booked=True):
                page = await cast("ListsCredits", gateway).read_account(mark, before.since)
            circuit.answered(usable=True)
            mark = page.mark
            turn_s = await hub.database.write(partial(_take_in, hub, gateway, page))
            if not page.more:
                until = asked_at
                break
    except (GatewayUnreachable, GatewayUnavailable) as error:
        circuit.answered(usable=not isinstance(error, GatewayUnreachable))
        hub.note_gateway_error(gateway.name, error.detail)
        log.warning("account_unread", gateway=gateway.name, why=error.detail)
        await _let_go(hub, before, None, before.silent + 1)
        return None
    except BaseException:
        await _let_go(hub, before, None, before.silent + 1)
        raise
    await _let_go(hub, before, until, 0)
    return until


async def _let_go(hub: Hub, before: Reading, until: datetime | None, silent: int) -> None:
    now = hub.now()

    def body(tx: Connection) -> None:
        gap = SOON if until is None else _gap(tx, before, now)
        if silent:
            gap = min(LONGEST_GAP, SOON * 2 ** min(silent, 10))
        readings.end(
            tx, before, hub.holder, until=until or before.read_until, due_at=now + gap,
            silent=silent,
        )  # fmt: skip

    await hub.database.write(body)


def _gap(tx: Connection, before: Reading, now: datetime) -> timedelta:
    """Until the account is read again while nothing is open there."""
    listened_to = readings.is_listened_to(tx, before.gateway, before.account, now)
    return WHILE_LISTENED_TO if listened_to else IDLE


def _take_in(hub: Hub, gateway: Gateway, page: AccountPage, tx: Connection) -> float:
    """Keep a page: each credit once, in suspense, and for whom it is meant where one is named.

    How many seconds the next page has to wait for its turn.
    """
    now = hub.now()
    if not readings.move(tx, gateway.name, gateway.account, hub.holder, page.mark):
        return 0.0
    keep_unowned(tx, gateway, page.credits, now)
    if page.unread:
        inbox.keep_each(tx, [_unread(hub, gateway, line, now) for line in page.unread])
    hub.work_signal.ring()
    return turn(tx, hub, gateway) if page.more else 0.0


def keep_unowned(
    tx: Connection,
    gateway: Gateway,
    told: Sequence[Credit],
    now: datetime,
    notice_id: str | None = None,
) -> list[KeptCredit]:
    """Keep counted credits that nobody has claimed, booked in suspense until somebody does.

    Where the memo of one names exactly one payment, that payment is to take it up. Where it names
    two, or shares the bank's reference with other money, nobody is credited by a guess.
    """
    kept = credits.keep(tx, told, now, notice_id=notice_id)
    fresh = [one for one in kept if one.is_free and not one.counted]
    refs = sorted({ref for one in fresh for ref in one.credit.refs})
    payments_of: dict[str, set[str]] = {}
    for attempt in attempts.named(tx, gateway.name, gateway.account, refs):
        for ref in filter(None, (attempt.our_ref, attempt.provider_id)):
            payments_of.setdefault(ref, set()).add(attempt.payment_id)
    credits.book_unowned(tx, fresh, now)
    for one in fresh:
        about = set[str]().union(*(payments_of.get(ref, ()) for ref in one.credit.refs))
        if len(about) == 1 and not one.is_twin:
            credits.mean(tx, one.id, about.pop(), now)
    return kept


def _unread(hub: Hub, gateway: Gateway, line: UnreadLine, now: datetime) -> tuple[Any, ...]:
    """A line that we cannot read stops nothing but itself, and is kept for a person."""
    return inbox.row(
        new_id("ntc", now),
        gateway=gateway.name,
        account=gateway.account,
        event_id=f"line:{line.name}",
        refs=(),
        claim=Claim.PENDING,
        credits_=(),
        raw=sealed_notice(hub, RawNotice({}, line.raw, "", now)),
        unreadable=line.why[:500],
        rests=True,
        now=now,
    )
