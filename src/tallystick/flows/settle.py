"""Settle: ask the gateway, record, deliver, tell. Every road ends here, and only here."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.errors import GatewayUnavailable, GatewayUnreachable, NotFound
from tallystick.domain.evidence import Claim, Evidence, Source, Trust, counts
from tallystick.domain.payment import Attempt, AttemptState
from tallystick.domain.raw_bytes import Raw
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.claim import meant as meant_for
from tallystick.flows.hub import Hub, found
from tallystick.flows.listen import read_on
from tallystick.flows.pace import turn_soon
from tallystick.flows.raw_bytes import sealed
from tallystick.flows.record import Answers, Heard, Outcome, record
from tallystick.gateways.abilities import RefundOrder, Refunds, RefundVerdict
from tallystick.gateways.base import AttemptRef, Gateway, Verdict
from tallystick.store import attempts, credits, payments, refunds, snapshots
from tallystick.store.inbox import KeptNotice

log = structlog.get_logger()


async def settle(
    hub: Hub,
    payment_id: str,
    *,
    fresh_since: datetime | None = None,
    notices: Sequence[KeptNotice] = (),
    told: Sequence[Heard] = (),
) -> Snapshot:
    """Bring one payment in line with its evidence; safe to call any number of times.

    Gateways that were asked since `fresh_since` are not asked again. `notices` are closed in the
    transaction that applies them. `told` is what we know ourselves (an operator, our clock).
    Raises NotFound. A gateway that cannot be reached leaves the payment as it is, to be asked
    again; it is not an error of the caller's.
    """
    started = asyncio.get_running_loop().time()
    async with hub.alone(payment_id):
        tries, meant = await hub.database.read(lambda tx: _known(tx, payment_id))
        answers = await _ask(hub, tries, fresh_since)
        await _ask_again(hub, tries, notices, answers)
        nobody = answers.skipped or (fresh_since is not None and not answers.unheard)
        if nobody and not (answers.asked or notices or told or meant):
            return found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id)))
        heard = [*told, *_heard_from(hub, notices, tries), *answers.heard]

        def body(tx: Connection) -> Outcome:
            read = _read_from_accounts(tx, hub, payment_id, tries)
            return record(tx, hub, payment_id, [*heard, *read], answers, notices)

        outcome = await hub.database.write(body)
    _tell(hub, outcome, round((asyncio.get_running_loop().time() - started) * 1000, 1))
    return outcome.snapshot


def _known(tx: Connection, payment_id: str) -> tuple[list[Attempt], tuple[Credit, ...]]:
    """The attempts, and the credits that wait for the payment to take them up."""
    if payments.find(tx, payment_id) is None:
        raise NotFound("There is no payment with this id that you may see.")
    return attempts.of_payment(tx, payment_id), meant_for(tx, payment_id)


async def _ask(hub: Hub, tries: Sequence[Attempt], fresh_since: datetime | None) -> Answers:
    """Put our own question to every gateway whose last answer is too old, all at once."""
    answers = Answers()
    stale = [
        attempt
        for attempt in tries
        if (gateway := hub.gateway_of(attempt)) is not None
        and gateway.capabilities.asks
        and attempt.state is not AttemptState.CREATED
        and not (fresh_since and attempt.as_of and attempt.as_of >= fresh_since)
    ]
    await asyncio.gather(*(_ask_one(hub, attempt, answers) for attempt in stale))
    return answers


async def _ask_one(hub: Hub, attempt: Attempt, answers: Answers) -> None:
    gateway = hub.gateway_of(attempt)
    assert gateway is not None  # noqa: S101 - only those are asked
    if gateway.capabilities.asks_each:
        await _ask_about(hub, gateway, attempt, answers)
    else:
        await _ask_account(hub, gateway, attempt, answers)


async def _ask_about(
    hub: Hub, gateway: Gateway, attempt: Attempt, answers: Answers, *, booked: bool = False
) -> None:
    """Our question about one single offer."""
    circuit = hub.circuit(gateway.name)
    if circuit.closed_to_us:
        answers.unheard = answers.skipped = True
        return
    asked_at = hub.now()
    reference = reference_of(attempt)
    try:
        with circuit.question(booked=booked):
            verdict = await gateway.fetch_verdict(reference)
            await _ask_refunds(hub, gateway, reference, verdict, answers)
    except (GatewayUnreachable, GatewayUnavailable) as error:
        circuit.answered(usable=not isinstance(error, GatewayUnreachable))
        answers.unheard = True
        hub.note_gateway_error(gateway.name, error.detail)
        log.warning("gateway_unheard", gateway=gateway.name, attempt=attempt.id, why=error.detail)
        return
    circuit.answered(usable=True)
    answers.asked[attempt.id] = asked_at
    # A gateway that has forgotten an offer with money on it goes back on its word.
    if not verdict.known and attempt.state is not AttemptState.SUCCEEDED:
        return
    answers.recovered[attempt.id] = verdict
    answers.heard.append(
        Heard(
            Evidence(
                source=Source.FETCH,
                trust=Trust.FETCHED,
                claim=verdict.claim,
                observed_at=hub.now(),
                attempt_id=attempt.id,
                credits=verdict.credits,
                counts=counts(Trust.FETCHED, gateway.capabilities.verifies),
            ),
            sealed(hub, verdict.raw),
        )
    )


async def _ask_account(hub: Hub, gateway: Gateway, attempt: Attempt, answers: Answers) -> None:
    """Where the account is read, one answer serves all its payments; credits come from there."""
    read_until = await read_on(hub, gateway, hub.now())
    if read_until is None:
        # It is silent, or a long way behind: whoever waits is not kept waiting for all of it. What
        # a search does not find may still be there, so it proves no deadline.
        await _search(hub, gateway, attempt, answers)
        answers.asked.pop(attempt.id, None)
        answers.unheard = not any(one.evidence.credits for one in answers.heard)
    else:
        answers.asked[attempt.id] = read_until


async def _search(hub: Hub, gateway: Gateway, attempt: Attempt, answers: Answers) -> None:
    """Look for one offer's money in an account, in its turn: soon, or not at all."""
    costs = gateway.capabilities.search_costs
    wait_s = await hub.database.write(lambda tx: turn_soon(tx, hub, gateway, costs))
    if wait_s is None:
        answers.unheard = answers.skipped = True
        return
    await asyncio.sleep(wait_s)
    await _ask_about(hub, gateway, attempt, answers, booked=True)


