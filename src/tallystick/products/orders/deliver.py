"""A paid order: its coupon is kept, its licence issued, its buyer let in, and the merchant told."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import RaceLost
from tallystick.domain.ids import new_id
from tallystick.domain.ledger import REVENUE
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.sealing import Keys, Masters, derived, fingerprint, seal, unseal
from tallystick.flows.fulfilment import Fulfilment
from tallystick.products.orders import (
    coupon_rows,
    document,
    grant_rows,
    licence_rows,
    product_rows,
    rows,
)
from tallystick.products.orders.licence import Claims, sign
from tallystick.products.orders.licence_rows import Licence
from tallystick.products.orders.rules import STEPS, Order, OrderReview, OrderStatus, Product, Step
from tallystick.products.ports import Beneficiary, FindReferrer
from tallystick.store import effects, ledger, outbox
from tallystick.store.outbox import News

SET_ACCESS: Final = "set_access"
SYNC_DISCOUNT: Final = "sync_discount"


class Orders(Fulfilment):
    """What is sold in the catalogue."""

    purpose = "order"

    def __init__(
        self,
        secret: Masters,
        beneficiaries: tuple[Beneficiary, ...] = (),
        find_referrer: FindReferrer = lambda _tx, _code: None,
    ) -> None:
        self._secret = secret
        self._beneficiaries = beneficiaries
        self.find_referrer = find_referrer

    def account(self, tx: Connection, payment: Payment) -> str:
        """Revenue; while a person decides about the order, its money is not earned."""
        earned = ledger.postings_of(tx, "fulfilment", payment.id)
        was_earned = any(one.account == accounts.REVENUE for one in earned)
        return accounts.UNDECIDED if _of(tx, payment).is_held and not was_earned else REVENUE

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Hand out what was bought; where its coupon went to others meanwhile, a person decides.

        Only money that came after the offer was over can find its coupon gone: until then it is
        held. The buyer's money is not taken silently, and the coupon's limit is not passed.
        """
        order = _of(tx, payment)
        if order.coupon_id is not None and not _coupon_is_theirs(tx, order, now):
            held = _moved(tx, order, Step.HELD, now, review=OrderReview.COUPON_USED_UP)
            _tell(tx, "order.review", held, now)
            return
        self._hand_out(tx, order, Step.DELIVERED, now)

    def deliver_anyway(
        self, tx: Connection, payment: Payment, order: Order, now: datetime
    ) -> Order:
        """A person lets an order go that is held: it is delivered beyond its coupon's limit.

        What went back of its money meanwhile is taken off what it earns.
        """
        undecided = -ledger.standing(tx, payment.id, accounts.UNDECIDED, order.currency)
        if undecided:
            left = Money(undecided, order.currency)
            ledger.post(tx, accounts.released(order.id, payment.id, left), now)
        done = self._hand_out(tx, order, Step.RELEASED, now)
        if not order.refunded:
            return done
        back = _moved(tx, done, Step.PART_BACK, now)
        money = (Money(0, order.currency), Money(order.refunded, order.currency))
        for one in self._beneficiaries:
            one.returned(tx, back, *money, now)
        return back

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Nobody paid in time: the coupon is free again."""
        order = _of(tx, payment)
        if order.coupon_id is not None:
            coupon_rows.release(tx, order.id, now)
        _moved(tx, order, Step.LAPSED, now)

    def revoke(
        self, tx: Connection, payment: Payment, back: Money, now: datetime, *, keep_access: bool
    ) -> None:
        """Money goes back: the status follows, and licence and access end unless they are kept.

        A coupon stays used.
        """
        order = _of(tx, payment)
        before = order.refunded
        after = min(before + back.minor, order.quote.final)
        returned = replace(order, refunded=after)
        step = Step.ALL_BACK if after == order.quote.final else Step.PART_BACK
        still_held = order.is_held and step is Step.PART_BACK
        moved = _moved(tx, returned, step, now, review=order.review if still_held else None)
        if not keep_access:
            _end_access(tx, order, now)
        for one in self._beneficiaries:
            money = (Money(before, order.currency), Money(after - before, order.currency))
            one.returned(tx, moved, *money, now)
        _tell(tx, "order.refunded", moved, now, key=f"{order.id}/{after}")

    def licence_key(self, licence: Licence) -> str:
        """The key in clear, for the buyer's eyes."""
        return unseal(_sealing_key(self._secret), _place(licence.id), licence.sealed).decode()

    def _hand_out(self, tx: Connection, order: Order, step: Step, now: datetime) -> Order:
        product = product_rows.find(tx, order.product_type)
        assert product is not None  # noqa: S101 - a foreign key says so
        done = _moved(tx, order, step, now)
        if product.licensed:
            self._issue(tx, order, now)
        let_in(tx, order, product, now)
        for one in self._beneficiaries:
            one.earned(tx, done, now)
        _tell(tx, "order.completed", done, now)
        return done

    def _issue(self, tx: Connection, order: Order, now: datetime) -> None:
        claims = Claims(new_id("lic", now), order.id, order.product_type, order.quote.quantity, now)
        key = sign(self._secret, claims)
        sealed = seal(_sealing_key(self._secret), _place(claims.id), key.encode())
        licence_rows.add(
            tx, Licence(claims.id, order.id, fingerprint(key), sealed, claims.seats, now)
        )


