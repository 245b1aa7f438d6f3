"""The shapes of the answers, as JSON Schema for the API description."""

from typing import Final

from tallystick.domain.access import GrantState
from tallystick.domain.exchange import RateSource
from tallystick.domain.link import LinkStatus
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.domain.reconciliation import Match
from tallystick.domain.refund import RefundSignal, RefundSource, RefundState
from tallystick.domain.snapshot import MatchMethod, PaymentError
from tallystick.products.gift_cards.rules import CardState, HoldState, MovementKind
from tallystick.products.orders.coupon import CouponType, SyncOutcome
from tallystick.products.orders.rules import OrderReview, OrderStatus
from tallystick.products.revenue.referral import CommissionStatus, LineKind, Tier
from tallystick.products.tasks.rules import TaskState
from tallystick.products.wallets.rules import TopupStatus
from tallystick.web import schema_parts as part
from tallystick.web.schema_parts import Schema, one, ref, several

__all__ = ["SCHEMAS", "Schema", "one", "ref", "several"]

_TEXT, _FLAG, _WHOLE, _COUNT, _NUMBER = part.TEXT, part.FLAG, part.WHOLE, part.COUNT, part.NUMBER
_MINOR, _SIGNED, _PERCENT, _CURRENCY = part.MINOR, part.SIGNED, part.PERCENT, part.CURRENCY
_INSTANT, _NOTES = part.INSTANT, part.NOTES
_one_of, _or_null, _many, _object = part.one_of, part.or_null, part.many, part.object_


def _for_keys(*groups: dict[str, Schema], **members: Schema) -> Schema:
    """The same, and for key holders the transfers that came."""
    shape = _object(*groups, **members)
    shape["properties"] |= {"transactions": _many(ref("Transaction"))}
    return shape


_MONEY: Final = {"amount": _MINOR, "currency": _CURRENCY}
_TRANSFER: Final = {**_MONEY, "transactionId": _TEXT, "gateway": _TEXT, "paidAt": _INSTANT}
_TOLERANCE: Final = _object(amount=_MINOR)
_STANDING: Final = {
    "amountState": _one_of(AmountState),
    "late": _FLAG,
    "received": _MINOR,
    "expiresAt": _INSTANT,
    "version": _COUNT,
}
_NEXT: Final = {"asOf": _or_null(_INSTANT), "nextCheckAt": _or_null(_INSTANT)}
_TOPUP: Final = {
    **_MONEY, **_STANDING, **_NEXT, "tx_ref": _TEXT, "status": _one_of(TopupStatus),
    "confirmed_at": _or_null(_INSTANT), "final": _FLAG,
}  # fmt: skip
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

