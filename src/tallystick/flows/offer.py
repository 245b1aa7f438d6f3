"""Make the offer of an attempt at its gateway, and write down what came of it."""

import asyncio
import hmac

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    RaceLost,
)
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Attempt, AttemptState, Payment
from tallystick.domain.sealing import FORMS, derived
from tallystick.flows.hub import Hub, found
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.settle import settle
from tallystick.gateways.base import Checkout, CheckoutOrder
from tallystick.store import attempts, links, payments, snapshots

log = structlog.get_logger()


async def make_offer(hub: Hub, payment: Payment, attempt: Attempt, *, alone: bool) -> None:
    """Ask the gateway for a checkout. Safe to repeat: the gateway knows it by `our_ref`.

    An answer that never came leaves the attempt `unknown`, and one question is put at once; it is
    not an error. A clear no fails the attempt, and the payment with it where it is `alone`.
    Raises GatewayRefused, GatewayUnavailable.
    """
    gateway = hub.gateway_of(attempt)
    if gateway is None:
        raise GatewayUnavailable(f"The account {attempt.account} is not configured any more.")
    order = await hub.database.read(lambda tx: order_of(tx, hub, payment, attempt))
    try:
        checkout = await gateway.open_checkout(order)
    except GatewayUnreachable as error:
        hub.note_gateway_error(gateway.name, error.detail)
        log.warning("offer_unknown", gateway=gateway.name, attempt=attempt.id, why=error.detail)
        await hub.database.write(lambda tx: attempts.unanswered(tx, attempt.id))
        if error.sent:
            await settle(hub, payment.id)
    except (GatewayRefused, GatewayUnavailable) as error:
        why = error.detail
        await hub.database.write(lambda tx: _failed(tx, hub, payment, attempt, why, alone=alone))
        raise
    else:
        await hub.database.write(lambda tx: _offered(tx, payment.id, attempt, checkout))


async def make_offer_soon(hub: Hub, payment: Payment, attempt: Attempt, *, alone: bool) -> None:
    """The same for somebody who waits: after some seconds it goes on without them.

    Then watchers are told when it is there; what is still missing after that is finished by the
    payment's timer. Raises GatewayRefused, GatewayUnavailable where they come in time.
    """
    making = hub.go_on(make_offer(hub, payment, attempt, alone=alone))
    await asyncio.wait({making}, timeout=hub.settings.offer_patience_s)
    if making.done():
        making.result()
    else:
        log.info("offer_late", gateway=attempt.gateway, attempt=attempt.id)
        hub.go_on(_tell_later(hub, payment.id, making))


async def _tell_later(hub: Hub, payment_id: str, making: "asyncio.Task[None]") -> None:
    try:
        await making
    except HubError as error:
        # The payment says so itself: it was canceled for it.
        log.warning("late_offer_refused", payment=payment_id, why=error.detail)
    except Exception:
        log.exception("late_offer_failed", payment=payment_id)
    hub.live.publish(found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id))))


def form_ticket(hub: Hub, attempt_id: str) -> str:
    """Names an attempt to whoever was given its checkout, and nobody can make one up."""
    proof = hmac.digest(derived(hub.secret, FORMS).newest, attempt_id.encode(), "sha256")
    return f"{attempt_id}.{proof[:16].hex()}"


def order_of(tx: Connection, hub: Hub, payment: Payment, attempt: Attempt) -> CheckoutOrder:
    """What a gateway is asked to collect for an attempt; the same each time."""
    base = hub.settings.base_url.rstrip("/")
    link = links.of_payment(tx, payment.id)
    here = base if link is None else f"{base}/pay/{link.short_code}"
    return CheckoutOrder(
        attempt_id=attempt.id,
        our_ref=attempt.our_ref,
        memo=attempt.memo,
        amount=attempt.money,
        description=payment.description,
        return_url=payment.return_url or here if link is None else here,
        cancel_url=payment.cancel_url or here if link is None else f"{here}/canceled",
        expires_at=payment.expires_at,
        form_url=f"{base}/pay/form/{form_ticket(hub, attempt.id)}",
    )


def _offered(tx: Connection, payment_id: str, attempt: Attempt, checkout: Checkout) -> None:
    before = payments.lock(tx, payment_id)
    attempts.offered(tx, attempt.id, checkout.provider_id, checkout.document())
    if before is None or not payments.move(tx, before, before):
        raise RaceLost("Another writer moved this payment first.")


def _failed(
    tx: Connection, hub: Hub, payment: Payment, attempt: Attempt, why: str, *, alone: bool
) -> None:
    attempts.set_state(tx, attempt.id, AttemptState.FAILED)
    if alone:
        ended = Evidence(
            Source.OPERATOR, Trust.OPERATOR, Claim.CANCELED, observed_at=hub.now(), note=why
        )
        record(tx, hub, payment.id, [Heard(ended)], Answers())
        payments.release_reference(tx, payment.id)