def let_in(tx: Connection, order: Order, product: Product, now: datetime) -> None:
    """Ask for the buyer's access, where the product has some and we know whom to invite."""
    username = order.buyer.github_username
    if product.access is None or username is None:
        return
    grant_rows.want(tx, order.id, product.access, username, now)
    _ask_for_access(tx, order, now)


def _end_access(tx: Connection, order: Order, now: datetime) -> None:
    licence_rows.revoke(tx, order.id, now)
    if grant_rows.want_revoked(tx, order.id, now):
        _ask_for_access(tx, order, now)


def _ask_for_access(tx: Connection, order: Order, now: datetime) -> None:
    # The row says what is wanted; each change asks anew that it be made so.
    key = f"access/{order.id}/{now.isoformat()}"
    effects.add(tx, SET_ACCESS, key, {"orderId": order.id}, now)


def _coupon_is_theirs(tx: Connection, order: Order, now: datetime) -> bool:
    assert order.coupon_id is not None  # noqa: S101 - only asked where there is one
    if order.status is OrderStatus.FAILED and not coupon_rows.take_late(tx, order.id, now):
        return False
    coupon_rows.keep(tx, order.id, now)
    coupon = coupon_rows.find(tx, order.coupon_id)
    if coupon is not None and coupon.polar_discount_id is not None:
        payload: dict[str, Any] = {"couponId": coupon.id}
        effects.add(tx, SYNC_DISCOUNT, f"discount/{coupon.id}/{order.id}", payload, now)
    return True


def _of(tx: Connection, payment: Payment) -> Order:
    order = rows.lock(tx, payment.id)
    assert order is not None  # noqa: S101 - written in the transaction that made the payment
    return order


def _moved(
    tx: Connection, order: Order, step: Step, now: datetime, review: OrderReview | None = None
) -> Order:
    """The order after this step; one that the table does not have leaves its status alone."""
    status = STEPS.get((order.status, step), order.status)
    done = now if status is OrderStatus.COMPLETED else order.completed_at
    after = replace(order, status=status, review=review, updated_at=now, completed_at=done)
    return _write(tx, order, after)


def _write(tx: Connection, before: Order, after: Order) -> Order:
    if not rows.move(tx, before, after):
        raise RaceLost("Another writer moved this order first.")
    return after


def _tell(tx: Connection, kind: str, order: Order, now: datetime, key: str = "") -> None:
    # Kept without an address: whoever reads the event gets the one that the order has then.
    data = {**document.document(order, ""), "email": None}
    outbox.tell(tx, News(kind, key or order.id, order.id, data, order.payment_id), now)


def _sealing_key(secret: Masters) -> Keys:
    return derived(secret, "licences/sealing")


def _place(licence_id: str) -> str:
    return f"licences.sealed/{licence_id}"