_OWN_TASK: Final = {
    **_MONEY,
    "id": _TEXT,
    "status": _one_of(TaskState),
    "serviceType": _or_null(_TEXT),
    "ownerId": _or_null(_TEXT),
    "paymentId": _or_null(_TEXT),
    "session": _or_null(
        _object(paymentId=_TEXT, gateway=_or_null(_TEXT), referenceNumber=_or_null(_TEXT),
                phase=_one_of(Phase), expiresAt=_INSTANT, number=_COUNT,
                paymentError=_or_null(_one_of(PaymentError)))
    ),
    "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
    "completedAt": _or_null(_INSTANT),
}  # fmt: skip
_ORDER: Final = {
    **_MONEY,
    "id": _TEXT, "couponCode": _or_null(_TEXT), "userId": _or_null(_TEXT), "email": _TEXT,
    "productType": _TEXT, "quantity": _COUNT, "originalAmount": _MINOR,
    "status": _one_of(OrderStatus), "review": _or_null(_one_of(OrderReview)),
    "paymentProvider": _TEXT, "paymentId": _TEXT, "referredBy": _or_null(_TEXT),
    "discountAmount": _MINOR,
    "discountRate": {**_NUMBER, "description": "Percent of originalAmount."},
    "couponDiscount": _MINOR, "referralDiscount": _MINOR, "refundedAmount": _MINOR,
    "teamId": _or_null(_TEXT), "githubUsername": _or_null(_TEXT), "vatInvoiceRequested": _FLAG,
    "metadata": _NOTES, "createdAt": _INSTANT, "updatedAt": _INSTANT,
    "completedAt": _or_null(_INSTANT),
}  # fmt: skip
_GIFT_CARD: Final = {
    **_MONEY,
    "id": _TEXT, "status": _one_of(CardState), "balance": _MINOR, "held": _MINOR, "email": _TEXT,
    "language": _TEXT, "paymentId": _TEXT, "createdAt": _INSTANT, "issuedAt": _or_null(_INSTANT),
}  # fmt: skip
_TO_PAY: Final = {"checkout": _or_null(ref("Checkout")), "expiresAt": _INSTANT}
_RATE: Final = {
    "commissionRate": {**_NUMBER, "maximum": 1, "description": "A fraction: 0.20 is 20 %."},
    "commissionPercent": _PERCENT,
}
_PRICES: Final[Schema] = {"type": "object", "additionalProperties": _MINOR}

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
    "StartedTopup": _object(
        _MONEY, txRef=_TEXT, tx_ref=_TEXT, checkoutUrl=_or_null(_TEXT), qrCode=_or_null(_TEXT),
        orderCode={"anyOf": [{"type": "integer"}, _TEXT, {"type": "null"}]},
        status=_one_of(TopupStatus), expiresAt=_INSTANT, clientToken=_TEXT, ownerId=_TEXT,
        paymentId=_TEXT, gateway=_or_null(_TEXT), checkout=ref("Checkout"),
    ),
    "TopupStatus": _object(_TOPUP),
    "TopupSummary": _object(
        _TOPUP, ownerId=_TEXT, paymentId=_TEXT, gateway=_or_null(_TEXT), createdAt=_INSTANT
    ),
    "Wallet": _object(
        ownerId=_TEXT, balances={"type": "object", "additionalProperties": _MINOR}
    ),
    "WalletEntry": _object(
        id=_TEXT, type=_TEXT, amount={"type": "integer", "description": "Negative: money out."},
        currency=_CURRENCY, reference=_or_null(_TEXT), tx_ref=_or_null(_TEXT),
        paymentId=_or_null(_TEXT), createdAt=_INSTANT,
    ),
    "Spend": _object(
        _MONEY, id=_TEXT, ownerId=_TEXT, reference=_TEXT, balance=_MINOR, createdAt=_INSTANT
    ),
    "OwnTask": _object(_OWN_TASK),
    "Task": _object(
        _OWN_TASK, callbackUrl=_TEXT, reference=_or_null(_TEXT), metadata=_NOTES,
        callback=_or_null(
            _object(status=_one_of(("pending", "delivered", "failed")), tries=_COUNT,
                    error=_or_null(_TEXT), nextTryAt=_or_null(_INSTANT),
                    deliveredAt=_or_null(_INSTANT))
        ),
    ),
    "TaskSession": _object(
        taskId=_TEXT, status=_one_of(TaskState), gateway=_TEXT, gatewayUrl=_or_null(_TEXT),
        pageUrl=_or_null(_TEXT), referenceNumber=_or_null(_TEXT), expiresAt=_INSTANT,
        paymentId=_TEXT, checkout=ref("Checkout"), clientToken=_TEXT,
    ),
    "GiftCardSale": _object(
        _MONEY, orderCode=_or_null(_TEXT), onePayOrderId=_or_null(_TEXT), vaNumber=_or_null(_TEXT),
        qrCode=_or_null(_TEXT), qrCodeUrl=_or_null(_TEXT), expiredAt=_INSTANT,
        giftCardCode={"type": "null"}, id=_TEXT, paymentId=_TEXT, clientToken=_or_null(_TEXT),
        gateway=_or_null(_TEXT), gatewayOrderId=_or_null(_TEXT), checkoutUrl=_or_null(_TEXT),
        transferContent=_or_null(_TEXT),
    ),
    "GiftCardPayment": {
        **_object(status=_TEXT, code=_TEXT, amount=_MINOR, email=_TEXT, message=_TEXT),
        "required": ["status"],
    },
    "OldRefusal": _object(error=_TEXT),
    "GiftCardOrder": _object(orderId=_TEXT, status=_TEXT, amount=_MINOR),
    "ListedGiftCard": _object(
        _GIFT_CARD, gateway=_or_null(_TEXT), gatewayOrderId=_or_null(_TEXT),
        orderCode=_or_null(_TEXT),
    ),
    "GiftCard": _object(
        _GIFT_CARD,
        history=_many(_object(id=_TEXT, type=_one_of(MovementKind), amount=_MINOR,
                              reference=_or_null(_TEXT), balance=_MINOR, at=_INSTANT)),
    ),
    "GiftCardRedemption": _object(
        _MONEY, id=_TEXT, redemptionId=_TEXT, reference=_TEXT, balance=_MINOR, at=_INSTANT,
    ),
    "GiftCardHold": _object(
        _MONEY, id=_TEXT, cardId=_TEXT, status=_one_of(HoldState), reference=_TEXT,
        captured=_MINOR, createdAt=_INSTANT, expiresAt=_INSTANT,
    ),
    "ExchangeRates": _object(
        base=_CURRENCY, source=_one_of(RateSource), asOf=_INSTANT,
        rates={"type": "object", "additionalProperties": _NUMBER},
    ),
    "Referrer": _object(
        id=_TEXT, email=_TEXT, code=_TEXT, buyerDiscountPercent=_PERCENT, tier=_one_of(Tier),
        **_RATE, revenue=_SIGNED, balance=_SIGNED, currency=_CURRENCY,
        balances={"type": "object", "additionalProperties": _SIGNED},
        nextTier=_or_null(_object({"tier": _one_of(Tier), "from": _MINOR})), createdAt=_INSTANT,
    ),
    "Commission": _object(
        id=_TEXT, orderId=_TEXT, referrerId=_TEXT, orderAmount=_MINOR, orderCurrency=_CURRENCY,
        **_RATE, commissionAmount=_MINOR, commissionCurrency=_CURRENCY,
        orderAmountUsdCents=_MINOR, commissionAmountUsdCents=_MINOR, exchangeRate=_NUMBER,
        exchangeRateSource=_one_of(RateSource), exchangeRateAt=_INSTANT,
        status=_one_of(CommissionStatus), createdAt=_INSTANT, updatedAt=_INSTANT,
        clawedBackAmount=_MINOR, paidOutAmount=_MINOR, approvedAt=_or_null(_INSTANT),
        paidAt=_or_null(_INSTANT), cancelledAt=_or_null(_INSTANT),
        lines=_many(_object(kind=_one_of(LineKind), amount=_SIGNED, currency=_CURRENCY,
                            usdCents=_SIGNED, at=_INSTANT)),
    ),
    "RevenueLine": _object(
        provider=_TEXT, currency=_CURRENCY, orderCount=_COUNT, amount=_MINOR, usdCents=_MINOR,
        refundCount=_COUNT, refundedAmount=_MINOR, refundedUsdCents=_MINOR,
    ),
    "Revenue": _object(
        totalUsdCents=_MINOR, byProvider={"type": "object", "additionalProperties": _MINOR},
        byCurrency={"type": "object", "additionalProperties": _MINOR}, orderCount=_COUNT,
        averageOrderValueCents=_MINOR, refundedUsdCents=_MINOR, netUsdCents=_SIGNED,
        conversionSources={"type": "object", "additionalProperties": _COUNT}, timeZone=_TEXT,
        lines=_many(ref("RevenueLine")),
    ),
    "MaintainerRevenue": _object(
        grossRevenue=_SIGNED, platformFees=_MINOR, operatingCosts=_MINOR, taxDeduction=_MINOR,
        netPayout=_SIGNED, currency=_CURRENCY, refunded=_MINOR, start=_TEXT, end=_TEXT,
    ),
    "Product": _object(
        productType=_TEXT, name=_TEXT, prices=_PRICES, description=_TEXT, licensed=_FLAG,
        access=_FLAG, active=_FLAG,
    ),
    "Order": _object(_ORDER),
    "NewOrder": _object(_ORDER, _TO_PAY, clientToken=_or_null(_TEXT)),
    "OrderForBuyers": _for_keys(
        _ORDER, _TO_PAY,
        licence=_or_null(_object(id=_TEXT, key=_or_null(_TEXT), seats=_COUNT, issuedAt=_INSTANT,
                                 revokedAt=_or_null(_INSTANT))),
        access=_or_null(_object(place=_TEXT, githubUsername=_TEXT, state=_one_of(GrantState),
                                note=_TEXT)),
    ),
    "ListedOrder": _for_keys(_ORDER, amountUsdCents=_or_null(_MINOR), displayAmount=_TEXT),
    "AdminOrders": _object(
        orders=_many(ref("ListedOrder")), pagination=_object(page=_COUNT, limit=_COUNT,
                                                             hasMore=_FLAG),
    ),
    "Coupon": _object(
        id=_TEXT, code=_TEXT, type=_one_of(CouponType), percent=_or_null(_COUNT),
        amounts=_or_null(_PRICES), maxRedemptions=_or_null(_COUNT), perCustomer=_or_null(_COUNT),
        reserved=_COUNT, redeemed=_COUNT, redeemedElsewhere=_COUNT, remaining=_or_null(_COUNT),
        expiresAt=_or_null(_INSTANT), active=_FLAG, polarDiscountId=_or_null(_TEXT),
        polarOutcome=_or_null(_one_of(SyncOutcome)), polarToldAt=_or_null(_INSTANT),
        createdAt=_INSTANT, updatedAt=_INSTANT,
    ),
    "LicenceKey": _object(format=_TEXT, algorithm=_TEXT, publicKey=_TEXT, pem=_TEXT),
    "LicenceStanding": _object(
        valid=_FLAG, productType=_or_null(_TEXT), seats=_or_null(_COUNT),
        revokedAt=_or_null(_INSTANT),
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
