"""Checkout: a wish to be paid becomes an open payment, and an offer at a gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from tallystick.domain.errors import (
    Conflict,
    GatewayNotOffered,
    GatewayRefused,
    GatewayUnavailable,
    TooMany,
)
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.ids import capability, new_id, short_code
from tallystick.domain.money import Money
from tallystick.domain.payment import (
    STILL_AWAITED,
    AmountState,
    Attempt,
    AttemptState,
    LatePolicy,
    Payment,
    Phase,
    Tolerance,
)
from tallystick.domain.sealing import fingerprint
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.idempotency import first, give_up, last, whole
from tallystick.flows.offer import make_offer, make_offer_soon
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.return_addresses import refuse_foreign
from tallystick.store import attempts, credentials, links, payments, snapshots

MOST_ATTEMPTS: Final = 20
S = TypeVar("S")
Beside = Callable[[Connection, Payment], S]
"""Writes what is sold through the payment, in the transaction that makes it. It may refuse."""


@dataclass(frozen=True, slots=True)
class Opened(Generic[S]):
    """A payment that was opened, with its payer's client token and what is sold through it."""

    snapshot: Snapshot
    token: str
    sold: S


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be paid for. `gateways` are those that the payer may use.

    `late_policy` and `tolerance` are the server's own where they are not given.
    """

    amount: Money
    gateways: tuple[str, ...]
    purpose: str = "plain"
    description: str = ""
    reference: str | None = None
    owner_id: str | None = None
    return_url: str | None = None
    cancel_url: str | None = None
    expires_in: timedelta = timedelta(days=1)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    test_mode: bool = False
    draft: bool = False
    late_policy: LatePolicy | None = None
    tolerance: Tolerance | None = None


async def create_payment(hub: Hub, wish: Wish) -> Opened[None]:
    """Open a payment at its one gateway, for nothing that we know of. Raises as `sell` does."""
    return await sell(hub, wish, lambda _tx, _payment: None)


async def sell(hub: Hub, wish: Wish, beside: Beside[S], *, soon: bool = False) -> Opened[S]:
    """Open the payment for what is sold, which is written beside it.

    Where the gateway gives no usable answer, or none `soon` where a buyer waits, the payment exists
    with its offer unknown, and is brought in order later. Raises GatewayNotOffered, GatewayRefused,
    GatewayUnavailable, ReferenceTaken, StillRunning.
    """
    name = wish.gateways[0]
    _check_taken(hub, name, wish.amount)
    now = hub.now()
    payment = _new_payment(hub, wish, now)
    token = capability("tct_")

    def begin(tx: Connection) -> tuple[Attempt, S]:
        payments.add(tx, payment)
        sold = beside(tx, payment)
        attempt = _new_attempt(tx, hub, payment, name, now)
        credentials.add_token(tx, fingerprint(token), payment.id, now)
        record(tx, hub, payment.id, [_opened(now)], Answers())
        return attempt, sold

    attempt, sold = await first(hub, begin, payment.id)
    try:
        await (make_offer_soon if soon else make_offer)(hub, payment, attempt, alone=True)
    except (GatewayRefused, GatewayUnavailable):
        await give_up(hub)
        raise
    return await _opened_now(hub, payment.id, token, sold)


async def complete_free(
    hub: Hub, wish: Wish, beside: Beside[S], delivered: Callable[[Connection, S], S]
) -> Opened[S]:
    """A payment that asks for nothing: paid and delivered as it is opened, by no gateway.

    All in one transaction; `delivered` reads what is sold again at its end. Raises
    GatewayNotOffered for a gateway that there is not, StillRunning.
    """
    for name in wish.gateways:
        hub.gateway(name)
    now = hub.now()
    payment = replace(_new_payment(hub, wish, now), gateway=None)
    token = capability("tct_")

    def body(tx: Connection) -> Opened[S]:
        payments.add(tx, payment)
        sold = beside(tx, payment)
        credentials.add_token(tx, fingerprint(token), payment.id, now)
        snapshot = record(tx, hub, payment.id, [_opened(now)], Answers()).snapshot
        return Opened(snapshot, token, delivered(tx, sold))

    opened = await whole(hub, body, payment.id)
    hub.work_signal.ring()
    hub.live.publish(opened.snapshot)
    return opened


async def resume_payment(hub: Hub, payment_id: str, sold: S) -> Opened[S]:
    """Answer a creating request whose worker died: the payment is there, its token is new."""
    token = capability("tct_")
    now = hub.now()
    await hub.database.write(
        lambda tx: credentials.add_token(tx, fingerprint(token), payment_id, now)
    )
    return await _opened_now(hub, payment_id, token, sold)


async def create_link(hub: Hub, wish: Wish) -> Snapshot:
    """Make a payment link; nothing is asked of a gateway until a payer chooses one.

    Raises GatewayNotOffered where no gateway takes the amount, StillRunning.
    """
    offered = wish.gateways or tuple(
        name for name, one in hub.gateways.items() if one.capabilities.takes(wish.amount)
    )
    if not offered:
        raise GatewayNotOffered(f"No gateway that is set up here takes {wish.amount}.")
    for name in offered:
        _check_taken(hub, name, wish.amount)
    now = hub.now()
    payment = _new_payment(hub, wish, now)
    link_id, code, token = new_id("plink", now), short_code(), capability("tct_")

    def body(tx: Connection) -> Snapshot:
        payments.add(tx, payment)
        links.add(
            tx, link_id=link_id, short_code=code, payment_id=payment.id, gateways=offered, now=now
        )
        credentials.add_token(tx, fingerprint(token), payment.id, now)
        if not wish.draft:
            record(tx, hub, payment.id, [_opened(now)], Answers())
        return found(snapshots.find(tx, payment.id))

    return await whole(hub, body, payment.id)


async def open_link(hub: Hub, payment_id: str) -> Snapshot:
    """A draft becomes an offer. Safe to repeat; raises Conflict where it is over."""
    now = hub.now()

    def body(tx: Connection) -> Snapshot:
        snapshot = found(snapshots.find(tx, payment_id), "link")
        if snapshot.phase not in {Phase.DRAFT, Phase.OPEN, Phase.PROCESSING}:
            raise Conflict(f"The link is {snapshot.phase}; make a new one.")
        if snapshot.phase is Phase.DRAFT:
            return record(tx, hub, payment_id, [_opened(now)], Answers()).snapshot
        return snapshot

    snapshot = await hub.database.write(body)
    hub.live.publish(snapshot)
    return snapshot


async def start_attempt(hub: Hub, payment_id: str, name: str) -> tuple[Snapshot, str]:
    """The payer chose a gateway: make, or find again, the offer there.

    Returns the payment and a client token for this payer. Raises GatewayNotOffered, Conflict
    where the link is not open, GatewayRefused, GatewayUnavailable, TooMany.
    """
    now = hub.now()
    token = capability("tct_")

    def begin(tx: Connection) -> tuple[Payment, Attempt, bool]:
        payment = payments.lock(tx, payment_id)
        snapshot = found(snapshots.find(tx, payment_id), "link")
        assert payment is not None  # noqa: S101 - `found` has refused the other case
        _check_open(hub, snapshot, name, now)
        credentials.add_token(tx, fingerprint(token), payment_id, now)
        tries = attempts.of_payment(tx, payment_id)
        # An offer of an account that the gateway had before is not shown to anybody again.
        account = hub.gateway(name).account
        usable = [a for a in tries if (a.gateway, a.account) == (name, account)
                  and a.state in STILL_AWAITED]  # fmt: skip
        if usable:
            return payment, usable[-1], False
        if len(tries) >= MOST_ATTEMPTS:
            raise TooMany("Too many attempts were made on this link; ask for a new one.")
        attempt = _new_attempt(tx, hub, payment, name, now)
        record(tx, hub, payment_id, [], Answers())
        return payment, attempt, True

    payment, attempt, fresh = await hub.database.write(begin)
    if fresh:
        await make_offer_soon(hub, payment, attempt, alone=False)
    snapshot = found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id)))
    if fresh:
        hub.live.publish(snapshot)
    return snapshot, token


def _check_open(hub: Hub, snapshot: Snapshot, name: str, now: datetime) -> None:
    if snapshot.phase not in {Phase.OPEN, Phase.PROCESSING}:
        raise Conflict(f"The payment is {snapshot.phase}, so it cannot be paid now.")
    if now >= snapshot.expires_at:
        raise Conflict("The time to pay has run out; ask for a new link.")
    allowed: Sequence[str] = () if snapshot.link is None else snapshot.link.gateways
    if name not in allowed:
        raise GatewayNotOffered(
            f"This link cannot be paid through {name[:40]!r}; choose one of {', '.join(allowed)}."
        )
    _check_taken(hub, name, snapshot.due)


def _check_taken(hub: Hub, name: str, amount: Money) -> None:
    gateway = hub.gateway(name)
    if not gateway.capabilities.takes(amount):
        raise GatewayNotOffered(f"The gateway {name} does not take {amount}.")


async def _opened_now(hub: Hub, payment_id: str, token: str, sold: S) -> Opened[S]:
    def body(tx: Connection) -> Opened[S]:
        return Opened(found(snapshots.find(tx, payment_id)), token, sold)

    return await last(hub, body)


def _opened(now: datetime) -> Heard:
    return Heard(Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.OPENED, observed_at=now))


def _new_payment(hub: Hub, wish: Wish, now: datetime) -> Payment:
    refuse_foreign(hub, returnUrl=wish.return_url, cancelUrl=wish.cancel_url)
    expires_at = now + wish.expires_in
    return Payment(
        id=new_id("pay", now),
        purpose=wish.purpose,
        phase=Phase.DRAFT,
        amount_state=AmountState.NONE,
        late=False,
        review=None,
        amount=wish.amount.minor,
        currency=wish.amount.currency,
        received=0,
        refunded=0,
        late_policy=wish.late_policy or hub.settings.late_policy,
        retriable=wish.purpose == "payment_link",
        tolerance=(wish.tolerance or hub.settings.tolerance).of(wish.amount),
        gateway=wish.gateways[0] if len(wish.gateways) == 1 else None,
        reference=wish.reference,
        owner_id=wish.owner_id,
        description=wish.description,
        metadata=dict(wish.metadata),
        return_url=wish.return_url,
        cancel_url=wish.cancel_url,
        test_mode=wish.test_mode or hub.sandbox,
        created_at=now,
        updated_at=now,
        opened_at=None,
        expires_at=expires_at,
        closed_at=None,
        paid_at=None,
        as_of=None,
        source=None,
        next_check_at=expires_at,
        version=1,
    )


def _new_attempt(tx: Connection, hub: Hub, payment: Payment, name: str, now: datetime) -> Attempt:
    """Write the attempt's row, with our reference, before anybody calls the gateway."""
    gateway = hub.gateway(name)
    our_ref = gateway.new_ref(now)
    while attempts.is_taken(tx, name, gateway.account, our_ref):
        our_ref = gateway.new_ref(now)
    attempt = Attempt(
        id=new_id("att", now),
        payment_id=payment.id,
        gateway=name,
        account=gateway.account,
        our_ref=our_ref,
        memo=attempts.free_memo(tx),
        provider_id=None,
        state=AttemptState.SUBMITTING,
        checkout={},
        # After a part has come, another offer asks for the rest.
        amount=max(payment.amount - payment.received, 0) or payment.amount,
        currency=payment.currency,
        created_at=now,
        listen_until=payment.expires_at + gateway.capabilities.listens_for,
        as_of=None,
    )
    attempts.add(tx, attempt)
    return attempt
