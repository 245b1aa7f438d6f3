"""Reconcile: hold a gateway's list of transactions against our credits and our ledger."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    Conflict,
    GatewayUnavailable,
    GatewayUnreachable,
    Invalid,
    NotFound,
)
from tallystick.domain.ids import new_id
from tallystick.domain.reconciliation import Difference, Entry, Match, Own, compare
from tallystick.flows.dispute import missing_from_list
from tallystick.flows.hub import Hub
from tallystick.flows.listen import keep_unowned
from tallystick.flows.match import give_owners
from tallystick.flows.settle import reference_of, settle
from tallystick.gateways.abilities import EntryPage, TransactionList
from tallystick.gateways.base import Gateway
from tallystick.store import attempts, credits, reconciliation, unmatched
from tallystick.store.reconciliation import Found, Run
from tallystick.store.unmatched import Decision

LOOKED_BACK: Final = timedelta(days=3)
SETTLING: Final = timedelta(hours=1)
"""What is younger may still be on its way to us."""
LONGEST: Final = timedelta(days=366)
PAUSES_S: Final = (1.0, 2.0)
UNHURRIED: Final = 2
"""So many pages are asked for at once; gateways allow some calls a second."""
KEPT_AT_ONCE: Final = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """A difference, and what a person decided about it."""

    found: Found
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A run, and all differences that it found, new and old.

    `unheard` are payments that the gateway gave no usable answer about; they were left out.
    """

    run: Run
    differences: tuple[Shown, ...]
    unheard: tuple[str, ...] = ()

    @property
    def waiting(self) -> int:
        """How many of them nobody has dealt with."""
        return sum(not one.decisions for one in self.differences)


@dataclass(slots=True)
class _Books:
    """What a gateway told of a span, and about which payments it told nothing."""

    entries: list[Entry] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)


async def reconcile(hub: Hub, name: str, since: datetime, until: datetime) -> Report:
    """Compare one gateway's transactions of a span, one by one. Moves no money.

    A transaction that we missed, and whose payment is known, is settled first: then it is no
    difference any more. Raises GatewayNotOffered, Invalid, Conflict (the gateway has nobody to
    ask), GatewayUnavailable, GatewayUnreachable.
    """
    if not since < until <= since + LONGEST:
        raise Invalid("The span ends after it begins, within 366 days.")
    gateway = hub.gateway(name)
    books = await _list(hub, gateway, since, until)
    late = await _take_in(hub, gateway, books)
    lines = await hub.database.read(lambda tx: _compare(tx, gateway, books, since, until))
    stale = await hub.database.read(lambda tx: _payments_behind(tx, gateway, books, lines))
    for payment_id in stale:
        await settle(hub, payment_id)
    await _tell_missing(hub, gateway, lines)
    if stale:
        lines = await hub.database.read(lambda tx: _compare(tx, gateway, books, since, until))
    report = await hub.database.write(
        lambda tx: _keep(tx, gateway, lines, (since, until), len(stale) + late, hub.now())
    )
    return replace(report, unheard=tuple(books.unheard))


async def reconcile_job(hub: Hub) -> dict[str, Any]:
    """The daily run over every gateway that can be asked."""
    until = hub.now() - SETTLING
    result: dict[str, Any] = {"matched": 0, "differing": 0, "unheard": []}
    for name, gateway in hub.gateways.items():
        if not _has_books(gateway):
            continue
        try:
            report = await reconcile(hub, name, until - LOOKED_BACK, until)
        except GatewayUnavailable as error:
            log.warning("unreconciled", gateway=name, why=error.detail)
            result["unheard"].append(name)
            continue
        result["matched"] += report.run.matched
        result["differing"] += report.waiting
        result["unheard"] += report.unheard
    return result


async def listing(
    hub: Hub, *, filters: Mapping[str, str], resolved: bool | None,
    span: tuple[datetime | None, datetime | None], after: tuple[datetime, str] | None, limit: int,
) -> list[Shown]:  # fmt: skip
    """One page, newest first, one more than `limit` where there are more."""

    def body(tx: Connection) -> list[Shown]:
        page = reconciliation.page(
            tx, filters=filters, resolved=resolved, span=span, after=after, limit=limit
        )
        return [_shown(tx, one) for one in page]

    return await hub.database.read(body)


async def resolve(hub: Hub, difference_id: str, reason: str, actor: str) -> Shown:
    """A person has dealt with it, and says how. Raises NotFound, Conflict."""
    now = hub.now()

    def body(tx: Connection) -> Shown:
        found = reconciliation.find(tx, difference_id)
        if found is None:
            raise NotFound("There is no difference with this id.")
        if unmatched.decided(tx, difference_id):
            raise Conflict("Somebody has resolved this difference already.")
        reconciliation.resolve(tx, found, reason, actor, now)
        return _shown(tx, found)

    return await hub.database.write(body)


def _has_books(gateway: Gateway) -> bool:
    return isinstance(gateway, TransactionList) or gateway.capabilities.asks


async def _list(hub: Hub, gateway: Gateway, since: datetime, until: datetime) -> _Books:
    """The gateway's own list, page by page, or its answers about one offer after the other."""
    if isinstance(gateway, TransactionList):
        return _Books(await _pages(gateway, since, until))
    if not gateway.capabilities.asks:
        raise Conflict(f"{gateway.capabilities.title} has no books that can be asked.")
    tried = await hub.database.read(
        lambda tx: reconciliation.tried(tx, gateway.name, gateway.account, since, until)
    )
    books = _Books()
    for payment_id in tried:
        try:
            told = await _ask(hub, gateway, payment_id)
        except GatewayUnreachable as error:
            log.warning("unreconciled", gateway=gateway.name, payment=payment_id, why=error.detail)
            books.unheard.append(payment_id)
            if len(books.unheard) == len(tried):
                raise
        else:
            books.entries += [entry for entry in told if since <= entry.at < until]
    return books


