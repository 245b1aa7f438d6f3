"""The JSON of every answer, written from values; nothing else decides what leaves the house."""

import json
from datetime import datetime
from typing import Any, Final, NotRequired, cast

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Count, Instant, Minor, Notes, Number
from tallystick.domain.document import (
    Asked,
    Forgiven,
    PaymentForPayersAnswer,
    Standing,
    TransactionInfoAnswer,
    checkout,
    instant,
    payment,
    transaction,
)
from tallystick.domain.link import (
    LINK_STATUS,
    SENTENCES,
    LinkStatus,
    Message,
    link_event,
    message,
)
from tallystick.domain.payment import AmountState, LatePolicy, Phase, Review, is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.schedule import Fared, Run, Stats
from tallystick.flows.why import Decided, Proof

__all__ = ["checkout", "instant", "payment", "transaction"]
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return _compact(value).encode()


class Said(TypedDict):
    """What a status says in words."""

    statusMessage: str
    advice: str
    final: bool


class PaymentStatusAnswer(Amount, Standing, Asked, Said):
    """The live status of a payment: what a payer may see."""

    id: str
    phase: Phase
    refunded: Minor
    source: str | None


class PaymentLinkAnswer(Amount, Standing):
    """A payment link as its merchant sees it."""

    id: str
    shortCode: str
    url: str
    paymentId: str
    currentStatus: LinkStatus
    description: str
    gateways: list[str]
    review: Review | None
    returnUrl: str | None
    metadata: Notes
    underpaymentTolerance: Forgiven
    latePolicy: LatePolicy
    createdAt: Instant
    updatedAt: Instant
    paidAt: Instant | None


class PaymentLinkStatusAnswer(Amount, Standing, Asked, Said):
    """The live status of a link; `transactionInfo` for those who proved who they are."""

    id: str
    shortCode: str
    isExpired: bool
    currentStatus: LinkStatus
    refunded: Minor
    lastEventType: str
    lastEventTimestamp: Instant
    paymentMethod: str | None
    transactionInfo: TransactionInfoAnswer | None
    updatedAt: Instant


class Decision(TypedDict):
    """What a person decided, why, and who it was."""

    action: str
    reason: str
    by: str
    at: Instant


class Reason(TypedDict):
    """One thing that was heard, and what it came to."""

    at: Instant
    source: str
    trust: str
    claim: str
    before: str
    after: str
    sentence: str
    times: Count
    lastAt: Instant


class ProofAnswer(TypedDict):
    """Why a payment is where it is, in sentences, and what is due next."""

    id: str
    phase: Phase
    amountState: AmountState
    late: bool
    review: Review | None
    due: str
    nextCheckAt: Instant | None
    decisions: list[Decision]
    reasons: list[Reason]


class ShortRun(TypedDict):
    """When a job ran, and whether it went well."""

    startTime: Instant
    endTime: Instant
    success: bool


class LongRun(ShortRun):
    """The same, with what it came to."""

    duration: Number
    result: Notes
    error: str | None


class JobStats(TypedDict):
    """How all runs of a job went; durations in milliseconds, the rate in percent."""

    totalExecutions: Count
    successCount: Count
    failureCount: Count
    averageDuration: Number
    successRate: Number
    lastExecution: ShortRun | None


class JobRunAnswer(LongRun):
    """What one run of a job came to; the duration is in milliseconds."""

    jobName: str


class JobHistoryAnswer(TypedDict):
    """How a job has fared; durations in milliseconds, the rate in percent."""

    jobName: str
    stats: JobStats
    enabled: NotRequired[bool]
    recentExecutions: list[LongRun]


class JobAnswer(TypedDict):
    """A job among all; durations in milliseconds, the rate in percent, `every` in seconds."""

    jobName: str
    stats: JobStats
    enabled: bool
    every: Count
    running: bool
    lastRunAt: Instant | None
    nextRunAt: Instant | None


def payer_payment(snapshot: Snapshot) -> PaymentForPayersAnswer:
    """A payment with what a payer may see of it, and nothing else."""
    shown = PaymentForPayersAnswer.__annotations__
    told = {name: value for name, value in payment(snapshot).items() if name in shown}
    return cast("PaymentForPayersAnswer", told)


def status(snapshot: Snapshot) -> PaymentStatusAnswer:
    """The live status of a payment: what a payer may see."""
    sentence, advice = SENTENCES[_message(snapshot)]
    return {
        "id": snapshot.id,
        "phase": snapshot.phase,
        "amountState": snapshot.amount_state,
        "late": snapshot.late,
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "received": snapshot.received_minor,
        "refunded": snapshot.refunded_minor,
        "statusMessage": sentence,
        "advice": advice,
        "asOf": instant(snapshot.as_of),
        "source": snapshot.source,
        "nextCheckAt": instant(snapshot.next_check_at),
        "expiresAt": instant(snapshot.expires_at),
        "version": snapshot.version,
        "final": is_final(snapshot.phase),
    }


def link(snapshot: Snapshot, base_url: str) -> PaymentLinkAnswer:
    """A payment link as its merchant sees it."""
    assert snapshot.link is not None  # noqa: S101 - only called for links
    return {
        "id": snapshot.link.id,
        "shortCode": snapshot.link.short_code,
        "url": f"{base_url.rstrip('/')}/pay/{snapshot.link.short_code}",
        "currentStatus": LINK_STATUS[snapshot.phase],
        "paymentId": snapshot.id,
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "description": snapshot.description,
        "gateways": list(snapshot.link.gateways),
        "amountState": snapshot.amount_state,
        "late": snapshot.late,
        "review": snapshot.review,
        "received": snapshot.received_minor,
        "returnUrl": snapshot.return_url,
        "underpaymentTolerance": {"amount": snapshot.tolerance_minor},
        "latePolicy": snapshot.late_policy,
        "metadata": dict(snapshot.metadata),
        "createdAt": instant(snapshot.created_at),
        "updatedAt": instant(snapshot.updated_at),
        "expiresAt": instant(snapshot.expires_at),
        "paidAt": instant(snapshot.paid_at),
        "version": snapshot.version,
    }


