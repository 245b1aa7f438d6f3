"""Settle: ask the gateway, record, deliver, tell. Every road ends here, and only here."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import GatewayUnavailable, GatewayUnreachable, NotFound
from tallystick.domain.evidence import Evidence, Source, Trust, counts
from tallystick.domain.payment import Attempt, AttemptState
from tallystick.domain.raw_bytes import Raw
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.raw_bytes import sealed
from tallystick.flows.record import Answers, Heard, Outcome, record
from tallystick.gateways.abilities import Refunds
from tallystick.gateways.base import AttemptRef, Gateway, Verdict
from tallystick.store import attempts, payments, refunds, snapshots
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
        tries = await hub.database.read(lambda tx: _attempts(tx, payment_id))
        answers = await _ask(hub, tries, fresh_since)
        if fresh_since is not None and not (answers.asked or answers.unheard or notices or told):
            return found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id)))
        heard = [*told, *_heard_from(hub, notices, tries), *answers.heard]
        outcome = await hub.database.write(
            lambda tx: record(tx, hub, payment_id, heard, answers, notices)
        )
    _tell(hub, outcome, round((asyncio.get_running_loop().time() - started) * 1000, 1))
    return outcome.snapshot


def _attempts(tx: Connection, payment_id: str) -> list[Attempt]:
    if payments.find(tx, payment_id) is None:
        raise NotFound("There is no payment with this id that you may see.")
    return attempts.of_payment(tx, payment_id)


async def _ask(hub: Hub, tries: Sequence[Attempt], fresh_since: datetime | None) -> Answers:
    """Put our own question to every gateway whose last answer is too old, all at once."""
    answers = Answers()
    stale = [
        attempt
        for attempt in tries
        if attempt.gateway in hub.gateways
        and hub.gateways[attempt.gateway].capabilities.asks
        and attempt.state is not AttemptState.CREATED
        and not (fresh_since and attempt.as_of and attempt.as_of >= fresh_since)
    ]
    await asyncio.gather(*(_ask_one(hub, attempt, answers) for attempt in stale))
    return answers


async def _ask_one(hub: Hub, attempt: Attempt, answers: Answers) -> None:
    gateway = hub.gateways[attempt.gateway]
    asked_at = hub.now()
    reference = reference_of(attempt)
    try:
        verdict = await gateway.fetch_verdict(reference)
        await _ask_refunds(hub, gateway, reference, verdict, answers)
    except (GatewayUnreachable, GatewayUnavailable) as error:
        answers.unheard = True
        hub.note_trouble(gateway.name, error.detail)
        log.warning("gateway_unheard", gateway=gateway.name, attempt=attempt.id, why=error.detail)
        return
    answers.asked[attempt.id] = asked_at
    if not verdict.known:
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
    if not verdict.refunded_minor or not isinstance(gateway, Refunds):
        return
    known = await hub.database.read(lambda tx: refunds.gone(tx, reference.attempt_id))
    if known != verdict.refunded_minor:
        answers.refunds[reference.attempt_id] = await gateway.fetch_refunds(reference)


def _heard_from(hub: Hub, notices: Sequence[KeptNotice], tries: Sequence[Attempt]) -> list[Heard]:
    """What authentic notices say. It counts only where nobody can be asked."""
    heard = []
    for notice in notices:
        about = next((a for a in tries if {a.our_ref, a.provider_id} & set(notice.refs)), None)
        can = hub.gateways[notice.gateway].capabilities
        said = Evidence(
            source=Source.WEBHOOK,
            trust=Trust.SIGNED,
            claim=notice.claim,
            observed_at=notice.received_at,
            attempt_id=None if about is None else about.id,
            credits=notice.credits,
            counts=counts(Trust.SIGNED, can.verifies),
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
