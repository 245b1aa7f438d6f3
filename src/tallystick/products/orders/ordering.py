"""Orders: a wish to buy becomes a price, an order and an open payment, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.domain.addresses import CUSTOMERS, ORDERS, REFERRERS, Addresses
from tallystick.domain.decision import Action
from tallystick.domain.errors import (
    Conflict,
    CouponUnknown,
    Invalid,
    NotFound,
)
from tallystick.domain.exchange import plain
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import LatePolicy, Payment, Tolerance
from tallystick.domain.same_mailbox import same_person
from tallystick.domain.sealing import Keys, derived, seal, unseal
from tallystick.flows.checkout import Opened, Wish, complete_free, resume_payment, sell
from tallystick.flows.hub import Hub
from tallystick.flows.rates import latest
from tallystick.products.orders import coupon_rows, product_rows, rows
from tallystick.products.orders.coupon import normal_code
from tallystick.products.orders.deliver import Orders
from tallystick.products.orders.pricing import NOTHING_OFF, price
from tallystick.products.orders.rules import Buyer, Order, OrderStatus, Product, Worth
from tallystick.products.ports import Referrer
from tallystick.store import decisions, payments

USUAL: Final = "USD"
OFFERED_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What somebody wants to buy. Nothing in it says what it costs."""

    product_type: str
    gateway: str
    email: str
    buyer: Buyer
    quantity: int = 1
    currency: str | None = None
    coupon_code: str | None = None
    referral_code: str | None = None
    tax_id: str | None = None
    return_url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    public: bool = False
    """Whether anybody may have sent it: then it holds a coupon for a short time only."""
    late_policy: LatePolicy | None = None
    tolerance: Tolerance | None = None


async def place_order(hub: Hub, wish: OrderWish) -> Opened[Order]:
    """Price it, hold its coupon, and open its payment.

    What the discounts leave nothing of is completed at once, without a gateway. Raises Invalid,
    CouponUnknown, CouponOver, CouponUsedUp, and what `sell` raises; then nothing is held.
    """
    now = hub.now()
    draft, name = await hub.database.read(lambda tx: _draft(tx, hub, wish, new_id("ord", now)))
    draft = replace(draft, worth=await worth_of(hub, draft.amount))
    offer = Wish(
        amount=draft.amount,
        gateways=(wish.gateway,),
        purpose=Orders.purpose,
        description=f"{name} x {wish.quantity}" if wish.quantity > 1 else name,
        # The order's own id leads to its payment.
        reference=draft.id,
        owner_id=wish.buyer.owner_id,
        return_url=wish.return_url,
        expires_in=_life(hub, draft, wish),
        late_policy=wish.late_policy,
        tolerance=wish.tolerance,
    )

    def beside(tx: Connection, payment: Payment) -> Order:
        made = replace(draft, payment_id=payment.id)
        rows.add(tx, made)
        if made.coupon_id is not None:
            names = Addresses.of(hub.secret).lookups(CUSTOMERS, wish.email)
            coupon_rows.reserve(tx, made.coupon_id, made.id, names, now)
        return made

    def delivered(tx: Connection, made: Order) -> Order:
        return rows.find(tx, made.id) or made

    if not draft.amount.minor:
        return await complete_free(hub, offer, beside, delivered)
    return await sell(hub, offer, beside, soon=wish.public)


async def resume_order(hub: Hub, payment_id: str) -> Opened[Order]:
    """Answer a creating request whose worker died. Raises NotFound."""
    order = await hub.database.read(lambda tx: rows.of_payment(tx, payment_id))
    if order is None:
        raise NotFound("There is no order of this payment.")
    return await resume_payment(hub, payment_id, order)


async def release(hub: Hub, order_id: str, reason: str, actor: str) -> Order:
    """Deliver an order that is held, on a person's word. Raises NotFound, Conflict."""
    now = hub.now()
    orders = selling(hub)

    def body(tx: Connection) -> Order:
        payment, order = _locked(tx, order_id)
        _refuse_to_release(payment, order)
        why = (reason, actor)
        decisions.add(tx, order.id, Action.RELEASED, why, order.payment_id, now)
        return orders.deliver_anyway(tx, payment, order, now)

    done = await hub.database.write(body)
    hub.work_signal.ring()
    return done


async def revoke(hub: Hub, order_id: str, reason: str, actor: str) -> Order:
    """Take back what an order gave for nothing: no refund can, since no money came.

    Safe to repeat. Raises NotFound, Conflict where it cost something.
    """
    now = hub.now()

    def body(tx: Connection) -> Order:
        payment, order = _locked(tx, order_id)
        if order.amount.minor:
            raise Conflict(
                f"This order costs {order.amount}: give its money back by a refund, which takes "
                "licence and access back too."
            )
        if order.status is not OrderStatus.REFUNDED:
            why = (reason, actor)
            decisions.add(tx, order.id, Action.REVOKED, why, order.payment_id, now)
            nothing = Money(0, order.currency)
            hub.fulfilments[payment.purpose].revoke(tx, payment, nothing, now, keep_access=False)
        return rows.find(tx, order_id) or order

    done = await hub.database.write(body)
    hub.work_signal.ring()
    return done


def _locked(tx: Connection, order_id: str) -> tuple[Payment, Order]:
    """The order and its payment, held until this transaction ends. Raises NotFound."""
    known = rows.find(tx, order_id)
    payment = None if known is None else payments.lock(tx, known.payment_id)
    order = None if known is None else rows.lock(tx, known.payment_id)
    if order is None or payment is None:
        raise NotFound("There is no order with this id.")
    return payment, order


