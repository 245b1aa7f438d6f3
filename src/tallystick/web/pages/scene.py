"""Which of the pay page's scenes is true: the payment's state, and where the payer is in it."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from tallystick.domain.link import Message, message
from tallystick.domain.payment import AttemptState, Phase
from tallystick.domain.snapshot import AttemptPart, Snapshot


class PageKind(StrEnum):
    """Which address was asked for: `/pay/{shortCode}` or one of the pages below it."""

    PAY = "pay"
    SUCCESS = "success"
    EXPIRED = "expired"
    CANCELED = "canceled"


class Scene(StrEnum):
    """What the page shows. The values of `Message`, and the steps of a payment that is open."""

    DRAFT = "draft"
    CHOOSE = "choose"
    UNAVAILABLE = "unavailable"
    PREPARING = "preparing"
    RETRY = "retry"
    WAITING = "waiting"
    PARTIAL = "partial"
    CLOSING = "closing"
    PROCESSING = "processing"
    PAID = "paid"
    PAID_LATE = "paid_late"
    PAID_OVER = "paid_over"
    EXPIRED = "expired"
    EXPIRED_PARTIAL = "expired_partial"
    CANCELED = "canceled"
    CANCELED_MONEY = "canceled_money"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    OTHER_CURRENCY = "other_currency"


class Tone(StrEnum):
    """The colour that goes with the words, never instead of them."""

    CALM = "calm"
    BUSY = "busy"
    ATTENTION = "attention"
    GOOD = "good"
    OVER = "over"


TONES: Final[dict[Scene, Tone]] = {
    Scene.DRAFT: Tone.OVER,
    Scene.CHOOSE: Tone.CALM,
    Scene.UNAVAILABLE: Tone.ATTENTION,
    Scene.PREPARING: Tone.BUSY,
    Scene.RETRY: Tone.ATTENTION,
    Scene.WAITING: Tone.CALM,
    Scene.PARTIAL: Tone.ATTENTION,
    Scene.CLOSING: Tone.BUSY,
    Scene.PROCESSING: Tone.BUSY,
    Scene.PAID: Tone.GOOD,
    Scene.PAID_LATE: Tone.GOOD,
    Scene.PAID_OVER: Tone.GOOD,
    Scene.EXPIRED: Tone.OVER,
    Scene.EXPIRED_PARTIAL: Tone.ATTENTION,
    Scene.CANCELED: Tone.OVER,
    Scene.CANCELED_MONEY: Tone.ATTENTION,
    Scene.REFUNDED: Tone.GOOD,
    Scene.PARTLY_REFUNDED: Tone.GOOD,
    Scene.OTHER_CURRENCY: Tone.ATTENTION,
}

# What the latest attempt makes of a payment that is open and has no money yet.
_ATTEMPTS: Final[dict[AttemptState, Scene]] = {
    AttemptState.CREATED: Scene.PREPARING,
    AttemptState.SUBMITTING: Scene.PREPARING,
    AttemptState.UNKNOWN: Scene.PREPARING,
    AttemptState.AWAITING_PAYER: Scene.WAITING,
    # The gateway speaks of money that is not counted yet: nobody should pay again now.
    AttemptState.PROCESSING: Scene.PROCESSING,
    AttemptState.SUCCEEDED: Scene.PROCESSING,
    AttemptState.FAILED: Scene.RETRY,
    AttemptState.EXPIRED: Scene.RETRY,
    AttemptState.CANCELED: Scene.RETRY,
}

_PAGES: Final[dict[Phase, PageKind]] = {
    Phase.DRAFT: PageKind.PAY,
    Phase.OPEN: PageKind.PAY,
    Phase.PROCESSING: PageKind.PAY,
    Phase.PAID: PageKind.SUCCESS,
    Phase.EXPIRED: PageKind.EXPIRED,
    Phase.CANCELED: PageKind.CANCELED,
}


def true_page(snapshot: Snapshot) -> PageKind:
    """The page that tells the truth about the payment now, whichever was asked for."""
    return _PAGES[snapshot.phase]


def page_path(short_code: str, kind: PageKind) -> str:
    """The address of a page below the server's own: `/pay/AbC123` or `/pay/AbC123/success`."""
    home = f"/pay/{short_code}"
    return home if kind is PageKind.PAY else f"{home}/{kind}"


def scene_of(snapshot: Snapshot, now: datetime, *, choices: bool) -> Scene:
    """The scene to show; `choices` says whether there is a gateway left to choose."""
    said = message(
        snapshot.phase, snapshot.amount_state, late=snapshot.late, returned=snapshot.returned,
        review=snapshot.review,
    )  # fmt: skip
    if snapshot.phase is not Phase.OPEN or said is Message.OTHER_CURRENCY:
        return Scene(said)
    if now >= snapshot.expires_at:
        return Scene.CLOSING
    if snapshot.received_minor >= snapshot.due.minor:
        return Scene.PROCESSING
    shown = Scene.PARTIAL if said is Message.PARTIAL else _while_open(snapshot.attempt)
    if shown in {Scene.CHOOSE, Scene.RETRY} and not choices:
        return Scene.UNAVAILABLE
    return shown


def _while_open(attempt: AttemptPart | None) -> Scene:
    if attempt is None:
        return Scene.CHOOSE
    shown = _ATTEMPTS[attempt.state]
    return Scene.PREPARING if shown is Scene.WAITING and not attempt.checkout else shown
