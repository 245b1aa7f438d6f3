"""Cancel: the merchant takes the offer back, after one last question."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, GatewayRefused
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import AttemptState, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.settle import settle
from tallystick.gateways.base import AttemptRef
from tallystick.store import attempts, jobs, payments, snapshots

_TAKEN_BACK = {AttemptState.UNKNOWN, AttemptState.SUBMITTING, AttemptState.AWAITING_PAYER}


async def cancel(hub: Hub, payment_id: str) -> Snapshot:
    """Close an offer for good. Safe to repeat. Raises NotFound, Conflict where money is there.

    The gateways are told by job rows written in the same transaction.
    """
    await settle(hub, payment_id)
    now = hub.now()
    ended = Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.CANCELED, observed_at=now)

    def body(tx: Connection) -> Snapshot:
        payments.lock(tx, payment_id)
        snapshot = found(snapshots.find(tx, payment_id))
        if snapshot.phase is Phase.CANCELED:
            return snapshot
        _refuse_unless_open(snapshot)
        withdraw(tx, hub, payment_id, now)
        return record(tx, hub, payment_id, [Heard(ended)], Answers()).snapshot

    snapshot = await hub.database.write(body)
    hub.bell.ring()
    hub.live.publish(snapshot)
    return snapshot


def withdraw(tx: Connection, hub: Hub, payment_id: str, now: datetime) -> None:
    """Have every offer of the payment taken back at the gateways where that can be done."""
    for attempt in attempts.of_payment(tx, payment_id):
        gateway = hub.gateways.get(attempt.gateway)
        if attempt.state in _TAKEN_BACK and gateway and gateway.capabilities.cancels:
            jobs.add(tx, "cancel_attempt", f"cancel/{attempt.id}",
                     {"paymentId": payment_id, "attemptId": attempt.id}, now)  # fmt: skip


def _refuse_unless_open(snapshot: Snapshot) -> None:
    if snapshot.phase is Phase.PAID:
        raise Conflict("The payment is paid; give the money back by a refund instead.")
    if snapshot.phase is Phase.PROCESSING:
        raise Conflict(
            "Money is on its way; wait until the gateway confirms or withdraws it. One that never "
            "does is ended by a person: close the payment, with a reason."
        )
    if snapshot.phase is Phase.EXPIRED:
        raise Conflict("The payment has expired already.")


async def cancel_attempt(hub: Hub, payload: dict[str, str]) -> None:
    """Tell the gateway; a job, repeated until it answers. Raises GatewayUnreachable and its kin."""
    tries = await hub.database.read(lambda tx: attempts.of_payment(tx, payload["paymentId"]))
    for attempt in tries:
        if attempt.id == payload["attemptId"]:
            reference = AttemptRef(
                attempt.id, attempt.our_ref, attempt.provider_id, attempt.money,
                attempt.created_at, attempt.memo,
            )  # fmt: skip
            try:
                await hub.gateway(attempt.gateway).cancel(reference, "Canceled by the merchant")
            except GatewayRefused:
                # The payer was quicker, or it is over there: then the books tell, not more tries.
                await settle(hub, attempt.payment_id)
