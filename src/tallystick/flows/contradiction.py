"""Contradiction: a gateway goes back on its word about money that was counted.

Nothing of it changes the books by itself: a person is told, and the merchant's systems.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.document import payment as payment_document
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.money import Money
from tallystick.domain.payment import Attempt
from tallystick.domain.refund import LATE_POLICY, Refund, RefundState
from tallystick.flows.hub import Hub, found
from tallystick.gateways.base import Verdict
from tallystick.store import outbox, refunds, snapshots
from tallystick.store.outbox import News

DISPUTED = "payment.disputed"


def said(note: str, now: datetime, attempt_id: str | None = None) -> Evidence:
    """Evidence that does not go with what was counted; `note` is the sentence that says why."""
    return Evidence(
        source=Source.STATEMENT,
        trust=Trust.FETCHED,
        claim=Claim.PENDING,
        observed_at=now,
        attempt_id=attempt_id,
        conflict=True,
        note=note,
    )


def fresh(told: Iterable[Evidence], known: Iterable[Evidence]) -> list[Evidence]:
    """What nobody was told yet: the same sentence about one payment is told once."""
    notes = {item.note for item in known if item.note}
    return [item for item in told if item.note not in notes]


def vanished(
    hub: Hub, tries: Sequence[Attempt], verdicts: Mapping[str, Verdict],
    known: Sequence[Evidence], now: datetime,
) -> list[Evidence]:  # fmt: skip
    """Money that a gateway had shown us for an offer, and that its whole answer shows no more."""
    gone = [
        (attempt, credit)
        for attempt in tries
        if attempt.id in verdicts
        and (gateway := hub.gateway_of(attempt)) is not None
        and gateway.capabilities.shows_whole
        for credit in _shown(attempt, known)
        if credit.name not in {one.name for one in verdicts[attempt.id].credits}
    ]
    told = [
        said(missing(credit.gateway, credit.transaction_id, credit.money), now, attempt.id)
        for attempt, credit in gone
    ]
    return fresh(told, known)


def missing(gateway: str, transaction_id: str, money: Money) -> str:
    """The sentence about one credit that is not there any more."""
    return (
        f"{gateway} does not show {money} any more (transaction {transaction_id}), which was "
        "counted; a person decides."
    )


def still_owed(
    tx: Connection, payment_id: str, known: Iterable[Evidence], now: datetime
) -> list[Evidence]:
    """Money that is owed to somebody, and that nobody sends any more.

    Refunds that had succeeded and came back, and those of late money that did not go through.
    """
    told = [said(_not_there(one), now) for one in refunds.still_owed(tx, payment_id)]
    return fresh(told, known)


def tell(
    tx: Connection, payment_id: str, items: Iterable[Evidence], now: datetime,
    about: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Tell the merchant's systems, with the payment as it stands and the reason."""
    for item in items:
        payment = payment_document(found(snapshots.find(tx, payment_id)))
        data = {**payment, "dispute": {"reason": item.note, **(about or {})}}
        outbox.tell(tx, News(DISPUTED, item.key, payment_id, data, payment_id), now)


def _shown(attempt: Attempt, known: Iterable[Evidence]) -> list[Credit]:
    """What our own questions about this offer were answered and we counted."""
    credits_ = {
        credit.name: credit
        for item in known
        if item.counts and item.source is Source.FETCH and item.attempt_id == attempt.id
        for credit in item.credits
    }
    return list(credits_.values())


def _not_there(refund: Refund) -> str:
    if refund.requested_by == LATE_POLICY and refund.state is RefundState.FAILED:
        return (
            f"{refund.money} that came after the deadline did not go back by {refund.gateway} "
            f"(refund {refund.id}): {refund.failure or 'no reason was given'} A person decides."
        )
    return (
        f"{refund.gateway} took the refund {refund.id} back: {refund.money} are here again, and "
        "the payer does not have them; a person decides."
    )
