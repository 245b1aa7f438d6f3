"""The shapes of what only operators, pay pages and the sandbox are answered, as JSON Schema."""

from typing import Any, Final

from tallystick.domain.payment import Phase
from tallystick.store.notices import STATES
from tallystick.web.schema_parts import (
    COUNT,
    CURRENCY,
    FLAG,
    INSTANT,
    MINOR,
    NOTES,
    NUMBER,
    TEXT,
    Schema,
    many,
    object_,
    one_of,
    or_null,
    ref,
)

_MONEY: Final = {"amount": MINOR, "currency": CURRENCY}
_NOTICE: Final = {
    "id": TEXT, "state": one_of(STATES), "gateway": TEXT, "account": TEXT,
    "eventId": or_null(TEXT), "references": many(TEXT), "claim": or_null(TEXT),
    "transactions": many(object_(_MONEY, transactionId=TEXT, paidAt=or_null(INSTANT))),
    "memo": or_null(TEXT), "paymentId": or_null(TEXT), "problem": or_null(TEXT), "tries": COUNT,
    "receivedAt": INSTANT, "nextTryAt": or_null(INSTANT), "handledAt": or_null(INSTANT),
    "digest": TEXT,
}  # fmt: skip
_UNMATCHED: Final = {
    **_MONEY,
    "id": TEXT,
    "state": one_of(("waiting", "assigned", "refunded", "parked")),
    "gateway": TEXT,
    "account": TEXT,
    "transactionId": TEXT,
    "memo": or_null(TEXT),
    "at": or_null(INSTANT),
    "receivedAt": INSTANT,
    "counted": FLAG,
    "paymentId": or_null(TEXT),
    "suggestions": many(
        object_(_MONEY, paymentId=TEXT, phase=one_of(Phase), received=MINOR, score=NUMBER,
                reasons=many(TEXT))
    ),
    "decisions": many(
        object_(action=TEXT, reason=TEXT, by=TEXT, paymentId=or_null(TEXT), at=INSTANT)
    ),
}  # fmt: skip


_RUN: Final = {"startTime": INSTANT, "endTime": INSTANT, "success": FLAG}
_LONG_RUN: Final = {**_RUN, "duration": NUMBER, "result": NOTES, "error": or_null(TEXT)}
# Durations are in milliseconds, the rate is in percent.
_JOB: Final = {
    "jobName": TEXT,
    "stats": object_(totalExecutions=COUNT, successCount=COUNT, failureCount=COUNT,
                     averageDuration=NUMBER, successRate=NUMBER,
                     lastExecution=or_null(object_(_RUN))),
}  # fmt: skip


def _unless(shape: Schema, **members: Schema) -> Schema:
    """The same, with members that are not always there."""
    return {**shape, "properties": {**shape["properties"], **members}}


def _open(**members: Schema) -> Schema:
    """An object with these members, and whatever else happened."""
    return {**object_(**members), "additionalProperties": True}


OPERATOR_SCHEMAS: Final[dict[str, Schema]] = {
    "Notice": object_(_NOTICE),
    "NoticeWithBytes": object_(
        _NOTICE, rawKept=FLAG,
        raw=or_null(object_(method=TEXT, headers=NOTES, query=TEXT, body=or_null(TEXT),
                            bodyBase64=TEXT)),
    ),
    "UnmatchedMoney": object_(_UNMATCHED),
    "AssignedMoney": object_(_UNMATCHED, payment=ref("Payment")),
    "StartedAttempt": object_(
        paymentId=TEXT, attemptId=or_null(TEXT), gateway=or_null(TEXT), checkout=ref("Checkout"),
        expiresAt=INSTANT, clientToken=TEXT,
    ),
    "Job": object_(
        _JOB, enabled=FLAG, every=COUNT, running=FLAG, lastRunAt=or_null(INSTANT),
        nextRunAt=or_null(INSTANT),
    ),
    "JobRun": object_(_LONG_RUN, jobName=TEXT),
    "JobHistory": _unless(
        object_(_JOB, recentExecutions=many(object_(_LONG_RUN))), enabled=FLAG
    ),
    "DashboardLink": object_(url=TEXT, role=one_of(("admin", "operator", "reader")),
                             expiresAt=INSTANT),
    "Alive": object_(status={"type": "string", "const": "ok"}),
    "Ready": _open(status=TEXT),
    "Played": _open(paymentId=TEXT),
    "Moved": _open(now=INSTANT),
    "MarketNow": _open(),
}  # fmt: skip
"""What `ref` may name, beside the shapes of payments and of what is sold."""


def text_answer(media_type: str, words: str = "As described.") -> dict[int | str, Any]:
    """An answer that is text of this type."""
    return {200: {"description": words, "content": {media_type: {"schema": TEXT}}}}
