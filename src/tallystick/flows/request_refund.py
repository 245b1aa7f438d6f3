"""Refund: money goes back. Reserved first, then sent or put on the list of transfers by hand."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import (
    Conflict,
    MoneyMismatch,
    NotFound,
    NothingToRefund,
    RefundTooLarge,
)
from tallystick.domain.ids import is_id, new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment, Phase
from tallystick.domain.refund import Refund, RefundSignal, RefundSource, RefundState
from tallystick.domain.sealing import derived, seal, unseal
from tallystick.flows.book_refund import begin, closes_the_offer, given_back, move, taken
from tallystick.flows.extensions import LookUp
from tallystick.flows.hub import Hub, found
from tallystick.flows.idempotency import first, last
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.send_refund import send
from tallystick.flows.ways_back import Way, ways
from tallystick.store import links, payments, receipts, refunds, snapshots
from tallystick.store.refunds import Moved


def _of_link(tx: Connection, link_id: str) -> str | None:
    link = links.find(tx, link_id)
    return None if link is None else link.payment_id


LOOK_UPS: Final[Mapping[str, LookUp]] = {
    "pay": lambda _tx, payment_id: payment_id,
    "plink": _of_link,
}
"""How the payment behind an id is found, by the id's prefix. Products add theirs."""


@dataclass(frozen=True, slots=True)
class Payee:
    """The bank account that money is sent back to."""

    bank_bin: str
    account_number: str
    account_name: str | None = None


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What is asked for. `amount` None means all that can still go back.

    `transaction_id` chooses one transfer where several came; `actor` is who asks.
    """

    amount: int | None = None
    currency: str | None = None
    reason: str = ""
    keep_access: bool = False
    transaction_id: str | None = None
    payee: Payee | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A refund with its history, and to whom it goes where that is known."""

    refund: Refund
    history: tuple[Moved, ...]
    payee: Payee | None


def payment_of(tx: Connection, hub: Hub, product_id: str) -> str:
    """The payment behind a payment or a product. Raises NotFound."""
    prefix = product_id.partition("_")[0]
    lookup = {**LOOK_UPS, **hub.extensions.look_ups}.get(prefix)
    payment_id = lookup(tx, product_id) if lookup and is_id(prefix, product_id) else None
    if payment_id is None or payments.find(tx, payment_id) is None:
        raise NotFound("There is nothing with this id that was paid for.")
    return payment_id


async def request(hub: Hub, product_id: str, wish: RefundWish) -> Told:
    """Reserve a refund, send it where the gateway has an API, and tell how it stands.

    An answer of the gateway that never came leaves the refund `unknown`, to be asked about; it is
    not an error. Raises NotFound, Conflict, NothingToRefund, RefundTooLarge, InsufficientFunds,
    StillRunning.
    """
    now = hub.now()
    refund_id = new_id("rf", now)

    def body(tx: Connection) -> Refund:
        payment_id = payment_of(tx, hub, product_id)
        return reserve(tx, hub, payment_id, wish, now, refund_id=refund_id)

    refund = await first(hub, body, refund_id)
    if refund.state is RefundState.RESERVED:
        await send(hub, refund.id)
    return await answered(hub, refund.id)


async def answered(hub: Hub, refund_id: str) -> Told:
    """What the creating request is answered, also where its first worker died."""
    return await last(hub, lambda tx: told(tx, hub, refund_id))


async def show(hub: Hub, refund_id: str) -> Told:
    """One refund. Raises NotFound."""
    return await hub.database.read(lambda tx: told(tx, hub, refund_id))


async def listing(
    hub: Hub, *, filters: Mapping[str, str], span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None, limit: int,
) -> list[Told]:  # fmt: skip
    """One page, newest first, one more than `limit` where there are more."""

    def body(tx: Connection) -> list[Told]:
        page = refunds.page(tx, filters=filters, span=span, after=after, limit=limit)
        return [told(tx, hub, one.id) for one in page]

    return await hub.database.read(body)


