"""Refunds on a real store: races, lost answers, spent wallets, and proof that comes late."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

import pytest
from sqlalchemy import Connection

from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnreachable,
    InsufficientFunds,
    NothingToRefund,
    RefundTooLarge,
)
from tallystick.domain.ledger import REVENUE, UNCOVERED, move, wallet
from tallystick.domain.money import Money
from tallystick.domain.payment import LatePolicy, Payment, Review
from tallystick.domain.refund import Refund, RefundState
from tallystick.flows.audit import audit
from tallystick.flows.fulfilment import Fulfilment
from tallystick.flows.request_refund import RefundWish, request, reserve, show
from tallystick.flows.send_refund import tend_refunds
from tallystick.flows.why import why
from tallystick.gateways.abilities import RefundOrder, RefundVerdict
from tallystick.gateways.base import AttemptRef, Verdict
from tallystick.products import CHECKS
from tallystick.store import ledger, payments, receipts
from tests.infra.patience import patiently
from tests.store.house import CAN, House, Till


@dataclass
class GivingTill(Till):
    """A till that gives money back: `made` by our id, `lost` answers, and a `word` for new ones."""

    made: dict[str, RefundVerdict] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lost: int = 0
    word: str = "succeeded"
    refuses: bool = False

    async def refund(self, order: RefundOrder) -> RefundVerdict:
        self.answer()
        self.asked.append(order.refund_id)
        if self.refuses:
            raise GatewayRefused("The till is empty.")
        verdict = RefundVerdict(
            f"back-{order.refund_id}", self.word, order.amount, order.refund_id,  # type: ignore[arg-type]
            transaction_id=order.transaction_id,
        )  # fmt: skip
        self.made.setdefault(order.refund_id, verdict)
        if self.lost:
            self.lost -= 1
            raise GatewayUnreachable("The line went dead.")
        return self.made[order.refund_id]

    async def find_refund(self, order: RefundOrder) -> RefundVerdict | None:
        self.answer()
        return self.made.get(order.refund_id)

    async def fetch_refunds(self, attempt: AttemptRef) -> tuple[RefundVerdict, ...]:
        self.answer()
        return tuple(self.made.values())

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        told = await super().fetch_verdict(attempt)
        gone = sum(one.amount.minor for one in self.made.values() if one.claim == "succeeded")
        return replace(told, refunded_minor=gone)


class TopUp(Fulfilment):
    """Fills the wallet of the payment's owner, and writes down what it is told."""

    purpose: ClassVar[str] = "topup"

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def account(self, tx: Connection, payment: Payment) -> str:
        return wallet(payment.owner_id or "nobody")

    def hold(self, tx: Connection, payment: Payment, back: Money, now: datetime) -> None:
        self.told.append(("hold", back.minor))

    def release(self, tx: Connection, payment: Payment, back: Money, now: datetime) -> None:
        self.told.append(("release", back.minor))

    def revoke(
        self, tx: Connection, payment: Payment, back: Money, now: datetime, *, keep_access: bool
    ) -> None:
        self.told.append(("revoke", back.minor))
        assert payment.refunded >= back.minor


@pytest.fixture
def shop(house: House) -> House:
    """A house whose till gives money back, and which fills wallets too."""
    house.till = GivingTill(capabilities=replace(CAN, refunds="api"))
    house.hub.gateways["till"] = house.till  # type: ignore[index]
    house.hub.fulfilments["topup"] = TopUp()  # type: ignore[index]
    return house


async def sold(shop: House, amount: int = 50_000, **wish: Any) -> tuple[str, str]:
    """A payment that is paid, and its reference."""
    payment_id, ref = await shop.open(amount, **wish)
    shop.pays(ref, amount)
    await shop.settle(payment_id)
    return payment_id, ref


async def back(shop: House, payment_id: str, amount: int | None = None) -> Refund:
    """Ask for a refund; how it stands afterwards."""
    wish = RefundWish(amount=amount, actor="test")
    made = await request(shop.hub, payment_id, wish)
    return await now_is(shop, made.refund.id)


async def now_is(shop: House, refund_id: str) -> Refund:
    return (await show(shop.hub, refund_id)).refund


