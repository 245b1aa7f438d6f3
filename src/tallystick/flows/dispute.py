"""Dispute: ask the gateways which payers' banks took money back, and put it before a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.dispute import Dispute, DisputeState
from tallystick.domain.errors import GatewayUnavailable, GatewayUnreachable
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.money import Money
from tallystick.domain.reconciliation import Difference
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import book_refund, contradiction
from tallystick.flows.hub import Hub
from tallystick.flows.record import Answers, Heard, record
from tallystick.gateways.abilities import Disputes, RefundVerdict
from tallystick.gateways.base import Gateway
from tallystick.store import attempts, evidence, payments, receipts, snapshots

LOOKED_BACK: Final = timedelta(days=180)
"""Card networks let a payer dispute for 120 days, and take some weeks to decide."""

log = structlog.get_logger()


async def read_disputes(hub: Hub) -> dict[str, Any]:
    """Read every account that has disputes; how much of it was news. Safe to repeat."""
    told, unread = 0, []
    for gateway in hub.accounts:
        if not isinstance(gateway, Disputes):
            continue
        try:
            listed = await gateway.list_disputes(hub.now() - LOOKED_BACK)
        except (GatewayUnavailable, GatewayUnreachable) as error:
            hub.note_gateway_error(gateway.name, error.detail)
            log.warning("disputes_unread", gateway=gateway.name, why=error.detail)
            unread.append(gateway.name)
            continue
        for dispute in listed:
            told += await take(hub, gateway, dispute)
    return {"told": told, "unread": unread}


async def take(hub: Hub, gateway: Gateway, dispute: Dispute) -> bool:
    """Note what one dispute came to; whether that was news."""
    snapshot = await hub.database.write(lambda tx: _note(tx, hub, gateway, dispute))
    if snapshot is None:
        return False
    log.warning("disputed", payment=snapshot.id, dispute=dispute.id, state=dispute.state)
    hub.live.publish(snapshot)
    return True


async def missing_from_list(hub: Hub, gateway: Gateway, line: Difference) -> bool:
    """A receipt that the account's list does not have any more; whether that was news."""
    if line.payment_id is None or line.ours is None:
        return False
    money = Money(line.ours, line.currency)
    note = contradiction.missing(gateway.name, line.transaction_id, money)
    payment_id, said = line.payment_id, contradiction.said(note, hub.now())
    snapshot = await hub.database.write(lambda tx: _tell(tx, hub, payment_id, said))
    if snapshot is not None:
        hub.live.publish(snapshot)
    return snapshot is not None


def _tell(
    tx: Connection,
    hub: Hub,
    payment_id: str,
    said: Evidence,
    about: Mapping[str, Any] | None = None,
) -> Snapshot | None:
    """The payment after it, or None where it was told before."""
    payments.lock(tx, payment_id)
    told = contradiction.fresh([said], evidence.of_payment(tx, payment_id))
    if not told:
        return None
    outcome = record(tx, hub, payment_id, [Heard(item) for item in told], Answers())
    contradiction.tell(tx, payment_id, told, hub.now(), about)
    return outcome.snapshot


def _note(tx: Connection, hub: Hub, gateway: Gateway, dispute: Dispute) -> Snapshot | None:
    """The payment after it, or None where it is not ours or was told before."""
    name = dispute.transaction_id
    owners = receipts.payments_with(tx, gateway.name, gateway.account, [name])
    payment_id = owners.pop() if len(owners) == 1 else None
    if payment_id is None:
        return None
    about = {
        "id": dispute.id, "status": str(dispute.state), "transactionId": name,
        "amount": dispute.amount.minor, "currency": dispute.amount.currency,
    }  # fmt: skip
    told = _tell(tx, hub, payment_id, _said(hub, dispute), about)
    if told is None or dispute.state is not DisputeState.LOST:
        return told
    _book(tx, hub, gateway, dispute, payment_id)
    return snapshots.find(tx, payment_id)


def _said(hub: Hub, dispute: Dispute) -> Evidence:
    if dispute.state is not DisputeState.WON:
        return contradiction.said(dispute.sentence(), hub.now())
    return Evidence(
        Source.CLOCK, Trust.OPERATOR, Claim.PENDING, observed_at=hub.now(), note=dispute.sentence()
    )


def _book(tx: Connection, hub: Hub, gateway: Gateway, dispute: Dispute, payment_id: str) -> None:
    """The bank has decided, and the money has left: a fact, like a refund that others made."""
    came_by = {
        one.attempt_id
        for one in receipts.of_payment(tx, payment_id, dispute.amount.currency)
        if (one.gateway, one.transaction_id) == (gateway.name, dispute.transaction_id)
    }
    verdict = RefundVerdict(
        dispute.id, "succeeded", dispute.amount, transaction_id=dispute.transaction_id
    )
    for attempt in attempts.of_payment(tx, payment_id):
        if attempt.id in came_by:
            book_refund.note(tx, hub, payment_id, attempt, (verdict,), hub.now())
