"""Made-up payment links in every state, for the tests of the pages and for looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, AttemptState, Phase, Review
from tallystick.domain.snapshot import (
    AttemptPart,
    LinkPart,
    MatchMethod,
    Snapshot,
    TransactionPart,
)
from tallystick.web.pages import GatewayChoice, Language, Manner, PageKind, Site, Visit
from tallystick.web.pages.scene import Scene

NOW = datetime(2026, 11, 20, 7, 5, tzinfo=UTC)
# From vietnam-qr-pay 1.5.1: 150000 VND to 0123456789 at 970422, memo HB7K2M9QX.
QR = (
    "00020101021238540010A00000072701240006970422011001234567890208QRIBFTTA"
    "530370454061500005802VN62130809HB7K2M9QX63041174"
)
CHECKOUT = {
    "qr_code": QR,
    "bank_name": "MB Bank",
    "bank_bin": "970422",
    "account_number": "0123456789",
    "account_name": "CONG TY TNHH HOA SEN",
    "transfer_content": "HB7K2M9QX",
    "va_number": "VQRQABCDE1234",
    "checkout_url": "https://pay.example/web/3c1d5e7f",
}
GATEWAYS = (
    GatewayChoice("payos", "payOS", Manner.QR),
    GatewayChoice("sepay", "SePay", Manner.QR),
    GatewayChoice("onepay_vpc", "OnePay", Manner.HOSTED),
)
SITE = Site("https://pay.example", "Hoa Sen")
PLAIN = Snapshot(
    id="pay_01JD4Z0V7Q8W9X2Y3Z4A5B6C7D",
    purpose="payment_link",
    phase=Phase.OPEN,
    amount_state=AmountState.NONE,
    late=False,
    review=None,
    due=Money(150_000, "VND"),
    received_minor=0,
    refunded_minor=0,
    gateway=None,
    reference="merchant-reference-1042",
    owner_id="owner-77",
    description="Order 1042: two tickets to the water puppets, Saturday evening",
    metadata={"secret": "metadata-value"},
    return_url="https://shop.example/thanks",
    cancel_url="https://shop.example/basket",
    test_mode=False,
    created_at=NOW - timedelta(minutes=3),
    updated_at=NOW - timedelta(minutes=1),
    expires_at=NOW + timedelta(minutes=14, seconds=32),
    paid_at=None,
    as_of=NOW,
    source="poll",
    next_check_at=NOW + timedelta(seconds=8),
    version=3,
    attempt=None,
    link=LinkPart("plink_01JD4Z0V7Q8W9X2Y3Z4A5B6C7D", "Qx7KpR2m", ("payos", "sepay", "onepay_vpc")),
    last_event=None,
    transactions=(),
)


def attempt(
    state: AttemptState = AttemptState.AWAITING_PAYER, checkout: Mapping[str, str] = CHECKOUT
) -> AttemptPart:
    """An attempt at payOS; unless said otherwise, with everything that a checkout can have."""
    return AttemptPart("att_1", "payos", "HB7K2M9QX", state, checkout)


def offering(**checkout: str) -> AttemptPart:
    """An attempt that waits for the payer and gave just this."""
    return attempt(checkout=checkout)


@dataclass(frozen=True)
class Sample:
    """One page to look at."""

    scene: Scene
    snapshot: Snapshot
    page: PageKind = PageKind.PAY
    gateways: tuple[GatewayChoice, ...] = GATEWAYS
    now: datetime = NOW
    more: dict[str, Any] = field(default_factory=dict)

    def visit(self, language: Language = Language.ENGLISH) -> Visit:
        """Read by somebody who reads this language."""
        return Visit(language, self.now, self.page, **self.more)


def paid(**changes: Any) -> Snapshot:
    """A payment link that is paid."""
    exact: dict[str, Any] = {
        "phase": Phase.PAID,
        "amount_state": AmountState.EXACT,
        "received_minor": 150_000,
        "paid_at": NOW - timedelta(seconds=20),
        "attempt": attempt(AttemptState.SUCCEEDED),
        "transactions": (
            TransactionPart("FT26324123456789", "payos", PLAIN.due, NOW, "", MatchMethod.REFERENCE),
        ),
    }
    return replace(PLAIN, **{**exact, **changes})


OPEN = replace(PLAIN, attempt=attempt())
SOME = replace(OPEN, amount_state=AmountState.PARTIAL, received_minor=90_000)
OVER = timedelta(hours=1)
LANKA = replace(
    PLAIN,
    due=Money(150_000, "LKR"),
    description="Import licence fee",
    attempt=AttemptPart(
        "att_2", "govpay", "T1", AttemptState.AWAITING_PAYER,
        {"checkout_url": "https://govpay.example/s/1", "instructions": "Keep the\nreceipt."},
    ),
)  # fmt: skip
GOVPAY = (GatewayChoice("govpay", "GovPay", Manner.HOSTED), GatewayChoice("sandbox", "Sandbox"))

BILL = replace(
    LANKA,
    attempt=AttemptPart(
        "att_3", "govpay", "TS7K2M9QX4TW", AttemptState.AWAITING_PAYER,
        {"transfer_content": "TS7K2M9QX4TW", "instructions": "Open your bank's app."},
    ),
)  # fmt: skip

SAMPLES: dict[str, Sample] = {
    "draft": Sample(Scene.DRAFT, replace(PLAIN, phase=Phase.DRAFT)),
    "choose": Sample(Scene.CHOOSE, PLAIN),
    "choose_one_test": Sample(
        Scene.CHOOSE, replace(PLAIN, test_mode=True, cancel_url=None), gateways=GATEWAYS[:1]
    ),
    "unavailable": Sample(Scene.UNAVAILABLE, PLAIN, gateways=()),
    "preparing": Sample(Scene.PREPARING, replace(PLAIN, attempt=attempt(AttemptState.SUBMITTING))),
    "retry": Sample(
        Scene.RETRY,
        replace(PLAIN, attempt=attempt(AttemptState.FAILED)),
        more={"notice": "declined"},
    ),
    "waiting": Sample(Scene.WAITING, OPEN),
    "waiting_hosted": Sample(Scene.WAITING, LANKA, PageKind.SUCCESS, GOVPAY),
    "waiting_bill": Sample(Scene.WAITING, BILL, gateways=GOVPAY),
    "waiting_test": Sample(Scene.WAITING, replace(OPEN, test_mode=True)),
    "partial": Sample(Scene.PARTIAL, SOME),
    "other_currency": Sample(Scene.OTHER_CURRENCY, replace(OPEN, review=Review.WRONG_CURRENCY)),
    "closing": Sample(Scene.CLOSING, OPEN, now=NOW + OVER),
    "processing": Sample(
        Scene.PROCESSING,
        replace(OPEN, phase=Phase.PROCESSING, attempt=attempt(AttemptState.PROCESSING)),
        PageKind.SUCCESS,
    ),
    "paid": Sample(Scene.PAID, paid(), PageKind.SUCCESS),
    "paid_refunded": Sample(Scene.PARTLY_REFUNDED, paid(refunded_minor=50_000), PageKind.SUCCESS),
    "refunded": Sample(Scene.REFUNDED, paid(refunded_minor=150_000), PageKind.SUCCESS),
    "paid_late": Sample(Scene.PAID_LATE, paid(late=True), PageKind.SUCCESS),
    "paid_over": Sample(
        Scene.PAID_OVER,
        paid(amount_state=AmountState.OVER, received_minor=200_000),
        PageKind.SUCCESS,
    ),
    "expired": Sample(
        Scene.EXPIRED, replace(OPEN, phase=Phase.EXPIRED), PageKind.EXPIRED, now=NOW + OVER
    ),
    "expired_partial": Sample(
        Scene.EXPIRED_PARTIAL,
        replace(SOME, phase=Phase.EXPIRED),
        PageKind.EXPIRED,
        now=NOW + OVER,
    ),
    "canceled": Sample(Scene.CANCELED, replace(OPEN, phase=Phase.CANCELED), PageKind.CANCELED),
    "canceled_money": Sample(
        Scene.CANCELED_MONEY, replace(SOME, phase=Phase.CANCELED), PageKind.CANCELED
    ),
}