async def _take_in(hub: Hub, gateway: Gateway, books: _Books) -> int:
    """Keep what an account shows and was not read there; how much that was. Late is not lost.

    The entries get the names under which their money is kept: a bank's reference may stand twice.
    """
    new = 0
    for begin in range(0, len(books.entries), KEPT_AT_ONCE):
        some = books.entries[begin : begin + KEPT_AT_ONCE]
        listed = [entry.credit for entry in some if entry.credit is not None]

        def body(tx: Connection, listed: list[Credit] = listed) -> tuple[int, list[str]]:
            known = credits.named(tx, listed)
            kept = keep_unowned(tx, gateway, listed, hub.now())
            fresh = sum(one.credit.name not in known and not one.counted for one in kept)
            return fresh, [one.credit.transaction_id for one in kept]

        if listed:
            fresh, names = await hub.database.write(body)
            new += fresh
            named = iter(names)
            books.entries[begin : begin + KEPT_AT_ONCE] = [
                entry if entry.credit is None else replace(entry, transaction_id=next(named))
                for entry in some
            ]
    while new and await give_owners(hub):
        pass
    return new


async def _pages(gateway: TransactionList, since: datetime, until: datetime) -> list[Entry]:
    entries: list[Entry] = []
    for number in count(1):
        if number > UNHURRIED:
            await asyncio.sleep(PAUSES_S[0] / 2)
        page = await _patiently(gateway, since, until, number)
        entries += page.entries
        if not page.more:
            break
    return entries


async def _patiently(
    gateway: TransactionList, since: datetime, until: datetime, number: int
) -> EntryPage:
    """A page; a gateway that answers only so many calls a second gets some more of them."""
    for pause_s in PAUSES_S:
        try:
            return await gateway.list_transactions(since, until, number)
        except GatewayUnreachable as error:
            log.info("list_put_off", why=error.detail, s=pause_s)
            await asyncio.sleep(pause_s)
    return await gateway.list_transactions(since, until, number)


async def _ask(hub: Hub, gateway: Gateway, payment_id: str) -> list[Entry]:
    tries = await hub.database.read(lambda tx: attempts.of_payment(tx, payment_id))
    entries = []
    for attempt in tries:
        if (attempt.gateway, attempt.account) != (gateway.name, gateway.account):
            continue
        verdict = await gateway.fetch_verdict(reference_of(attempt))
        alone = len(verdict.credits) == 1
        entries += [
            Entry(
                credit.transaction_id, credit.money, credit.at, (attempt.our_ref,),
                verdict.refunded_minor if alone else None,
            )
            for credit in verdict.credits
        ]  # fmt: skip
    return entries


def _compare(
    tx: Connection, gateway: Gateway, books: _Books, since: datetime, until: datetime
) -> list[Difference]:
    theirs, unheard = books.entries, set(books.unheard)
    received = reconciliation.in_span(tx, gateway.name, gateway.account, since, until)
    ours = [own for own in received if own.payment_id not in unheard]
    known = {own.transaction_id for own in ours}
    # Booked at another time than the gateway lists it under: still the same money.
    beyond = [entry.transaction_id for entry in theirs if entry.transaction_id not in known]
    more: list[Own] = reconciliation.named(tx, gateway.name, gateway.account, beyond)
    return compare(theirs, [*ours, *more])


async def _tell_missing(hub: Hub, gateway: Gateway, lines: Sequence[Difference]) -> None:
    """Money that was counted and that the account's own list does not have: a person looks."""
    if gateway.capabilities.shows_whole:
        return
    for line in lines:
        if line.match is Match.MISSING_THERE:
            await missing_from_list(hub, gateway, line)


def _payments_behind(
    tx: Connection, gateway: Gateway, books: _Books, lines: Sequence[Difference]
) -> list[str]:
    """Payments of ours that the gateway knows more of than we do."""
    refs = {entry.transaction_id: entry.refs for entry in books.entries}
    behind: set[str] = set()
    for line in lines:
        # Its own answer says more surely than a list whether the money has gone.
        asks = line.match is Match.MISSING_THERE and gateway.capabilities.shows_whole
        if asks and line.payment_id is not None:
            behind.add(line.payment_id)
        if line.match in {Match.MISSING_HERE, Match.STATUS_DIFFERS}:
            about = attempts.named(
                tx, gateway.name, gateway.account, refs.get(line.transaction_id, ())
            )
            behind |= {attempt.payment_id for attempt in about}
    return sorted(behind)


def _keep(
    tx: Connection, gateway: Gateway, lines: Sequence[Difference],
    span: tuple[datetime, datetime], healed: int, now: datetime,
) -> Report:  # fmt: skip
    differing = [line for line in lines if line.match is not Match.MATCHED]
    run = Run(
        id=new_id("rec", now), gateway=gateway.name, account=gateway.account, since=span[0],
        until=span[1], matched=len(lines) - len(differing), healed=healed,
        differing=len(differing), at=now,
    )  # fmt: skip
    ids = reconciliation.keep(tx, run, differing)
    found = [one for name in ids if (one := reconciliation.find(tx, name)) is not None]
    return Report(run, tuple(_shown(tx, one) for one in found))


def _shown(tx: Connection, found: Found) -> Shown:
    return Shown(found, tuple(unmatched.decided(tx, found.id)))