async def pass_and_tend(shop: House, refund_id: str, **gap: float) -> Refund:
    """Time passes, and the worker does what is due."""
    shop.pass_time(**gap)
    await tend_refunds(shop.hub)
    return await now_is(shop, refund_id)


async def left(shop: House, owner: str) -> int:
    """What the wallet has."""
    kept = await shop.database.read(lambda tx: ledger.balance(tx, wallet(owner)))
    return kept.get("VND", 0)


async def payment(shop: House, payment_id: str) -> Payment:
    found = await shop.database.read(lambda tx: payments.find(tx, payment_id))
    assert found is not None
    return found


async def spend(shop: House, owner: str, minor: int) -> None:
    """The owner of a wallet buys something."""
    bought = move("sale", f"{owner}/{minor}", None, Money(minor, "VND"), debit=wallet(owner),
                  credit=REVENUE)  # fmt: skip
    await shop.database.write(lambda tx: ledger.post(tx, bought, shop.clock.at))


async def test_sixty_four_refunds_at_once_never_give_back_more_than_came(shop):
    payment_id, _ = await sold(shop, 100_000)

    async def one(number: int) -> int:
        try:
            return (await back(shop, payment_id, 1_000 * (number % 7 + 1))).amount
        except (RefundTooLarge, NothingToRefund):
            return 0

    given = await asyncio.gather(*(patiently(one, number) for number in range(64)))

    after = await payment(shop, payment_id)
    assert after.refunded == sum(given) <= 100_000
    assert after.refunded > 100_000 - 7_000
    assert after.refund_reserved == 0
    assert len(shop.till.made) == sum(amount > 0 for amount in given)
    assert await audit(shop.database, CHECKS) == []


async def test_a_lost_answer_is_asked_about_by_the_same_key_and_never_repeated(shop):
    payment_id, _ = await sold(shop)
    shop.till.lost = 1

    first = await back(shop, payment_id)
    after = await pass_and_tend(shop, first.id, seconds=5)

    assert (first.state, after.state) == (RefundState.UNKNOWN, RefundState.SUCCEEDED)
    assert shop.till.asked == [first.id]
    assert await audit(shop.database, CHECKS) == []


async def test_a_refund_that_never_arrived_is_sent_again_after_a_while_with_the_same_key(shop):
    payment_id, _ = await sold(shop)
    shop.till.away = True
    first = await back(shop, payment_id)
    shop.till.away = False

    soon = await pass_and_tend(shop, first.id, seconds=30)
    later = await pass_and_tend(shop, first.id, minutes=2)

    assert (first.state, soon.state) == (RefundState.UNKNOWN, RefundState.UNKNOWN)
    assert later.state is RefundState.SUCCEEDED
    assert shop.till.asked == [first.id]


async def test_a_refund_whose_worker_died_before_it_was_sent_is_sent_by_the_next(shop):
    payment_id, _ = await sold(shop)
    wish, now = RefundWish(actor="test"), shop.clock.at
    made = await shop.database.write(
        lambda tx: reserve(tx, shop.hub, payment_id, wish, now, refund_id="rf_1")
    )

    early = await pass_and_tend(shop, made.id, seconds=30)
    after = await pass_and_tend(shop, made.id, minutes=3)

    assert (early.state, after.state) == (RefundState.RESERVED, RefundState.SUCCEEDED)
    assert shop.till.asked == [made.id]
    assert await audit(shop.database, CHECKS) == []


async def test_what_is_pending_is_asked_about_until_it_is_decided(shop):
    payment_id, _ = await sold(shop)
    shop.till.word = "pending"
    first = await back(shop, payment_id, 20_000)
    shop.till.made[first.id] = replace(shop.till.made[first.id], claim="failed")

    after = await pass_and_tend(shop, first.id, seconds=5)

    assert (first.state, after.state) == (RefundState.PENDING, RefundState.FAILED)
    assert (await payment(shop, payment_id)).refund_reserved == 0
    assert await audit(shop.database, CHECKS) == []