async def close(hub: Hub, refund_id: str, bank_reference: str, actor: str) -> Told:
    """The transfer back was made by hand: the bank's reference proves it. Safe to repeat.

    Raises NotFound, Conflict where it is not on the list, or where the reference closed another.
    """
    now = hub.now()

    def body(tx: Connection) -> Told:
        refund = _known(tx, refund_id)
        if refund.bank_reference == bank_reference:
            return told(tx, hub, refund_id)
        if refund.state is not RefundState.MANUAL:
            raise Conflict(f"The refund is {refund.state}; only one that is manual can be closed.")
        if refunds.with_reference(tx, refund.gateway, refund.account, bank_reference):
            raise Conflict("This bank reference closed another refund already.")
        why = f"{actor} transferred it: {bank_reference}."
        move(tx, hub, refund, RefundSignal.TRANSFERRED, why, now, bank_reference=bank_reference)
        return told(tx, hub, refund_id)

    closed = await hub.database.write(body)
    await _publish(hub, closed.refund.payment_id)
    return closed


async def cancel(hub: Hub, refund_id: str, actor: str) -> Told:
    """Take a refund back that nobody was told to make yet. Safe to repeat.

    Raises NotFound, Conflict where the gateway may have heard of it.
    """
    now = hub.now()

    def body(tx: Connection) -> Told:
        refund = _known(tx, refund_id)
        if refund.state in {RefundState.MANUAL, RefundState.RESERVED}:
            move(tx, hub, refund, RefundSignal.CANCELED, f"{actor} took it back.", now)
        elif refund.state is not RefundState.CANCELED:
            raise Conflict(f"The refund is {refund.state}; it cannot be taken back any more.")
        return told(tx, hub, refund_id)

    return await hub.database.write(body)


def told(tx: Connection, hub: Hub, refund_id: str) -> Told:
    """The refund with all that an operator sees of it. Raises NotFound."""
    refund = refunds.find(tx, refund_id)
    if refund is None:
        raise NotFound("There is no refund with this id.")
    return Told(refund, tuple(refunds.history(tx, refund_id)), _payee(hub, refund))


def reserve(
    tx: Connection, hub: Hub, payment_id: str, wish: RefundWish, now: datetime, *, refund_id: str
) -> Refund:
    """Promise the money, in the one conditional statement, and write everything that follows.

    Raises Conflict, MoneyMismatch, NothingToRefund, RefundTooLarge, InsufficientFunds.
    """
    payment = payments.lock(tx, payment_id)
    assert payment is not None  # noqa: S101 - `payment_of` has refused the other case
    currency = wish.currency or payment.currency
    money = _foreign(tx, payment, wish, currency)
    if money is None:
        money = _own(tx, hub, payment, wish)
    loose = max(0, receipts.undelivered(tx, payment.id, currency))
    way = _choose(tx, hub, payment, money, wish.transaction_id)
    if not refunds.reserve(tx, payment, money):
        raise RefundTooLarge(f"Only {payment.unreturned} of the payment can still go back.")
    refund = _new(
        hub, payment, wish, way, money, now, refund_id=refund_id,
        undelivered=min(money.minor, loose),
    )  # fmt: skip
    by_hand = way.method == "manual"
    signal = RefundSignal.BY_HAND if by_hand else RefundSignal.RESERVED
    made = begin(tx, hub, refund, signal, f"{wish.actor} asked for it.", now)
    if closes_the_offer(_held(tx, payment.id)):
        record(tx, hub, payment.id, [Heard(given_back(now))], Answers())
    return made


def _held(tx: Connection, payment_id: str) -> Payment:
    """The payment as it stands now, which is known to be there."""
    payment = payments.find(tx, payment_id)
    assert payment is not None  # noqa: S101 - it was held a statement ago
    return payment


def _foreign(tx: Connection, payment: Payment, wish: RefundWish, currency: str) -> Money | None:
    """How much goes back of money in another currency; nothing was ever delivered for that.

    None where the payment's own currency is meant. Raises MoneyMismatch, NothingToRefund,
    RefundTooLarge.
    """
    if currency == payment.currency:
        return None
    there = refunds.others(tx, payment)
    if not receipts.of_payment(tx, payment.id, currency):
        came = ", ".join([payment.currency, *there])
        raise MoneyMismatch(f"No {currency} came for this payment; what came can go back: {came}.")
    left = Money(there.get(currency, 0), currency)
    if left.minor <= 0:
        raise NothingToRefund(f"All {currency} that came has gone back, or is on its way.")
    if wish.amount is not None and wish.amount > left.minor:
        wanted = Money(wish.amount, currency)
        raise RefundTooLarge(f"{wanted} is more than the {left} that can still go back.")
    return left if wish.amount is None else Money(wish.amount, currency)


