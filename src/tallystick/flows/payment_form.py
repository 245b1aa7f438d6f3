"""The form that a payer's browser posts, at gateways whose page opens in no other way."""

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import Connection

from tallystick.domain.errors import NotFound
from tallystick.domain.payment import Attempt, Payment, Phase
from tallystick.domain.sealing import same
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.offer import form_ticket, order_of
from tallystick.gateways.base import CheckoutForm, Gateway, PostsForm
from tallystick.store import attempts, payments, snapshots


@dataclass(frozen=True, slots=True)
class Posting:
    """A payment, and the form that takes its payer to the gateway while it can be paid."""

    snapshot: Snapshot
    gateway: Gateway
    form: CheckoutForm
    payable: bool


async def posting(hub: Hub, ticket: str) -> Posting:
    """The form behind a ticket. Raises NotFound for a ticket that is not ours."""
    attempt_id = ticket.partition(".")[0]
    if not same(ticket, form_ticket(hub, attempt_id)):
        raise NotFound("There is no payment here; ask the merchant for a new link.")
    return await hub.database.read(lambda tx: _made(tx, hub, attempt_id))


async def payers_address(hub: Hub, snapshot: Snapshot) -> str | None:
    """What the payer of the latest attempt opens; a form is written as an address with a query."""
    attempt = snapshot.attempt
    if attempt is None:
        return None
    if not isinstance(hub.account(attempt.gateway, attempt.account), PostsForm):
        return attempt.checkout.get("checkout_url")
    made = await hub.database.read(lambda tx: _made(tx, hub, attempt.id))
    return f"{made.form.action}?{urlencode(made.form.fields)}"


def _made(tx: Connection, hub: Hub, attempt_id: str) -> Posting:
    payment, attempt = _rows(tx, attempt_id)
    gateway = hub.gateway_of(attempt)
    if gateway is None or not isinstance(gateway, PostsForm):
        raise NotFound("This payment is not paid by a form.")
    form = gateway.checkout_form(order_of(tx, hub, payment, attempt))
    # Money that is on its way must not be joined by more.
    payable = payment.phase is Phase.OPEN and hub.now() < payment.expires_at
    return Posting(found(snapshots.find(tx, payment.id)), gateway, form, payable)


def _rows(tx: Connection, attempt_id: str) -> tuple[Payment, Attempt]:
    attempt = attempts.find(tx, attempt_id)
    payment = None if attempt is None else payments.find(tx, attempt.payment_id)
    if attempt is None or payment is None:
        raise NotFound("There is no payment here; ask the merchant for a new link.")
    return payment, attempt