async def test_a_failed_refund_that_went_through_all_the_same_is_booked_by_later_proof(shop):
    payment_id, _ = await sold(shop)
    shop.till.refuses = True
    first = await back(shop, payment_id, 20_000)
    name = (await shop.database.read(lambda tx: receipts.of_payment(tx, payment_id, "VND")))[0]
    shop.till.made[first.id] = RefundVerdict(
        "back-late", "succeeded", Money(20_000, "VND"), first.id,
        transaction_id=name.transaction_id,
    )  # fmt: skip

    await shop.settle(payment_id)

    assert first.state is RefundState.FAILED
    assert (await now_is(shop, first.id)).state is RefundState.SUCCEEDED
    assert (await payment(shop, payment_id)).refunded == 20_000
    assert await audit(shop.database, CHECKS) == []


async def test_money_on_its_way_back_cannot_be_spent_from_the_wallet(shop):
    payment_id, _ = await sold(shop, purpose="topup", owner_id="an")
    shop.till.away = True

    under_way = await back(shop, payment_id, 40_000)

    assert under_way.state is RefundState.UNKNOWN
    assert await left(shop, "an") == 10_000
    with pytest.raises(InsufficientFunds):
        await spend(shop, "an", 10_001)
    assert await audit(shop.database, CHECKS) == []


async def test_a_refund_that_comes_to_nothing_gives_the_wallet_its_money_back(shop):
    payment_id, _ = await sold(shop, purpose="topup", owner_id="an")
    shop.till.refuses = True

    failed = await back(shop, payment_id, 40_000)

    assert (failed.state, failed.failure) == (RefundState.FAILED, "The till is empty.")
    assert await left(shop, "an") == 50_000
    assert shop.hub.fulfilments["topup"].told == [("hold", 40_000), ("release", 40_000)]
    assert await audit(shop.database, CHECKS) == []


async def test_what_was_spent_does_not_go_back(shop):
    payment_id, _ = await sold(shop, purpose="topup", owner_id="an")
    await spend(shop, "an", 35_000)

    with pytest.raises(RefundTooLarge, match="15000 VND"):
        await back(shop, payment_id, 20_000)
    rest = await back(shop, payment_id)

    assert (rest.state, rest.amount) == (RefundState.SUCCEEDED, 15_000)
    assert shop.hub.fulfilments["topup"].told[-1] == ("revoke", 15_000)
    with pytest.raises(NothingToRefund, match="spent"):
        await back(shop, payment_id)
    assert await audit(shop.database, CHECKS) == []


async def test_a_dashboard_refund_of_what_was_spent_is_booked_as_our_loss(shop):
    payment_id, _ = await sold(shop, purpose="topup", owner_id="an")
    await spend(shop, "an", 35_000)
    shop.till.made["theirs"] = RefundVerdict("back-1", "succeeded", Money(50_000, "VND"))

    for _ in range(3):
        await shop.settle(payment_id)

    balances = await shop.database.read(ledger.balances)
    assert balances[UNCOVERED, "VND"] == 35_000
    assert await left(shop, "an") == 0
    assert (await payment(shop, payment_id)).refunded == 50_000
    assert await audit(shop.database, CHECKS) == []


async def test_more_than_came_is_never_booked_whatever_a_gateway_says(shop):
    payment_id, _ = await sold(shop)
    shop.till.made["theirs"] = RefundVerdict("back-1", "succeeded", Money(50_001, "VND"))

    await shop.settle(payment_id)

    assert (await payment(shop, payment_id)).refunded == 0
    assert await audit(shop.database, CHECKS) == []


async def test_a_person_hears_of_late_money_that_the_gateway_did_not_take_back(shop):
    payment_id, ref = await shop.open(late_policy=LatePolicy.AUTO_REFUND)
    shop.pass_time(hours=30)
    await shop.settle(payment_id)
    shop.pays(ref)
    shop.till.refuses = True
    await shop.settle(payment_id)
    assert (await payment(shop, payment_id)).review is None

    await tend_refunds(shop.hub)

    told = await why(shop.hub, payment_id)
    assert (await payment(shop, payment_id)).review is Review.CONTRADICTION
    assert "did not go back" in str(told)
    assert "The till is empty. A person decides." in str(told)
    assert await audit(shop.database, CHECKS) == []


async def test_a_refund_that_somebody_asked_for_and_that_failed_is_no_contradiction(shop):
    payment_id, _ = await sold(shop)
    shop.till.refuses = True

    failed = await back(shop, payment_id, 20_000)

    assert failed.state is RefundState.FAILED
    assert (await payment(shop, payment_id)).review is None
