"""Cancel: the merchant takes the offer back, after one last question."""

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, GatewayRefused
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.settle import reference_of, settle
from tallystick.store import attempts, payments, snapshots


async def cancel(hub: Hub, payment_id: str) -> Snapshot:
    """Close an offer for good. Safe to repeat. Raises NotFound, Conflict where money is there.

    The gateways are told by job rows written in the same transaction (see withdraw).
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
        return record(tx, hub, payment_id, [Heard(ended)], Answers()).snapshot

    snapshot = await hub.database.write(body)
    hub.work_signal.ring()
    hub.live.publish(snapshot)
    return snapshot


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
    """Tell the gateway; a job, repeated until it answers. Raises GatewayUnreachable and its kin.

    Safe to repeat: what is over there already is a refusal, and then the books are asked.
    """
    attempt = await hub.database.read(lambda tx: attempts.find(tx, payload["attemptId"]))
    gateway = None if attempt is None else hub.gateway_of(attempt)
    if attempt is None or gateway is None:
        return
    try:
        await gateway.cancel(reference_of(attempt), "It is over at the merchant's.")
    except GatewayRefused:
        # The payer was quicker, or it is over there: then the books tell, not more tries.
        await settle(hub, attempt.payment_id)
