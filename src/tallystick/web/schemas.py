"""The shapes of the answers, as JSON Schema for the API description."""

from typing import Final

from tallystick.domain.exchange import RateSource
from tallystick.domain.link import LinkStatus
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.domain.reconciliation import Match
from tallystick.domain.refund import RefundSignal, RefundSource, RefundState
from tallystick.domain.snapshot import MatchMethod
from tallystick.web import schema_parts as part
from tallystick.web.schema_parts import Schema, one, ref, several

__all__ = ["SCHEMAS", "Schema", "one", "ref", "several"]

_TEXT, _FLAG, _WHOLE, _COUNT, _NUMBER = part.TEXT, part.FLAG, part.WHOLE, part.COUNT, part.NUMBER
_MINOR, _SIGNED, _PERCENT, _CURRENCY = part.MINOR, part.SIGNED, part.PERCENT, part.CURRENCY
_INSTANT, _NOTES = part.INSTANT, part.NOTES
_one_of, _or_null, _many, _object = part.one_of, part.or_null, part.many, part.object_


_MONEY, _STANDING, _NEXT = part.MONEY, part.STANDING, part.NEXT
_TRANSFER: Final = {**_MONEY, "transactionId": _TEXT, "gateway": _TEXT, "paidAt": _INSTANT}
_TOLERANCE: Final = _object(amount=_MINOR)
_TOLD: Final = {"statusMessage": _TEXT, "advice": _TEXT, "final": _FLAG}
_DATES: Final = {"createdAt": _INSTANT, "updatedAt": _INSTANT, "paidAt": _or_null(_INSTANT)}
_CHECKOUT: Final = (
    "checkoutUrl", "qrCode", "bankName", "bankBin", "accountNumber", "accountName",
    "transferContent", "vaNumber", "instructions",
)  # fmt: skip
_PAYEE: Final = (
    "bankBin", "bankName", "accountNumber", "accountName", "qrCode", "qrCodeSvg",
)  # fmt: skip
_FOR_PAYERS: Final = {
    **_MONEY,
    **_STANDING,
    **_NEXT,
    **_DATES,
    "id": _TEXT,
    "phase": _one_of(Phase),
    "refunded": _MINOR,
    "gateway": _or_null(_TEXT),
    "purpose": _TEXT,
    "description": _TEXT,
    "checkout": _or_null(ref("Checkout")),
    "returnUrl": _or_null(_TEXT),
    "cancelUrl": _or_null(_TEXT),
    "testMode": _FLAG,
}
_EVENT: Final = {
    "seq": _COUNT, "id": _TEXT, "type": _TEXT, "timestamp": _INSTANT, "subject": _TEXT,
    "paymentId": _or_null(_TEXT), "data": _NOTES,
}  # fmt: skip
_TRY: Final = {
    "at": _INSTANT, "durationMs": _COUNT, "status": _or_null(_COUNT), "error": _or_null(_TEXT),
    "response": _or_null(_TEXT),
}  # fmt: skip
_ENDPOINT: Final = {
    "id": _TEXT, "url": _TEXT, "events": _many(_TEXT), "description": _TEXT, "disabled": _FLAG,
    "disabledAt": _or_null(_INSTANT), "disabledReason": _or_null(_TEXT),
    "failingSince": _or_null(_INSTANT), "previousSecretUntil": _or_null(_INSTANT),
    "delivered": _COUNT, "failed": _COUNT, "dead": _COUNT, "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
}  # fmt: skip

SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": {
        **_object(
            type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT, code=_TEXT,
            requestId=_TEXT, error=_TEXT, errors=_many(_object(field=_TEXT, message=_TEXT)),
        ),
        "required": ["type", "title", "status", "detail", "code", "requestId", "error"],
    },
    "Pagination": _object(limit=_COUNT, nextCursor=_or_null(_TEXT), hasMore=_FLAG),
    "Checkout": _object({name: _or_null(_TEXT) for name in _CHECKOUT}),
    "Attempt": _object(id=_TEXT, gateway=_TEXT, state=_one_of(AttemptState)),
    "PaymentForPayers": _object(_FOR_PAYERS),
    "Payment": _object(
        _FOR_PAYERS, review=_or_null(_one_of(Review)), reference=_or_null(_TEXT),
        ownerId=_or_null(_TEXT), metadata=_NOTES, attempt=_or_null(ref("Attempt")),
        underpaymentTolerance=_TOLERANCE, latePolicy=_one_of(LatePolicy),
        transactions=_many(ref("Transaction")),
    ),
    "PaymentStatus": _object(
        _MONEY, _STANDING, _NEXT, _TOLD, id=_TEXT, phase=_one_of(Phase), refunded=_MINOR,
        source=_or_null(_TEXT),
    ),
    "Proof": _object(
        id=_TEXT, phase=_one_of(Phase), amountState=_one_of(AmountState), late=_FLAG,
        review=_or_null(_one_of(Review)), due=_TEXT, nextCheckAt=_or_null(_INSTANT),
        decisions=_many(_object(action=_TEXT, reason=_TEXT, by=_TEXT, at=_INSTANT)),
        reasons=_many(_object(at=_INSTANT, source=_TEXT, trust=_TEXT, claim=_TEXT, before=_TEXT,
                              after=_TEXT, sentence=_TEXT, times=_COUNT, lastAt=_INSTANT)),
    ),
    "PaymentLink": _object(
        _MONEY, _STANDING, _DATES, id=_TEXT, shortCode=_TEXT, url=_TEXT, paymentId=_TEXT,
        currentStatus=_one_of(LinkStatus), description=_TEXT, gateways=_many(_TEXT),
        review=_or_null(_one_of(Review)), returnUrl=_or_null(_TEXT), metadata=_NOTES,
        underpaymentTolerance=_TOLERANCE, latePolicy=_one_of(LatePolicy),
    ),
    "Transaction": _object(_TRANSFER, memo=_or_null(_TEXT), matchMethod=_one_of(MatchMethod)),
    "TransactionInfo": _object(_TRANSFER),
    "PaymentLinkStatus": _object(
        _MONEY, _STANDING, _NEXT, _TOLD, id=_TEXT, shortCode=_TEXT, isExpired=_FLAG,
        currentStatus=_one_of(LinkStatus), refunded=_MINOR, lastEventType=_TEXT,
        lastEventTimestamp=_INSTANT, paymentMethod=_or_null(_TEXT),
        transactionInfo=_or_null(ref("TransactionInfo")), updatedAt=_INSTANT,
    ),
    "Effect": _object(
        id=_TEXT, kind=_TEXT, about=_TEXT, state=_one_of(("ready", "done", "dead")), tries=_COUNT,
        error=_or_null(_TEXT), dueAt=_or_null(_INSTANT), createdAt=_INSTANT,
        doneAt=_or_null(_INSTANT),
    ),
    "Gateway": _object(
        name=_TEXT, title=_TEXT, currencies=_or_null(_many(_CURRENCY)), cancels=_FLAG,
        verifies=_one_of(("fetch", "signed")), refunds=_one_of(("api", "manual", "none")),
        webhooks=_FLAG, tellsParts=_FLAG,
        health=_object(lastWebhookAt=_or_null(_INSTANT), lastPollAt=_or_null(_INSTANT),
                       errors=_COUNT, lastError=_or_null(_TEXT), lastErrorAt=_or_null(_INSTANT)),
    ),
    "Event": _object(_EVENT),
    "EventWithDeliveries": _object(_EVENT, deliveries=_many(ref("Delivery"))),
    "DeliveryAttempt": _object(_TRY),
    "Delivery": _object(
        endpointId=_TEXT, eventId=_TEXT, seq=_COUNT, type=_TEXT,
        state=_one_of(("waiting", "delivered", "dead")), tries=_COUNT,
        lastStatus=_or_null(_COUNT), error=_or_null(_TEXT), response=_or_null(_TEXT),
        nextTryAt=_or_null(_INSTANT), createdAt=_INSTANT, deliveredAt=_or_null(_INSTANT),
        attempts=_many(ref("DeliveryAttempt")),
    ),
    "Resent": _object(deliveries=_COUNT),
    "WebhookEndpoint": _object(_ENDPOINT),
    "WebhookEndpointWithSecret": _object(_ENDPOINT, secret=_TEXT),
    "ExchangeRates": _object(
        base=_CURRENCY, source=_one_of(RateSource), asOf=_INSTANT,
        rates={"type": "object", "additionalProperties": _NUMBER},
    ),
    "Refund": _object(
        _MONEY, id=_TEXT, paymentId=_TEXT, state=_one_of(RefundState),
        source=_one_of(RefundSource), method=_one_of(("api", "manual")), gateway=_TEXT,
        transactionId=_TEXT, providerId=_or_null(_TEXT), reason=_TEXT, keepAccess=_FLAG,
        failure=_or_null(_TEXT), bankReference=_or_null(_TEXT), requestedBy=_TEXT,
        transfer=_or_null(ref("RefundTransfer")), createdAt=_INSTANT, updatedAt=_INSTANT,
        closedAt=_or_null(_INSTANT), nextCheckAt=_or_null(_INSTANT),
        history=_many(_object(at=_INSTANT, before=_one_of(RefundState),
                              signal=_one_of(RefundSignal), after=_one_of(RefundState),
                              why=_TEXT)),
    ),
    "RefundTransfer": _object(
        _MONEY, {name: _or_null(_TEXT) for name in _PAYEE}, content=_TEXT, instructions=_TEXT,
    ),
    "Difference": _object(
        id=_TEXT, state=_one_of(("waiting", "resolved")), match=_one_of(Match), gateway=_TEXT,
        account=_TEXT, transactionId=_TEXT, paymentId=_or_null(_TEXT), currency=_CURRENCY,
        theirs=_or_null(_MINOR), ours=_or_null(_MINOR), booked=_or_null(_WHOLE),
        theirsRefunded=_or_null(_MINOR), oursRefunded=_or_null(_MINOR), sentence=_TEXT,
        reconciliationId=_TEXT, createdAt=_INSTANT,
        decisions=_many(_object(reason=_TEXT, by=_TEXT, at=_INSTANT)),
    ),
    "Reconciliation": _object(
        {"from": _INSTANT}, id=_TEXT, gateway=_TEXT, to=_INSTANT, matched=_COUNT, settled=_COUNT,
        differing=_COUNT, waiting=_COUNT, unheard=_many(_TEXT), at=_INSTANT,
        differences=_many(ref("Difference")),
    ),
    "Balance": _object(account=_TEXT, currency=_CURRENCY, balance={"type": "integer"}),
    "BookedFee": _object(_MONEY, gateway=_TEXT, reference=_TEXT),
}  # fmt: skip
"""What `ref` may name."""
