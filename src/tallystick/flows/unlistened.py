"""Offers of an account whose keys are not configured any more: nobody can be asked about them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Attempt, AttemptState, Payment, Phase
from tallystick.flows.hub import Hub

# The gateway itself has said that these are over, or was never told of them.
_OVER: Final = frozenset(
    {AttemptState.CREATED, AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CANCELED}
)


def unlistened(hub: Hub, payment: Payment, tries: Sequence[Attempt]) -> list[Attempt]:
    """The offers that may have been paid without our knowing, so that no deadline is proven."""
    return [
        attempt
        for attempt in tries
        if hub.gateway_of(attempt) is None
        and attempt.state not in _OVER
        and (attempt.as_of is None or attempt.as_of < payment.expires_at)
    ]


def handed_over(
    hub: Hub, payment: Payment, tries: Sequence[Attempt], known: Iterable[Evidence], now: datetime
) -> list[Evidence]:
    """What a person is told instead of an expiry, once."""
    if payment.phase not in {Phase.DRAFT, Phase.OPEN} or now < payment.expires_at:
        return []
    lost = unlistened(hub, payment, tries)
    if not lost or any(item.source is Source.CLOCK and item.conflict for item in known):
        return []
    accounts = " and ".join(sorted({f"{one.account} at {one.gateway}" for one in lost}))
    note = (
        f"The deadline passed, and its account is not configured any more ({accounts}): nobody can "
        "be asked whether it was paid, so a person decides."
    )
    told = Evidence(
        Source.CLOCK, Trust.OPERATOR, Claim.PENDING, observed_at=now, attempt_id=lost[-1].id,
        conflict=True, note=note,
    )  # fmt: skip
    return [told]
