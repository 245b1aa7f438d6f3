"""A gift card from its offer to its last dong: one code, one letter, never more than its face."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, InsufficientFunds
from tallystick.domain.money import Money
from tallystick.flows.audit import audit
from tallystick.flows.cancel import cancel
from tallystick.flows.effects import do_effects
from tallystick.flows.forget import forget_payment
from tallystick.products import CHECKS
from tallystick.products.gift_cards import cards, rows
from tallystick.products.gift_cards import spend_gift_card as spend
from tallystick.products.gift_cards.resend import resend
from tallystick.products.gift_cards.rules import CardState, HoldState, MovementKind
from tallystick.products.gift_cards.spend_gift_card import Spending
from tallystick.store import effects, payments
from tests.infra.patience import patiently
from tests.store.house import Gift, House
from tests.store.rows import run

WEEK = timedelta(days=7)


async def spent(house: House, gift: Gift, amount: int, reference: str):
    """The merchant redeems a part."""
    return await spend.redeem(house.hub, gift.id, Spending(amount, reference))


async def set_aside(house: House, gift: Gift, amount: int, reference: str = "order-1"):
    """The merchant holds a part."""
    return await spend.hold(house.hub, gift.id, Spending(amount, reference), WEEK)


async def captured(house: House, gift: Gift, hold_id: str, amount: int | None = None):
    return await spend.capture(house.hub, gift.id, hold_id, amount)


async def released(house: House, gift: Gift, hold_id: str):
    return await spend.release(house.hub, gift.id, hold_id)


async def stands(house: House, gift: Gift) -> tuple[int, int]:
    """What can be spent, and what is set aside."""
    told = await cards.statement(house.hub, gift.id)
    return told.balance, told.held


async def code(house: House, gift: Gift) -> str | None:
    """The code, as its buyer sees it."""
    card = await cards.card_of(house.hub, gift.payment_id)
    assert card is not None
    return cards.code_of(house.hub, card)


async def resent(house: House, gift: Gift, email: str | None = None):
    """The merchant has the letter sent again."""
    return await resend(house.hub, await cards.find(house.hub, gift.id), email, "key_1")


async def test_there_is_no_code_before_the_money_and_one_after_it(house):
    gift = await house.open_gift_card()
    await house.settle(gift.payment_id)
    before = await code(house, gift)
    house.pays(gift.ref)
    await asyncio.gather(*(house.settle(gift.payment_id) for _ in range(10)))
    await do_effects(house.hub)
    await do_effects(house.hub)

    made = await code(house, gift)

    assert before is None
    assert made is not None
    found = await cards.find_by_code(house.hub, made.lower().replace("-", " "))
    assert found is not None
    assert found.id == gift.id
    assert await stands(house, gift) == (50_000, 0)
    assert [letter.to for letter in house.letters.letters] == ["lan@example.com"]
    assert made in house.letters.letters[0].text
    assert await audit(house.database, CHECKS) == []


async def test_a_letter_that_could_not_be_sent_is_sent_later_and_is_the_same_letter(house):
    gift = await house.sell_gift_card()
    house.letters.away = True
    await do_effects(house.hub)
    house.letters.away = False
    house.pass_time(hours=1)

    await do_effects(house.hub)
    house.pass_time(hours=1)
    await do_effects(house.hub)

    assert [letter.name for letter in house.letters.letters] == [f"gift_card/{gift.id}"]


async def test_an_offer_that_nobody_paid_lapses_and_late_money_still_makes_the_card(house):
    gift = await house.open_gift_card()
    house.pass_time(hours=2)
    await house.settle(gift.payment_id)
    lapsed = await cards.statement(house.hub, gift.id)
    assert (lapsed.card.state, lapsed.balance) == (CardState.LAPSED, 0)
    assert await code(house, gift) is None

    house.pays(gift.ref)
    await house.settle(gift.payment_id)

    issued = await cards.statement(house.hub, gift.id)
    assert (issued.card.state, issued.balance) == (CardState.ACTIVE, 50_000)
    assert await audit(house.database, CHECKS) == []


async def test_money_that_comes_after_the_offer_was_canceled_makes_no_code(house):
    gift = await house.open_gift_card()
    await cancel(house.hub, gift.payment_id)
    house.pays(gift.ref)
    await house.settle(gift.payment_id)

    assert await code(house, gift) is None
    assert await audit(house.database, CHECKS) == []


async def test_what_comes_beyond_the_face_value_is_not_on_the_card(house):
    gift = await house.open_gift_card()
    house.pays(gift.ref, 80_000)
    await house.settle(gift.payment_id)

    assert await stands(house, gift) == (50_000, 0)
    assert await audit(house.database, CHECKS) == []


async def test_a_card_is_spent_in_parts_down_to_nothing_and_no_further(house):
    gift = await house.sell_gift_card()
    first = await spent(house, gift, 20_000, "order-1")
    second = await spent(house, gift, 30_000, "order-2")

    with pytest.raises(InsufficientFunds):
        await spent(house, gift, 1, "order-3")

    assert (first.balance, second.balance) == (30_000, 0)
    assert await audit(house.database, CHECKS) == []


async def test_the_same_reference_is_redeemed_once_and_answered_the_same(house):
    gift = await house.sell_gift_card()
    first = await spent(house, gift, 20_000, "order-1")
    await spent(house, gift, 5_000, "order-2")

    again = await asyncio.gather(*(spent(house, gift, 20_000, "order-1") for _ in range(5)))

    assert again == [first] * 5
    assert await stands(house, gift) == (25_000, 0)
    with pytest.raises(Conflict):
        await spent(house, gift, 20_001, "order-1")


async def test_two_hundred_redemptions_at_once_never_overspend(house):
    gift = await house.sell_gift_card(50_000)

    told = await asyncio.gather(
        *(patiently(spent, house, gift, 400, f"order-{number}") for number in range(200)),
        return_exceptions=True,
    )

    refused = [one for one in told if isinstance(one, BaseException)]
    assert {type(one) for one in refused} == {InsufficientFunds}
    assert (len(told) - len(refused), await stands(house, gift)) == (125, (0, 0))
    assert await audit(house.database, CHECKS) == []


async def test_what_is_held_cannot_be_spent_and_is_captured_in_part(house):
    gift = await house.sell_gift_card()
    held = await set_aside(house, gift, 40_000)
    assert await set_aside(house, gift, 40_000) == held
    with pytest.raises(InsufficientFunds):
        await spent(house, gift, 10_001, "order-2")
    with pytest.raises(InsufficientFunds):
        await captured(house, gift, held.id, 40_001)
    assert await stands(house, gift) == (10_000, 40_000)

    taken = await captured(house, gift, held.id, 25_000)

    assert taken == await captured(house, gift, held.id, 25_000)
    assert (taken.state, taken.captured) == (HoldState.CAPTURED, 25_000)
    assert await stands(house, gift) == (25_000, 0)
    with pytest.raises(Conflict):
        await released(house, gift, held.id)
    assert await audit(house.database, CHECKS) == []


async def test_a_hold_is_released_by_its_merchant_or_when_its_time_is_over(house):
    gift = await house.sell_gift_card()
    first = await set_aside(house, gift, 20_000, "order-1")
    await set_aside(house, gift, 30_000, "order-2")
    await released(house, gift, first.id)
    assert (await released(house, gift, first.id)).state is HoldState.RELEASED
    assert await stands(house, gift) == (20_000, 30_000)

    house.pass_time(days=7)
    done = await spend.release_holds(house.hub)

    assert done == {"released": 1}
    assert await stands(house, gift) == (50_000, 0)
    with pytest.raises(Conflict):
        await captured(house, gift, first.id)
    assert await audit(house.database, CHECKS) == []


async def test_a_frozen_card_spends_nothing_until_it_is_unfrozen(house):
    gift = await house.sell_gift_card()
    held = await set_aside(house, gift, 10_000)
    await cards.freeze(house.hub, gift.id)
    frozen = await cards.freeze(house.hub, gift.id)
    assert frozen.card.state is CardState.FROZEN
    for refused in (
        spent(house, gift, 1, "order-2"),
        set_aside(house, gift, 1, "order-3"),
        captured(house, gift, held.id),
    ):
        with pytest.raises(Conflict):
            await refused

    thawed = await cards.unfreeze(house.hub, gift.id)
    await spent(house, gift, 40_000, "order-2")

    assert [line.kind for line in thawed.history] == [
        MovementKind.ISSUE, MovementKind.HOLD, MovementKind.FREEZE, MovementKind.UNFREEZE,
    ]  # fmt: skip
    assert await stands(house, gift) == (0, 10_000)


async def test_a_card_that_nobody_has_paid_cannot_be_frozen_or_spent(house):
    gift = await house.open_gift_card()

    with pytest.raises(Conflict):
        await cards.freeze(house.hub, gift.id)
    with pytest.raises(Conflict):
        await spent(house, gift, 1, "order-1")


async def test_only_what_is_unspent_goes_back_and_an_empty_card_is_over(house):
    gift = await house.sell_gift_card()
    await spent(house, gift, 15_000, "order-1")
    await set_aside(house, gift, 5_000, "order-2")
    held = await set_aside(house, gift, 1_000, "order-3")
    await released(house, gift, held.id)

    assert await refund(house, gift, 50_000) == 30_000

    told = await cards.statement(house.hub, gift.id)
    assert (told.balance, told.held, told.card.state) == (0, 5_000, CardState.ACTIVE)
    assert told.history[-1].kind is MovementKind.REFUND


async def test_a_card_whose_money_all_went_back_shows_its_code_to_nobody(house):
    gift = await house.sell_gift_card()

    assert await refund(house, gift, 50_000) == 50_000

    assert (await cards.statement(house.hub, gift.id)).card.state is CardState.REVOKED
    assert await code(house, gift) is None
    await do_effects(house.hub)
    assert house.letters.letters == []


async def refund(house: House, gift: Gift, asked: int) -> int:
    """What a refund does to a card: as much as it lets go is taken from its account."""
    from tallystick.domain import ledger as accounts
    from tallystick.store import ledger

    def body(tx: Connection) -> int:
        payment = payments.lock(tx, gift.payment_id)
        assert payment is not None
        delivery = house.hub.fulfilments["gift_card"]
        back = delivery.refundable(tx, payment, Money(asked, "VND"))
        source = delivery.account(tx, payment)
        transfer = accounts.move("refund", "rf_1", payment.id, back, debit=source, credit="x")
        ledger.post(tx, transfer, house.hub.now())
        delivery.revoke(tx, payment, back, house.hub.now(), keep_access=False)
        return back.minor

    return await house.database.write(body)


async def test_the_database_alone_gives_away_neither_code_nor_buyer(house):
    gift = await house.sell_gift_card()
    made = await code(house, gift)
    assert made is not None

    kept = await house.database.read(lambda tx: rows.find(tx, gift.id))
    told = await house.database.read(
        lambda tx: (
            run(tx, "SELECT group_concat(payload) FROM jobs")
            if tx.dialect.name == "sqlite"
            else run(tx, "SELECT string_agg(payload, '') FROM jobs")
        )
    )

    assert made.removeprefix("HOL-GIFT-") not in f"{kept}{told}"
    assert "lan@example.com" not in f"{kept}{told}"


async def test_a_letter_that_was_given_up_is_tried_again_as_itself_at_the_right_address(house):
    gift = await house.sell_gift_card()
    house.letters.away = True
    for _ in range(20):
        await do_effects(house.hub)
        house.pass_time(hours=8)
    given_up = await house.database.read(lambda tx: effects.standing(tx, f"gift_card/{gift.id}"))
    house.letters.away = False

    await resent(house, gift, "lan.tran@example.com")
    await do_effects(house.hub)
    await do_effects(house.hub)

    assert given_up is not None
    assert given_up.state == "dead"
    assert [letter.to for letter in house.letters.letters] == ["lan.tran@example.com"]
    assert house.letters.letters[0].name == f"gift_card/{gift.id}"
    assert await audit(house.database, CHECKS) == []


async def test_whoever_was_forgotten_gets_no_letter_before_an_address_is_given(house):
    gift = await house.sell_gift_card()
    await do_effects(house.hub)
    await forget_payment(house.hub, gift.payment_id, "they asked")

    with pytest.raises(Conflict, match="send `email`"):
        await resent(house, gift)
    await resent(house, gift, "lan@example.com")
    await do_effects(house.hub)

    assert [letter.to for letter in house.letters.letters] == ["lan@example.com"] * 2
