"""A gateway that says a clear no: the merchant is told, and may mend it and try again."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tallystick.domain.errors import GatewayRefused, GatewayUnavailable
from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.flows.checkout import Opened, Wish, create_payment
from tallystick.flows.idempotency import Answer, Once, doing, replay
from tallystick.gateways.base import Checkout, CheckoutOrder
from tallystick.store import payments
from tests.store.house import House, Till

WISH = Wish(Money(50_000, "VND"), ("till",), reference="order-1")


class Refusing(Till):
    """A till that says no, for one of two reasons."""

    why: Exception = GatewayRefused("The amount is not to our taste.")

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """No."""
        raise self.why


@pytest.fixture(params=[GatewayRefused("No."), GatewayUnavailable("Your key is unknown.")],
                ids=["refused", "our keys are wrong"])  # fmt: skip
def refusing(request: pytest.FixtureRequest, house: House) -> House:
    """A house whose till makes no offers."""
    till = Refusing()
    till.why = request.param
    house.hub.gateways["till"] = till  # type: ignore[index]
    return house


async def create(house: House, once: Once | None = None) -> str:
    """The merchant's request; the id of what it made."""
    with nullcontext() if once is None else doing(once):
        made = await create_payment(house.hub, WISH)
    return made.snapshot.id


def shown(opened: Opened[None]) -> Answer:
    """The answer to it."""
    return Answer(201, opened.snapshot.id.encode())


async def test_a_refused_offer_closes_its_payment_and_frees_its_reference(refusing):
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await create(refusing)

    held = await refusing.database.read(lambda tx: payments.by_reference(tx, "order-1"))
    assert held is None


async def test_a_merchant_whose_offer_was_refused_may_repeat_the_same_request(refusing):
    once = Once.of("key_1 POST /api/payments", "again", b"{}", shown)
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await create(refusing, once)

    assert await replay(refusing.hub, once) is None
    refusing.hub.gateways["till"] = refusing.till
    made = await create(refusing, once)

    payment = await refusing.database.read(lambda tx: payments.find(tx, made))
    assert payment is not None
    assert payment.phase is Phase.OPEN
    again = await replay(refusing.hub, once)
    assert again == Answer(201, made.encode(), replayed=True)