def _own(tx: Connection, hub: Hub, payment: Payment, wish: RefundWish) -> Money:
    """How much goes back in the currency that is due. Raises Conflict and what `_amount` raises."""
    if payment.phase in {Phase.DRAFT, Phase.OPEN, Phase.PROCESSING} and payment.received:
        raise Conflict(
            f"The payment is {payment.phase} and can still be completed: cancel it first (one "
            "that is in flight for ever is closed instead), then give back what has come."
        )
    loose = max(0, receipts.undelivered(tx, payment.id, payment.currency))
    return Money(_amount(tx, hub, payment, wish, loose), payment.currency)


def _amount(tx: Connection, hub: Hub, payment: Payment, wish: RefundWish, loose: int) -> int:
    """How much goes back. Raises NothingToRefund, RefundTooLarge."""
    left = payment.unreturned
    if left.minor <= 0:
        came = Money(payment.received, payment.currency)
        others = refunds.others(tx, payment)
        hint = "".join(
            f" There is {Money(minor, one)}: ask for it with currency {one}."
            for one, minor in others.items()
        )
        if not payment.amount:
            hint = " It cost nothing: what it gave is taken back by POST /api/orders/{id}/revoke."
        raise NothingToRefund(f"Nothing is left to give back of the {came} that came.{hint}")
    bought = Money(max(0, left.minor - loose), payment.currency)
    free = bought
    if bought.minor:
        free = hub.fulfilments[payment.purpose].refundable(tx, payment, bought)
    most = Money(min(left.minor, loose + max(0, free.minor)), payment.currency)
    if most.minor <= 0:
        raise NothingToRefund(f"Nothing can go back: {bought} was paid, and is spent.")
    if wish.amount is not None and wish.amount > most.minor:
        spent = "" if most == left else f" ({left} is left of the payment, the rest is spent)"
        wanted = Money(wish.amount, payment.currency)
        raise RefundTooLarge(f"{wanted} is more than the {most} that can still go back{spent}.")
    return wish.amount if wish.amount is not None else most.minor


def _choose(
    tx: Connection, hub: Hub, payment: Payment, money: Money, transaction_id: str | None
) -> Way:
    """The transfer that the money goes back through, the newest first. Raises Conflict."""
    there = ways(tx, hub, payment, money.currency)
    if transaction_id is not None:
        there = [way for way in there if way.received.transaction_id == transaction_id]
        if not there:
            raise Conflict(f"No transfer {transaction_id[:64]!r} paid this payment.")
    fitting = [way for way in there if way.left >= money.minor]
    if fitting:
        return fitting[0]
    listed = ", ".join(
        f"{Money(way.left, money.currency)} of {way.received.transaction_id}" for way in there
    )
    raise Conflict(
        f"{money} came in several transfers, and each goes back by itself: make one refund for "
        f"each, with its transactionId. There is left: {listed}."
    )


def _new(  # noqa: PLR0913 - one for each thing that a refund is made of
    hub: Hub, payment: Payment, wish: RefundWish, way: Way, amount: Money, now: datetime,
    *, refund_id: str, undelivered: int,
) -> Refund:  # fmt: skip
    return Refund(
        id=refund_id,
        payment_id=payment.id,
        attempt_id=way.received.attempt_id,
        gateway=way.received.gateway,
        account=way.received.account,
        transaction_id=way.received.transaction_id,
        amount=amount.minor,
        undelivered=undelivered,
        currency=amount.currency,
        state=RefundState.REQUESTED,
        source=RefundSource.MERCHANT,
        method=way.method,
        reason=wish.reason,
        keep_access=wish.keep_access,
        requested_by=wish.actor,
        created_at=now,
        updated_at=now,
        payee=None if wish.payee is None else _sealed(hub, refund_id, wish.payee),
    )


def _known(tx: Connection, refund_id: str) -> Refund:
    refund = taken(tx, refund_id)
    if refund is None:
        raise NotFound("There is no refund with this id.")
    return refund


async def _publish(hub: Hub, payment_id: str) -> None:
    """Whoever watches the payment sees at once what has gone back."""
    snapshot = found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id)))
    hub.live.publish(snapshot)


def _sealed(hub: Hub, refund_id: str, payee: Payee) -> bytes:
    plain = json.dumps(asdict(payee), ensure_ascii=False).encode()
    return seal(derived(hub.secret, "payee"), f"refunds.payee/{refund_id}", plain)


def _payee(hub: Hub, refund: Refund) -> Payee | None:
    if refund.payee is None:
        return None
    plain = unseal(derived(hub.secret, "payee"), f"refunds.payee/{refund.id}", refund.payee)
    return Payee(**json.loads(plain))