def link_status(snapshot: Snapshot, now: datetime, *, identified: bool) -> PaymentLinkStatusAnswer:
    """The replaced service's status. `transactionInfo` is for callers who proved who they are."""
    assert snapshot.link is not None  # noqa: S101 - only called for links
    sentence, advice = SENTENCES[_message(snapshot)]
    kind, at = snapshot.last_event or (None, snapshot.created_at)
    return {
        "id": snapshot.link.id,
        "shortCode": snapshot.link.short_code,
        "currentStatus": LINK_STATUS[snapshot.phase],
        "statusMessage": sentence,
        "lastEventType": link_event(kind),
        "lastEventTimestamp": instant(at),
        "paymentMethod": None if snapshot.attempt is None else snapshot.attempt.gateway,
        "transactionInfo": _transaction(snapshot) if identified else None,
        "expiresAt": instant(snapshot.expires_at),
        "isExpired": now >= snapshot.expires_at and not snapshot.paid_at,
        "updatedAt": instant(snapshot.updated_at),
        "amountState": snapshot.amount_state,
        "late": snapshot.late,
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "received": snapshot.received_minor,
        "refunded": snapshot.refunded_minor,
        "asOf": instant(snapshot.as_of),
        "nextCheckAt": instant(snapshot.next_check_at),
        "advice": advice,
        "version": snapshot.version,
        "final": is_final(snapshot.phase),
    }


def proof(found: Proof) -> ProofAnswer:
    """Why a payment is where it is."""
    return {
        "id": found.payment.id,
        "phase": found.payment.phase,
        "amountState": found.payment.amount_state,
        "late": found.payment.late,
        "review": found.payment.review,
        "reasons": [
            {
                "at": instant(reason.at),
                "source": reason.source,
                "trust": reason.trust,
                "claim": reason.claim,
                "before": reason.before,
                "after": reason.after,
                "sentence": reason.sentence,
                "times": reason.times,
                "lastAt": instant(reason.last_at or reason.at),
            }
            for reason in found.reasons
        ],
        "decisions": [decision(one) for one in found.decisions],
        "due": found.due,
        "nextCheckAt": instant(found.payment.next_check_at),
    }


def decision(one: Decided) -> Decision:
    """What a person decided, why, and who it was."""
    return {"action": one.action, "reason": one.reason, "by": one.actor, "at": instant(one.at)}


def job(fared: Fared) -> JobHistoryAnswer:
    """The replaced service's job history, and `enabled` where it is false."""
    told: JobHistoryAnswer = {
        "jobName": fared.name,
        "stats": _stats(fared.stats, fared.runs),
        "recentExecutions": [_run(one) for one in fared.runs],
    }
    return told if fared.enabled else {**told, "enabled": False}


def listed_job(fared: Fared) -> JobAnswer:
    """A job among all. `lastRunAt` tells of quiet runs too, of which no history is kept."""
    return {
        "jobName": fared.name,
        "enabled": fared.enabled,
        "every": int(fared.job.every.total_seconds()),
        "running": fared.running,
        "lastRunAt": instant(fared.last_run_at),
        "nextRunAt": instant(fared.next_run_at),
        "stats": _stats(fared.stats, fared.runs),
    }


def _stats(stats: Stats, runs: list[Run]) -> JobStats:
    """Durations in milliseconds, the rate in percent; the runs are the latest, newest first."""
    rate = 100 * stats.succeeded / stats.total if stats.total else 0.0
    return {
        "totalExecutions": stats.total,
        "successCount": stats.succeeded,
        "failureCount": stats.total - stats.succeeded,
        "averageDuration": round(stats.average_us / 1000, 3),
        "successRate": round(rate, 2),
        "lastExecution": _short(runs[0]) if runs else None,
    }


def run(name: str, done: Run) -> JobRunAnswer:
    """What one run of a job came to."""
    return {"jobName": name, **_run(done)}


def _short(done: Run) -> ShortRun:
    return {
        "startTime": instant(done.started_at),
        "endTime": instant(done.ended_at),
        "success": done.success,
    }


def _run(done: Run) -> LongRun:
    return {
        "startTime": instant(done.started_at),
        "endTime": instant(done.ended_at),
        "duration": round(done.duration_us / 1000, 3),
        "success": done.success,
        "result": done.result,
        "error": done.error,
    }


def _message(snapshot: Snapshot) -> Message:
    return message(
        snapshot.phase, snapshot.amount_state, late=snapshot.late, returned=snapshot.returned,
        review=snapshot.review,
    )  # fmt: skip


def _transaction(snapshot: Snapshot) -> TransactionInfoAnswer | None:
    """The replaced service's transaction: the transfer that completed the payment."""
    if not (snapshot.received_minor and snapshot.transactions):
        return None
    told = transaction(snapshot.transactions[-1])
    return {
        "transactionId": told["transactionId"],
        "gateway": told["gateway"],
        "amount": told["amount"],
        "currency": told["currency"],
        "paidAt": told["paidAt"],
    }
