"""Flows under an idempotency key: the effect and its answer are one, or there is neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.domain.errors import Conflict, HubError, StillRunning
from tallystick.domain.money import Money
from tallystick.flows.books import Fee, book_fee
from tallystick.flows.checkout import Wish, create_link, create_payment
from tallystick.flows.idempotency import Answer, Once, doing, replay
from tallystick.flows.request_refund import RefundWish, request
from tallystick.products.orders.change_products import add_product
from tests.store.house import House

FEE = Fee("till", "invoice-1", Money(1_000, "VND"))


def once(key: str = "k") -> Once:
    """A request, whose answer says what kind of thing it made."""
    return Once.of("key_1 POST /", key, b"{}", answer)


def answer(value: Any) -> Answer:
    return Answer(201, type(value).__name__.encode())


async def test_what_a_flow_returns_is_answered_and_kept_with_its_effect(house: House):
    sent = once()

    with doing(sent):
        booked = await book_fee(house.hub, FEE)

    assert booked == FEE
    assert sent.kept == Answer(201, b"Fee")
    assert await replay(house.hub, once()) == Answer(201, b"Fee", replayed=True)


async def test_a_refused_effect_keeps_nothing_and_its_key_may_try_again(house: House):
    await book_fee(house.hub, FEE)
    other = Fee("till", "invoice-1", Money(2_000, "VND"))

    with doing(once()), pytest.raises(Conflict):
        await book_fee(house.hub, other)

    assert await replay(house.hub, once()) is None


async def test_an_answer_that_cannot_be_written_takes_the_effect_back(house: House):
    def broken(_: Any) -> Answer:
        raise LookupError

    with doing(Once.of("key_1 POST /", "k", b"{}", broken)), pytest.raises(LookupError):
        await create_link(house.hub, Wish(Money(1, "VND"), ("till",), reference="order-1"))

    await create_link(house.hub, Wish(Money(1, "VND"), ("till",), reference="order-1"))


async def test_a_request_without_a_key_keeps_nothing_after_one_that_had_a_key(house: House):
    sent = once()
    with doing(sent):
        await create_payment(house.hub, Wish(Money(50_000, "VND"), ("till",)))
    first = sent.kept

    await book_fee(house.hub, FEE)

    assert sent.kept is first == Answer(201, b"Opened")


@pytest.mark.parametrize("effect", ["product", "refund"])
async def test_a_request_beside_itself_hears_that_it_is_under_way_not_that_it_comes_too_late(
    house: House, effect: str
):
    product = replace(await house.stock(), type="another", access=None)
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)

    async def run() -> object:
        if effect == "product":
            return await add_product(house.hub, product)
        return await request(house.hub, payment_id, RefundWish(actor="test"))

    with doing(once()):
        await run()

    # The second has looked for the key before the first had it.
    with doing(once()), pytest.raises(HubError) as refused:
        await run()
    assert isinstance(refused.value, StillRunning)
