"""The JSON of every answer, written from values; nothing else decides what leaves the house."""

import json
from datetime import datetime
from typing import Any, Final

from tallystick.domain.document import checkout, instant, payment, transaction
from tallystick.domain.link import LINK_STATUS, SENTENCES, Message, link_event, message
from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.schedule import Fared
from tallystick.flows.why import Proof
from tallystick.store.decisions import Decided
from tallystick.store.schedules import Run, Stats

__all__ = ["checkout", "instant", "payment", "transaction"]
_TRANSACTION_INFO: Final = ("transactionId", "gateway", "amount", "currency", "paidAt")
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return _compact(value).encode()


def payer_payment(snapshot: Snapshot) -> dict[str, Any]:
    """A payment as its payer sees it: no merchant's notes, nobody's identity."""
    hidden = {"metadata", "review", "ownerId", "reference", "attempt", "underpaymentTolerance",
              "latePolicy", "transactions"}  # fmt: skip
    return {name: value for name, value in payment(snapshot).items() if name not in hidden}


def status(snapshot: Snapshot) -> dict[str, Any]:
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


def link(snapshot: Snapshot, base_url: str) -> dict[str, Any]:
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


def link_status(snapshot: Snapshot, now: datetime, *, identified: bool) -> dict[str, Any]:
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


def proof(found: Proof) -> dict[str, Any]:
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


def decision(one: Decided) -> dict[str, Any]:
    """What a person decided, why, and who it was."""
    return {"action": one.action, "reason": one.reason, "by": one.actor, "at": instant(one.at)}


def job(fared: Fared) -> dict[str, Any]:
    """The replaced service's job history, and `enabled` where it is false."""
    return {
        "jobName": fared.name,
        **({} if fared.enabled else {"enabled": False}),
        "stats": _stats(fared.stats, fared.runs),
        "recentExecutions": [_run(one) for one in fared.runs],
    }


def listed_job(fared: Fared) -> dict[str, Any]:
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


def _stats(stats: Stats, runs: list[Run]) -> dict[str, Any]:
    """Durations in milliseconds, the rate in percent; the runs are the latest, newest first."""
    rate = 100 * stats.succeeded / stats.total if stats.total else 0.0
    last = _run(runs[0]) if runs else None
    return {
        "totalExecutions": stats.total,
        "successCount": stats.succeeded,
        "failureCount": stats.total - stats.succeeded,
        "averageDuration": round(stats.average_us / 1000, 3),
        "successRate": round(rate, 2),
        "lastExecution": last and {key: last[key] for key in ("startTime", "endTime", "success")},
    }


def run(name: str, done: Run) -> dict[str, Any]:
    """What one run of a job came to."""
    return {"jobName": name, **_run(done)}


def _run(done: Run) -> dict[str, Any]:
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


def _transaction(snapshot: Snapshot) -> dict[str, Any] | None:
    """The replaced payment-link service's transaction: the transfer that completed the payment."""
    if not (snapshot.received_minor and snapshot.transactions):
        return None
    told = transaction(snapshot.transactions[-1])
    return {name: told[name] for name in _TRANSACTION_INFO}
