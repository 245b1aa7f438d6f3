"""Orders through the flows: coupons under races, money that is late, and money that goes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.addresses import REFERRERS, Addresses
from tallystick.domain.errors import (
    Conflict,
    CouponOver,
    CouponUnknown,
    CouponUsedUp,
    GatewayUnavailable,
    Invalid,
)
from tallystick.flows.audit import audit
from tallystick.flows.cancel import cancel
from tallystick.flows.checkout import Opened
from tallystick.flows.idempotency import Answer, Once, Unfinished, doing, replay
from tallystick.products import CHECKS
from tallystick.products.orders import coupon_rows, grant_rows, licence_rows
from tallystick.products.orders.coupon import CouponType
from tallystick.products.orders.ordering import OrderWish, place_order, release, resume_order
from tallystick.products.orders.rules import Buyer, Order, OrderReview, OrderStatus
from tallystick.products.revenue.book_sale import SaleBooking
from tests.store.house import SECRET, House
from tests.store.rows import run

RACERS = 64


@pytest.fixture(autouse=True)
async def _stocked(house: House):
    """A product to sell; after each story the books are in order."""
    await house.stock()
    yield
    assert await audit(house.database, CHECKS) == []


async def counted(house: House) -> tuple[int, int]:
    coupon = await house.database.read(lambda tx: coupon_rows.by_code(tx, "TEN"))
    assert coupon is not None
    return coupon.reserved, coupon.redeemed


async def licence_of(house: House, order_id: str):
    return await house.database.read(lambda tx: licence_rows.of_order(tx, order_id))


async def rush(house: House, emails: list[str]) -> Counter[str]:
    """All of them order at once with the coupon; how many got what."""

    async def one(email: str) -> str:
        try:
            await house.order(email, coupon_code="TEN")
        except CouponUsedUp:
            return "refused"
        return "ordered"

    return Counter(await asyncio.gather(*(one(email) for email in emails)))


@pytest.mark.parametrize("limit", [10, RACERS])
async def test_of_64_who_order_at_once_exactly_so_many_get_the_coupon_as_there_are(house, limit):
    await house.coupon(max_redemptions=limit)

    got = await rush(house, [f"{number}@example.vn" for number in range(RACERS)])

    assert (got["ordered"], got["refused"]) == (limit, RACERS - limit)
    assert await counted(house) == (limit, 0)


async def test_one_customer_who_orders_64_times_at_once_uses_the_coupon_three_times(house):
    await house.coupon(max_redemptions=1000, per_customer=3)

    got = await rush(house, ["Mai@Example.vn", "mai@example.vn"] * (RACERS // 2))

    assert got["ordered"] == 3
    assert await counted(house) == (3, 0)


async def test_who_adds_tags_and_dots_to_an_address_64_times_uses_the_coupon_once(house):
    await house.coupon(max_redemptions=1000, per_customer=1)
    spellings = ["mai.tran@gmail.com", "maitran+{}@gmail.com", "m.aitran+{}@googlemail.com"]

    got = await rush(house, [spellings[n % 3].format(n) for n in range(RACERS)])

    assert got["ordered"] == 1
    assert await counted(house) == (1, 0)


async def test_what_expires_is_free_again_while_others_pay_and_order(house):
    await house.coupon(max_redemptions=8)
    first = [await house.order(f"{n}@example.vn", coupon_code="TEN") for n in range(8)]
    house.pass_time(days=1, minutes=1)
    for order in first[:3]:
        ref = (await house.database.read(lambda tx, o=order: run(
            tx, f"SELECT our_ref FROM attempts WHERE payment_id = '{o.payment_id}'")))  # fmt: skip
        house.pays(ref, order.quote.final)

    settled = [house.settle(order.payment_id) for order in first]
    _, got = await asyncio.gather(
        asyncio.gather(*settled), rush(house, [f"x{n}@example.vn" for n in range(RACERS)])
    )
    more = await rush(house, [f"y{n}@example.vn" for n in range(RACERS)])

    reserved, redeemed = await counted(house)
    assert redeemed <= 3
    assert got["ordered"] + more["ordered"] == reserved
    assert reserved + redeemed == 8


async def test_a_refused_gateway_lets_the_coupon_go(house):
    await house.coupon(max_redemptions=1)
    house.till.refuses = True

    with pytest.raises(GatewayUnavailable):
        await house.order(coupon_code="TEN")
    house.till.refuses = False

    assert await counted(house) == (0, 0)
    assert (await house.order(coupon_code="TEN")).status is OrderStatus.PENDING


async def test_a_canceled_order_fails_and_lets_the_coupon_go(house):
    await house.coupon(max_redemptions=1, per_customer=1)
    order = await house.order(coupon_code="TEN")

    await cancel(house.hub, order.payment_id)

    assert (await house.order_now(order.id)).status is OrderStatus.FAILED
    assert await counted(house) == (0, 0)
    await house.order(coupon_code="TEN")


async def test_late_money_finds_its_coupon_again_and_is_delivered(house):
    await house.coupon(max_redemptions=1, per_customer=1, expires_at=house.clock.at + timedelta(1))
    order = await house.order(coupon_code="TEN")
    house.pass_time(days=2)
    await house.settle(order.payment_id)
    assert (await house.order_now(order.id)).status is OrderStatus.FAILED

    late = await house.pays_order(order)

    assert late.status is OrderStatus.COMPLETED
    assert await counted(house) == (0, 1)


async def test_late_money_whose_coupon_went_to_another_is_held_for_a_person(house):
    await house.coupon(max_redemptions=1)
    order = await house.order(coupon_code="TEN")
    house.pass_time(days=2)
    await house.settle(order.payment_id)
    quicker = await house.pays_order(await house.order("an@example.vn", coupon_code="TEN"))

    held = await house.pays_order(order)

    assert quicker.status is OrderStatus.COMPLETED
    assert (held.status, held.review) == (OrderStatus.PENDING, OrderReview.COUPON_USED_UP)
    assert await licence_of(house, held.id) is None
    assert await counted(house) == (0, 1)

    done = await release(house.hub, held.id, "We were slow.", "key_1")

    assert (done.status, done.review) == (OrderStatus.COMPLETED, None)
    assert await licence_of(house, held.id) is not None
    assert await counted(house) == (0, 1)
    with pytest.raises(Conflict):
        await release(house.hub, held.id, "Again.", "key_1")


async def back(house: House, order, minor: int, *, keep_access: bool = False):
    """Money goes back by hand; what became of the order."""
    return await house.gives_back(order, minor, keep_access=keep_access)


async def test_a_refund_ends_the_licence_and_the_access_and_the_coupon_stays_used(house):
    await house.coupon(max_redemptions=1)
    order = await house.pays_order(await house.order(coupon_code="TEN", github_username="mai"))

    part = await back(house, order, 20_000, keep_access=True)
    assert part.status is OrderStatus.PARTIALLY_REFUNDED
    assert (await licence_of(house, order.id)).revoked_at is None
    whole = await back(house, order, 25_000)

    assert whole.status is OrderStatus.REFUNDED
    assert (await licence_of(house, order.id)).revoked_at is not None
    grant = await house.database.read(lambda tx: grant_rows.find(tx, order.id))
    assert grant.wanted == "revoked"
    assert await counted(house) == (0, 1)


async def test_what_was_paid_too_much_goes_back_and_the_order_stands(house):
    order = await house.order()
    tries = await house.database.read(
        lambda tx: run(tx, f"SELECT our_ref FROM attempts WHERE payment_id = '{order.payment_id}'")
    )
    house.pays(tries, 60_000)
    await house.settle(order.payment_id)

    excess = await back(house, order, 10_000)
    assert excess.status is OrderStatus.COMPLETED
    assert (await licence_of(house, order.id)).revoked_at is None
    rest = await back(house, order, 50_000)

    assert rest.status is OrderStatus.REFUNDED


@pytest.mark.parametrize(
    ("wish", "terms", "error"),
    [
        ({"coupon_code": "NONE"}, {}, CouponUnknown),
        ({"coupon_code": "TEN"}, {"active": False}, CouponOver),
        ({"coupon_code": "TEN"}, {"expires_at": "now"}, CouponOver),
        (
            {"coupon_code": "TEN"},
            {"type": CouponType.FIXED, "percent": None, "amounts": {"USD": 5}},
            CouponUnknown,
        ),
        ({"referral_code": "FRIEND"}, {}, Invalid),
    ],
)
async def test_an_order_that_cannot_be_as_wished_is_refused_and_leaves_nothing(
    house, wish, terms, error
):
    if terms.get("expires_at"):
        terms = {"expires_at": house.clock.at}
    await house.coupon(**terms)

    with pytest.raises(error):
        await house.order(**wish)

    assert await house.database.read(lambda tx: run(tx, "SELECT count(*) FROM orders")) == 0
    assert await house.database.read(lambda tx: run(tx, "SELECT count(*) FROM payments")) == 0


async def test_an_order_keeps_the_price_that_it_was_made_at(house):
    order = await house.order(quantity=3)
    await house.stock(prices={"VND": 99_000})

    paid = await house.pays_order(order)

    assert (paid.status, paid.quote.final) == (OrderStatus.COMPLETED, 150_000)
    assert (await licence_of(house, order.id)).seats == 3


async def test_a_referral_discount_comes_after_the_coupon_and_nobody_refers_themselves(house):
    class Friend:
        id, buyer_discount_percent = "ref_1", 20
        email = Addresses.of(SECRET).kept(REFERRERS, "ref_1", "friend@example.vn")

    house.hub.fulfilments["order"].find_referrer = lambda tx, code: (
        Friend() if code == "FRIEND" else None
    )
    await house.coupon()

    order = await house.order(coupon_code="TEN", referral_code="FRIEND")

    assert (order.quote.coupon, order.quote.referral, order.quote.final) == (5_000, 9_000, 36_000)
    assert order.referred_by == "ref_1"
    with pytest.raises(Invalid, match="your own"):
        await house.order("Friend@example.vn", referral_code="FRIEND")


async def test_who_has_a_share_in_an_order_hears_of_it_once_and_of_what_goes_back(house):
    told: list[tuple[object, ...]] = []

    class Share:
        def earned(self, tx, order, now):
            told.append(("earned", order.amount.minor))

        def returned(self, tx, order, before, money, now):
            told.append(("returned", before.minor, money.minor))

    selling = house.hub.fulfilments["order"]
    house.hub.fulfilments["order"] = type(selling)(house.hub.secret, (Share(), SaleBooking()))
    order = await house.pays_order(await house.order())
    await house.settle(order.payment_id)

    await back(house, order, 20_000)
    await back(house, order, 30_000)

    assert told == [("earned", 50_000), ("returned", 0, 20_000), ("returned", 20_000, 30_000)]


class Crash(BaseException):
    """The process dies."""


async def test_an_order_whose_server_died_while_it_was_made_is_answered_to_the_same_request(house):
    await house.coupon(max_redemptions=1)
    wish = OrderWish("pro", "till", "mai@example.vn", Buyer(), currency="VND", coupon_code="TEN")
    once, alive = Once.of("anybody", "key-1", b"{}", shown), house.till.open_checkout

    async def dies(_):
        raise Crash

    house.till.open_checkout = dies
    with pytest.raises(Crash), doing(once):
        await place_order(house.hub, wish)
    house.till.open_checkout = alive
    house.pass_time(minutes=2)

    known = await replay(house.hub, once)
    assert isinstance(known, Unfinished)
    with doing(once):
        opened = await resume_order(house.hub, known.subject)

    again = await replay(house.hub, once)
    assert again == replace(shown(opened), replayed=True)
    assert await counted(house) == (1, 0)
    assert (await house.order_now(opened.sold.id)).coupon_id is not None


def shown(opened: Opened[Order]) -> Answer:
    return Answer(201, opened.sold.id.encode())


async def test_the_same_tax_id_reads_differently_in_every_row_and_opens_again(house):
    from tallystick.products.orders.ordering import tax_id

    one, two = await house.order(tax_id="0312345678"), await house.order(tax_id="0312345678")

    assert tax_id(house.hub, one) == "0312345678"
    assert one.buyer.tax_id != two.buyer.tax_id
    with pytest.raises(Invalid):
        tax_id(house.hub, replace(one, id=two.id))
