"""Somebody asks to be forgotten: their data goes, the books stay, and it is written down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from tallystick.domain.errors import Conflict, NotConfigured, NotFound
from tallystick.domain.sealing import Masters
from tallystick.flows.feed import Reading, read
from tallystick.flows.forget import forget_payment, forget_person
from tallystick.flows.notices import listing
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.orders.ordering import email_of
from tallystick.store import effects, forgetting, raw_bytes
from tests.store.house import SECRET, House
from tests.store.rows import run


async def bought(house: House) -> tuple[str, str]:
    """A payment with a notice, a memo and an answer that have bytes; and its offer's name."""
    payment_id, ref = await house.open()
    house.pays(ref)
    house.till.books[ref] = replace(house.till.books[ref], raw=b'{"payer":"Binh"}')
    await house.notice(ref, money=True)
    await house.handle()
    await house.database.write(lambda tx: run(tx, "UPDATE inbox SET memo = 'Binh tra tien'"))
    return payment_id, ref


async def counted(house: House, table: str) -> int:
    """How many rows a table has."""
    return await house.database.read(lambda tx: run(tx, f"SELECT COUNT(*) FROM {table}"))


async def test_a_payments_bytes_and_memo_go_and_its_money_stays(house):
    payment_id, _ = await bought(house)
    tables = ("receipts", "transfers", "postings", "evidence", "inbox")
    before = {name: await counted(house, name) for name in tables}

    erased = await forget_payment(house.hub, payment_id, "asked by letter")

    [notice] = await listing(house.hub, filters={}, span=(None, None), after=None, limit=5)
    shown = await house.settle(payment_id)
    assert (erased["raw bytes"], erased["memos"]) == (2, 1)
    assert await counted(house, "raw_bytes") == 0
    assert notice.memo == ""
    assert notice.digest
    assert {name: await counted(house, name) for name in tables} == before
    assert (shown.phase, shown.received_minor) == ("paid", 50_000)


async def test_what_was_erased_is_in_the_decisions_log_with_its_reason(house):
    payment_id, _ = await bought(house)

    await forget_payment(house.hub, payment_id, "asked by letter")

    query = "SELECT subject, actor, payment_id, reason FROM decisions"
    [row] = await house.database.read(lambda tx: tx.execute(text(query)).all())
    assert row[:3] == (payment_id, "command line", payment_id)
    assert "2 raw bytes, 1 memos" in row.reason
    assert "asked by letter" in row.reason


async def test_another_payments_bytes_stay(house):
    mine, _ = await bought(house)
    other, ref = await house.open()
    house.pays(ref)
    house.till.books[ref] = replace(house.till.books[ref], raw=b'{"payer":"Lan"}')
    await house.settle(other)

    await forget_payment(house.hub, mine, "asked")

    kept = await house.database.read(lambda tx: forgetting.subjects(tx, other))
    bytes_ = await house.database.read(lambda tx: [raw_bytes.find(tx, one) for one in kept])
    assert [one is not None for one in bytes_].count(True) == 1


async def test_what_can_still_be_paid_is_not_forgotten(house):
    payment_id, _ = await house.open()

    with pytest.raises(Conflict, match="still be paid"):
        await forget_payment(house.hub, payment_id, "asked")
    with pytest.raises(NotFound):
        await forget_payment(house.hub, "pay_9", "asked")


async def test_a_buyer_is_forgotten_in_every_order_and_in_what_was_done_for_it(house):
    await house.stock()
    order = await house.order()
    await house.pays_order(order)
    email = email_of(house.hub, order)
    payload = {"letter": "receipt", "to": email.upper(), "order": order.id}
    await house.database.write(lambda tx: effects.add(tx, "x", "k", payload, house.clock.at))
    await house.database.write(lambda tx: run(tx, "UPDATE jobs SET state = 'done', due_at = NULL"))

    erased = await forget_person(house.hub, email.title(), "asked")

    after = await house.order_now(order.id)
    kept = await house.database.read(
        lambda tx: run(tx, "SELECT payload FROM jobs WHERE dedupe_key = 'k'")
    )
    assert (erased["buyers"], erased["effects"]) == (1, 1)
    assert email_of(house.hub, after) == forgetting.GONE
    assert after.quote == order.quote
    assert email not in kept.lower()
    assert order.id in kept
    with pytest.raises(NotFound):
        await forget_person(house.hub, email, "asked again")


async def test_what_was_told_of_a_forgotten_buyer_does_not_name_them_any_more(house):
    await house.stock()
    order = await house.order()
    await house.pays_order(order)
    before = (await read(house.hub, Reading(patterns=("order.*",)))).events

    await forget_person(house.hub, "mai@example.vn", "asked")

    after = (await read(house.hub, Reading(patterns=("order.*",)))).events
    told = await house.database.read(lambda tx: tx.execute(text("SELECT data FROM outbox")).all())
    assert [one.data["email"] for one in before] == ["mai@example.vn"]
    assert [one.data["email"] for one in after] == [forgetting.GONE]
    assert "mai@example.vn" not in str(told)


async def test_a_customer_of_a_coupon_becomes_a_stranger_and_its_uses_stay_counted(house):
    await house.stock()
    coupon = await house.coupon(per_customer=1)
    order = await house.order(coupon_code=coupon.code)
    await house.pays_order(order)

    await forget_person(house.hub, "mai@example.vn", "asked")

    query = "SELECT u.customer, c.customer, c.used FROM coupon_uses u, coupon_customers c"
    [(use, customer, used)] = await house.database.read(lambda tx: tx.execute(text(query)).all())
    assert use == customer
    assert use.startswith("forgotten_")
    assert used == 1


async def test_whoever_was_given_a_gift_card_is_forgotten_and_its_money_is_not(house):
    gift = await house.sell_gift_card()

    erased = await forget_person(house.hub, "Lan@Example.com", "asked")

    card = await house.database.read(lambda tx: gift_cards.find(tx, gift.id))
    mint = Mint.of(SECRET, house.hub.settings.gift_card_prefix)
    assert erased["recipients"] == 1
    assert mint.unseal(card.id, "email_sealed", card.email_sealed) == forgetting.GONE
    assert (card.state, card.amount, card.code_hash is not None) == ("active", 50_000, True)


async def test_without_the_servers_secret_nobody_can_look_into_gift_cards(house):
    await house.sell_gift_card()
    house.hub.secret = Masters(())

    with pytest.raises(NotConfigured, match="TALLYSTICK_SECRET_KEY"):
        await forget_person(house.hub, "lan@example.com", "asked")


async def test_an_address_with_a_payment_that_goes_on_keeps_what_it_needs(house):
    await house.stock()
    await house.order()
    done = await house.order()
    await house.pays_order(done)

    erased = await forget_person(house.hub, "mai@example.vn", "asked")

    assert (erased["buyers"], erased["unfinished"]) == (1, 1)
