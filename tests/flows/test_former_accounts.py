"""A gateway gets another account: what was offered on the one before is still listened to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tallystick.domain.errors import NoticeNotAuthentic
from tallystick.domain.evidence import Trust
from tallystick.domain.money import Money
from tallystick.domain.payment import Phase, Review
from tallystick.flows.audit import audit
from tallystick.flows.checkout import Wish, create_payment, start_attempt
from tallystick.flows.rescue import ask_due, tend
from tallystick.flows.why import why
from tallystick.gateways.base import Notice, RawNotice
from tallystick.products import CHECKS
from tallystick.store import attempts
from tests.store.house import CAN, House, Till


@dataclass
class SignedTill(Till):
    """A till whose notices carry the key of its account."""

    def read_notice(self, raw: RawNotice) -> Notice:
        if f'"{self.account}-key"' not in raw.body.decode():
            raise NoticeNotAuthentic("The key is another account's.")
        return super().read_notice(raw)


@pytest.fixture(autouse=True)
async def _balanced(house: House):
    """After each story the books are in order."""
    house.till = SignedTill()
    house.hub.gateways = {"till": house.till}
    yield
    assert await audit(house.database, CHECKS) == []


def change_account(house: House, *, keys_kept: bool) -> SignedTill:
    """From now on the till's money goes to another account; the one of now."""
    before, now = house.till, SignedTill(account="new")
    house.hub.gateways = {"till": now}
    house.hub.former = [before] if keys_kept else []
    return now


async def sentences(house: House, payment_id: str) -> str:
    told = await why(house.hub, payment_id)
    return "\n".join(one.sentence for one in told.reasons)


async def test_money_on_the_account_of_before_still_pays_while_its_keys_are_set(house):
    payment_id, ref = await house.open()
    change_account(house, keys_kept=True)
    house.pays(ref)

    after = await house.settle(payment_id)

    assert (after.phase, after.review) == (Phase.PAID, None)


async def test_an_offer_of_the_account_before_expires_only_after_that_account_was_asked(house):
    payment_id, _ = await house.open()
    change_account(house, keys_kept=True)
    house.pass_time(days=2)
    house.till.away = True
    assert (await house.settle(payment_id)).phase is Phase.OPEN

    house.till.away = False

    assert (await house.settle(payment_id)).phase is Phase.EXPIRED


async def test_a_notice_signed_with_the_keys_of_before_finds_its_payment(house):
    house.till.capabilities = replace(CAN, verifies=Trust.SIGNED)
    payment_id, ref = await house.open()
    now = change_account(house, keys_kept=True)
    now.capabilities = replace(CAN, verifies=Trust.SIGNED)
    house.pays(ref)

    await house.notice(ref, money=True, event="main-key")
    await house.handle()

    assert (await house.settle(payment_id)).phase is Phase.PAID


async def test_a_notice_that_no_account_has_signed_is_refused(house):
    _, ref = await house.open()
    change_account(house, keys_kept=True)

    with pytest.raises(NoticeNotAuthentic):
        await house.notice(ref, event="nobody-key")


async def test_an_offer_whose_account_is_gone_waits_for_a_person_and_does_not_expire(house):
    payment_id, _ = await house.open()
    change_account(house, keys_kept=False)
    house.pass_time(days=2)

    first = await house.settle(payment_id)
    house.pass_time(hours=2)
    assert await ask_due(house.hub, "till") == 1
    second = await house.settle(payment_id)

    assert (first.phase, first.review) == (Phase.OPEN, Review.CONTRADICTION)
    assert (second.phase, second.version) == (Phase.OPEN, first.version)
    told = await sentences(house, payment_id)
    assert told.count("its account is not configured any more (main at till)") == 1


async def test_when_the_keys_of_before_come_back_the_money_is_found(house):
    payment_id, ref = await house.open()
    before = house.till
    change_account(house, keys_kept=False)
    house.pays(ref)
    house.pass_time(days=2)
    await house.settle(payment_id)

    house.hub.former = [before]

    assert (await house.settle(payment_id)).phase is Phase.PAID


async def test_a_payer_who_comes_back_is_shown_the_account_of_now(house):
    payment_id, _ = await house.open_link()
    now = change_account(house, keys_kept=True)

    await start_attempt(house.hub, payment_id, "till")

    tries = await house.database.read(lambda tx: attempts.of_payment(tx, payment_id))
    assert {one.account for one in tries} == {"main", "new"}
    assert len(now.books) == 1


async def test_an_offer_that_was_never_answered_is_finished_at_its_own_account(house):
    house.till.away = True
    wish = Wish(Money(50_000, "VND"), ("till",))
    made = await create_payment(house.hub, wish)
    now = change_account(house, keys_kept=True)
    house.till.away = False
    house.pass_time(minutes=1)

    await tend(house.hub, made.snapshot.id)

    assert (len(house.till.books), len(now.books)) == (1, 0)