def _refuse_to_release(payment: Payment, order: Order) -> None:
    # Of before held orders stayed held while a part of their money went back.
    was_held = order.status is OrderStatus.PARTIALLY_REFUNDED and order.completed_at is None
    if not (order.is_held or was_held):
        raise Conflict("This order is not held, so there is nothing to decide.")
    if payment.refund_reserved:
        raise Conflict(
            "Money of this order is on its way back; wait until it has gone, or cancel that refund."
        )


async def worth_of(hub: Hub, amount: Money) -> Worth:
    """What an amount is worth in US cents. Raises CurrencyUnknown where no rate is known."""
    rate = (await latest(hub)).of(amount.currency)
    return Worth(rate.cents(amount), plain(rate.per_dollar), rate.source, rate.as_of)


def selling(hub: Hub) -> Orders:
    """What delivers orders on this hub."""
    found = hub.fulfilments[Orders.purpose]
    assert isinstance(found, Orders)  # noqa: S101 - the product says so
    return found


def email_of(hub: Hub, order: Order) -> str:
    """The buyer's address in clear, for whoever may see the order."""
    return Addresses.of(hub.secret).opened(ORDERS, order.id, order.email)


def tax_id(hub: Hub, order: Order) -> str | None:
    """The tax id in clear, for whoever writes the invoice. It is in no answer."""
    if order.buyer.tax_id is None:
        return None
    return unseal(_tax_key(hub), _tax_place(order.id), order.buyer.tax_id).decode()


def _life(hub: Hub, draft: Order, wish: OrderWish) -> timedelta:
    """How long it can be paid, and holds its coupon: who orders for nothing holds it up shortly."""
    if wish.public and draft.coupon_id is not None:
        return timedelta(seconds=hub.settings.coupon_hold_s)
    return OFFERED_FOR


def _draft(tx: Connection, hub: Hub, wish: OrderWish, order_id: str) -> tuple[Order, str]:
    """The order as it would be, without its payment, and the product's name."""
    now = hub.now()
    product = _product(tx, wish.product_type)
    currency = _currency(hub, product, wish)
    off, coupon = NOTHING_OFF, None
    if wish.coupon_code is not None:
        coupon = coupon_rows.by_code(tx, normal_code(wish.coupon_code))
        if coupon is None:
            raise CouponUnknown("There is no coupon with this code.")
        off = coupon.discount(currency)
    referrer = None if wish.referral_code is None else _referrer(tx, hub, wish)
    percent = 0 if referrer is None else referrer.buyer_discount_percent
    quote = price(product.prices[currency], wish.quantity, off, percent)
    sealed = None
    if wish.tax_id is not None:
        sealed = seal(_tax_key(hub), _tax_place(order_id), wish.tax_id.encode())
    order = Order(
        id=order_id, payment_id="", gateway=wish.gateway, product_type=product.type,
        currency=currency, quote=quote, buyer=replace(wish.buyer, tax_id=sealed),
        email=Addresses.of(hub.secret).kept(ORDERS, order_id, wish.email),
        coupon_id=None if coupon is None else coupon.id,
        coupon_code=None if coupon is None else coupon.code,
        referred_by=None if referrer is None else referrer.id,
        referral_code=wish.referral_code, worth=None, metadata=wish.metadata,
        status=OrderStatus.PENDING, review=None, refunded=0, created_at=now, updated_at=now,
        completed_at=None,
    )  # fmt: skip
    return order, product.name


def _referrer(tx: Connection, hub: Hub, wish: OrderWish) -> Referrer:
    code = wish.referral_code or ""
    found = selling(hub).find_referrer(tx, code)
    if found is None:
        words = "is not known; order without it"
        raise Invalid(f"The referral code {code!r} {words}.", (("referralCode", words),))
    if same_person(Addresses.of(hub.secret).opened(REFERRERS, found.id, found.email), wish.email):
        words = "is your own; order without it"
        raise Invalid(f"The referral code {code!r} {words}.", (("referralCode", words),))
    return found


def _product(tx: Connection, product_type: str) -> Product:
    product = product_rows.find(tx, product_type)
    if product is None or not product.active:
        sold = ", ".join(one.type for one in product_rows.every(tx) if one.active) or "nothing"
        raise Invalid(
            f"There is no product {product_type[:64]!r}; sold here: {sold}.",
            (("productType", "is not sold here"),),
        )
    return product


def _currency(hub: Hub, product: Product, wish: OrderWish) -> str:
    """The one that was asked for; else US dollars, or the first that the gateway takes."""
    priced = ", ".join(product.prices)
    if wish.currency is not None:
        if wish.currency not in product.prices:
            words = f"is one of {priced}"
            raise Invalid(f"{product.name} has no price in it: currency {words}.",
                          (("currency", words),))  # fmt: skip
        return wish.currency
    takes = hub.gateway(wish.gateway).capabilities.takes
    taken = [c for c, minor in product.prices.items() if takes(Money(minor, c))]
    if not taken:
        words = f"takes none of {priced}"
        raise Invalid(f"The gateway {wish.gateway} {words}.", (("gateway", words),))
    return USUAL if USUAL in taken else taken[0]


def _tax_key(hub: Hub) -> Keys:
    return derived(hub.secret, "orders/tax-id")


def _tax_place(order_id: str) -> str:
    return f"orders.tax_id/{order_id}"