async def _ask_again(
    hub: Hub, tries: Sequence[Attempt], notices: Sequence[KeptNotice], answers: Answers
) -> None:
    """A notice told of money that the account does not show where we read it: search for it.

    A bank may enter a transfer late, and before lines that we have read already.
    """
    for attempt in tries:
        gateway = hub.gateway_of(attempt)
        if gateway is None or gateway.capabilities.asks_each or attempt.id not in answers.asked:
            continue
        told = [one for notice in notices if notice.gateway == gateway.name
                for one in notice.credits]  # fmt: skip
        known = await hub.database.read(partial(credits.named, items=told))
        if any(one.name not in known for one in told):
            await _search(hub, gateway, attempt, answers)


def _read_from_accounts(
    tx: Connection, hub: Hub, payment_id: str, tries: Sequence[Attempt]
) -> list[Heard]:
    """What was read in our accounts and names this payment: as good as any answer to us."""
    named = {ref: attempt for attempt in tries for ref in (attempt.our_ref, attempt.provider_id)}
    heard = []
    for credit in meant_for(tx, payment_id):
        about = next((named[ref] for ref in credit.refs if ref in named), None)
        whole = about is not None and credit.money == about.money
        said = Evidence(
            source=Source.STATEMENT,
            trust=Trust.FETCHED,
            claim=Claim.SUCCEEDED if whole else Claim.PENDING,
            observed_at=hub.now(),
            attempt_id=None if about is None else about.id,
            credits=(credit,),
            counts=True,
        )
        heard.append(Heard(said))
    return heard


def reference_of(attempt: Attempt) -> AttemptRef:
    """The names by which a gateway is asked about an offer."""
    return AttemptRef(
        attempt_id=attempt.id,
        our_ref=attempt.our_ref,
        provider_id=attempt.provider_id,
        amount=attempt.money,
        created_at=attempt.created_at,
        memo=attempt.memo,
    )


async def _ask_refunds(
    hub: Hub, gateway: Gateway, reference: AttemptRef, verdict: Verdict, answers: Answers
) -> None:
    """Where the books say that other money has gone back than we know of: ask which."""
    there = verdict.refunded_minor
    if there is None or not isinstance(gateway, Refunds):
        return
    known = await hub.database.read(lambda tx: refunds.gone(tx, reference.attempt_id))
    if known == there:
        return
    told = await gateway.fetch_refunds(reference)
    if known > there and not any(one.refund_id or not one.of_all for one in told):
        # A sum does not say which of ours came back.
        told += await _ask_each(hub, gateway, reference)
    answers.refunds[reference.attempt_id] = told


async def _ask_each(hub: Hub, gateway: Refunds, reference: AttemptRef) -> tuple[RefundVerdict, ...]:
    """What became of every refund of ours that had gone through."""
    sent = await hub.database.read(lambda tx: refunds.sent_of(tx, reference.attempt_id))
    orders = [
        RefundOrder(one.id, reference, one.transaction_id, one.money, one.reason) for one in sent
    ]
    found = [await gateway.find_refund(order) for order in orders]
    return tuple(one for one in found if one is not None)


def _heard_from(hub: Hub, notices: Sequence[KeptNotice], tries: Sequence[Attempt]) -> list[Heard]:
    """What authentic notices say. It counts only where nobody can be asked."""
    heard = []
    for notice in notices:
        about = next((a for a in tries if {a.our_ref, a.provider_id} & set(notice.refs)), None)
        gateway = hub.account(notice.gateway, notice.account)
        needed = Trust.FETCHED if gateway is None else gateway.capabilities.verifies
        said = Evidence(
            source=Source.WEBHOOK,
            trust=Trust.SIGNED,
            claim=notice.claim,
            observed_at=notice.received_at,
            attempt_id=None if about is None else about.id,
            credits=notice.credits,
            counts=counts(Trust.SIGNED, needed),
        )
        heard.append(Heard(said, None if notice.digest is None else Raw(notice.digest)))
    return heard


def _tell(hub: Hub, outcome: Outcome, milliseconds: float) -> None:
    if outcome.changed:
        snapshot = outcome.snapshot
        log.info(
            "settled", payment=snapshot.id, gateway=snapshot.gateway, before=outcome.before,
            after=snapshot.phase, amount_state=snapshot.amount_state, ms=milliseconds,
        )  # fmt: skip
        hub.live.publish(snapshot)
