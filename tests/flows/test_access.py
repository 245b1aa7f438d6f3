"""Access follows what the orders want, also where that changes while it is being done."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tallystick.domain.access import GrantState
from tallystick.domain.errors import Conflict
from tallystick.domain.money import Money
from tallystick.flows.effects import do_effects
from tallystick.products.orders import grant_rows
from tallystick.products.orders.set_access import name_user, set_access
from tallystick.store import payments


@dataclass
class Club:
    """Somewhere with a door; `meanwhile` happens while somebody is being let in."""

    inside: set[str] = field(default_factory=set)
    meanwhile: list = field(default_factory=list)

    async def invite(self, place, username):
        for happening in self.meanwhile:
            await happening()
        self.meanwhile = []
        self.inside.add(username)
        return GrantState.INVITED

    async def remove(self, place, username):
        self.inside.discard(username)


@pytest.fixture
async def club(house):
    await house.stock()
    house.hub.access = Club()
    return house.hub.access


async def refund(house, order):
    def body(tx):
        payment = payments.lock(tx, order.payment_id)
        money = Money(order.quote.final, order.currency)
        selling = house.hub.fulfilments["order"]
        selling.revoke(tx, payment, money, house.clock.at, keep_access=False)

    await house.database.write(body)


async def state(house, order):
    found = await house.database.read(lambda tx: grant_rows.find(tx, order.id))
    return found and found.state


async def test_who_has_two_orders_is_let_out_with_the_last(house, club):
    one, two = [await house.pays_order(await house.order(github_username="mai")) for _ in "12"]
    await do_effects(house.hub)

    house.pass_time(minutes=1)
    await refund(house, one)
    await do_effects(house.hub)
    assert club.inside == {"mai"}
    await refund(house, two)
    await do_effects(house.hub)

    assert club.inside == set()
    assert await state(house, one) == await state(house, two) == GrantState.REVOKED


async def test_a_refund_while_the_invitation_is_on_its_way_leaves_nobody_inside(house, club):
    order = await house.pays_order(await house.order(github_username="mai"))
    club.meanwhile = [lambda: refund(house, order)]

    await set_access(house.hub, {"orderId": order.id})

    assert club.inside == set()
    assert await state(house, order) == GrantState.REVOKED


async def test_a_buyer_who_gave_no_name_gives_it_before_or_after_paying(house, club):
    before, after = await house.order(), await house.pays_order(await house.order("an@example.vn"))

    await name_user(house.hub, before.id, "mai")
    await name_user(house.hub, after.id, "an")
    await house.pays_order(before)
    await do_effects(house.hub)

    assert club.inside == {"mai", "an"}


async def test_nobody_is_invited_for_an_order_that_came_to_nothing(house, club):
    order = await house.pays_order(await house.order())
    await refund(house, order)

    with pytest.raises(Conflict, match="refunded"):
        await name_user(house.hub, order.id, "mai")

    await do_effects(house.hub)
    assert club.inside == set()
