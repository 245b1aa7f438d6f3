"""The shapes of the core's answers, by the names that the API description gives them."""

from typing import Final

from typing_extensions import TypedDict

from tallystick.domain import document
from tallystick.domain.answer_types import Instant
from tallystick.web import (
    books,
    dashboard,
    depends,
    effects,
    events,
    health,
    notices,
    payer,
    problems,
    rates,
    reconciliations,
    refunds,
    shapes,
    unmatched,
    webhook_endpoints,
)
from tallystick.web.answer_schemas import Schemas


class PlayedAnswer(TypedDict):
    """What the sandbox played, and what came of it."""

    paymentId: str


class MovedAnswer(TypedDict):
    """When it is in the sandbox now, and what happened on the way."""

    now: Instant


class MarketNowAnswer(TypedDict):
    """What the sandbox's exchange rates are now."""


SCHEMAS: Final = Schemas(
    problems.ProblemAnswer,
    depends.PaginationAnswer,
    document.CheckoutAnswer,
    document.AttemptAnswer,
    document.PaymentForPayersAnswer,
    document.PaymentAnswer,
    document.TransactionAnswer,
    document.TransactionInfoAnswer,
    shapes.PaymentStatusAnswer,
    shapes.ProofAnswer,
    shapes.PaymentLinkAnswer,
    shapes.PaymentLinkStatusAnswer,
    shapes.JobAnswer,
    shapes.JobRunAnswer,
    shapes.JobHistoryAnswer,
    effects.EffectAnswer,
    health.AliveAnswer,
    health.ReadyAnswer,
    health.GatewayAnswer,
    events.EventAnswer,
    events.EventWithDeliveriesAnswer,
    events.DeliveryAttemptAnswer,
    events.DeliveryAnswer,
    events.ResentAnswer,
    webhook_endpoints.WebhookEndpointAnswer,
    webhook_endpoints.WebhookEndpointWithSecretAnswer,
    rates.ExchangeRatesAnswer,
    refunds.RefundAnswer,
    refunds.RefundTransferAnswer,
    reconciliations.DifferenceAnswer,
    reconciliations.ReconciliationAnswer,
    books.BalanceAnswer,
    books.BookedFeeAnswer,
    notices.NoticeAnswer,
    notices.NoticeWithBytesAnswer,
    unmatched.UnmatchedMoneyAnswer,
    unmatched.AssignedMoneyAnswer,
    payer.StartedAttemptAnswer,
    dashboard.DashboardLinkAnswer,
    PlayedAnswer,
    MovedAnswer,
    MarketNowAnswer,
)
"""What `ref` may name, beside what is sold and what is sent."""
