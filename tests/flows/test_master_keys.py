"""The master secret is replaced, and everything that was sold under the old one still works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from tallystick.domain.addresses import GIFT_CARDS, LOST, ORDERS, REFERRERS, Addresses
from tallystick.domain.errors import CouponUsedUp, NotConfigured
from tallystick.domain.sealing import Masters, derived
from tallystick.flows.audit import audit
from tallystick.flows.endpoints import Wanted, create, secret_of, signing_keys
from tallystick.flows.idempotency import Answer, Once, doing, replay
from tallystick.flows.master_keys import rotate, take_up
from tallystick.flows.offer import form_ticket
from tallystick.flows.request_refund import Payee, RefundWish, request
from tallystick.products import CHECKS, SEALED_COLUMNS
from tallystick.products.gift_cards import cards
from tallystick.products.gift_cards import personal_rows as given
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.gift_cards.deliver import GiftCard
from tallystick.products.orders import licence as keys
from tallystick.products.orders import licence_rows
from tallystick.products.orders import ordering as selling
from tallystick.products.orders import personal_rows as bought
from tallystick.products.orders.deliver import Orders
from tallystick.products.revenue import referrer_rows
from tallystick.products.tasks.call_back import callback_secret
from tallystick.store import sealed, webhook_endpoints
from tallystick.store.schema import metadata
from tests.store.house import House
from tests.store.rows import NOW

OLD, NEW = b"the old secret of thirty-two chars", b"the new secret of thirty-two chars"
SEALING = "SELECT count(*) FROM {} WHERE {} IS NOT NULL AND substr({}, 1, 8) <> :header"


async def served_with(house: House, *secrets: bytes) -> None:
    """The server starts again with these in TALLYSTICK_SECRET_KEY."""
    masters = await take_up(house.database, Masters.of(*secrets), SEALED_COLUMNS, NOW)
    house.hub.secret = masters
    house.hub.fulfilments = {
        **house.hub.fulfilments,
        "gift_card": GiftCard.make(masters, house.hub.settings),
        "order": Orders(masters),
    }


async def code_of(house: House, card_id: str) -> str:
    card = await house.database.read(lambda tx: gift_cards.find(tx, card_id))
    assert card is not None
    code = cards.code_of(house.hub, card)
    assert code is not None
    return code


async def test_a_card_sold_under_the_old_secret_is_redeemed_under_the_new(house):
    await served_with(house, OLD)
    gift = await house.sell_gift_card()
    code = await code_of(house, gift.id)

    await served_with(house, NEW, OLD)
    found = await cards.find_by_code(house.hub, code)
    await rotate(house.hub)
    await served_with(house, NEW)
    later = await cards.find_by_code(house.hub, code)

    assert found is not None
    assert later is not None
    assert (found.id, later.id) == (gift.id, gift.id)
    assert await code_of(house, gift.id) == code
    assert cards.email_of(house.hub, later) == "lan@example.com"


async def test_a_card_from_before_there_could_be_two_secrets_is_found(house):
    """Hashes and sealed values of older versions do not name their key."""
    await served_with(house, OLD)
    gift = await house.sell_gift_card()
    code = await code_of(house, gift.id)
    cut = "UPDATE gift_cards SET code_hash = substr(code_hash, 10), code_sealed = substr({}, 9)"
    await house.database.write(lambda tx: tx.exec_driver_sql(cut.format("code_sealed")))

    await served_with(house, NEW, OLD)
    assert await cards.find_by_code(house.hub, code) is not None
    await rotate(house.hub)
    await served_with(house, NEW)

    assert await cards.find_by_code(house.hub, code) is not None
    assert await code_of(house, gift.id) == code


async def everything(house: House) -> tuple[str, str, str]:
    """An order with a licence and a tax id, an endpoint, a refund by hand, a kept answer."""
    await house.stock()
    order = await house.pays_order(await house.order(tax_id="0312345678"))
    paid, ref = await house.open()
    house.pays(ref)
    await house.settle(paid)
    once = Once.of("test", "key-1", b"body", lambda told: Answer(201, b"the first answer"))
    payee = Payee("970436", "0123456789", "LAN")
    with doing(once):
        await request(house.hub, paid, RefundWish(amount=10_000, actor="test", payee=payee))
    listening = Wanted("https://1.1.1.1/hooks", ("payment.*",))
    endpoint, secret = await create(house.hub, listening)
    return order.id, endpoint.id, secret


async def test_everything_that_was_sealed_opens_under_the_new_secret_alone(house):
    await served_with(house, OLD)
    order_id, endpoint_id, secret = await everything(house)
    await house.sell_gift_card()
    licence = await house.database.read(lambda tx: licence_rows.of_order(tx, order_id))
    key = house.hub.fulfilments["order"].licence_key(licence)

    await served_with(house, NEW, OLD)
    done = (await rotate(house.hub)).done
    await served_with(house, NEW)

    order = await house.order_now(order_id)
    endpoint = await house.database.read(lambda tx: webhook_endpoints.find(tx, endpoint_id))
    licence = await house.database.read(lambda tx: licence_rows.of_order(tx, order_id))
    assert endpoint is not None
    assert selling.tax_id(house.hub, order) == "0312345678"
    assert secret_of(house.hub.secret, endpoint) == secret
    assert len(signing_keys(house.hub.secret, endpoint, NOW)) == 1
    assert house.hub.fulfilments["order"].licence_key(licence) == key
    again = await replay(house.hub, Once.of("test", "key-1", b"body"))
    assert again == Answer(201, b"the first answer", replayed=True)
    assert set(done) >= {"orders.tax_id", "licences.sealed", "refunds.payee", "idempotency.answer",
                         "webhook_endpoints.secret", "gift_cards.code_sealed"}  # fmt: skip
    assert all(done.values())


async def test_what_others_hold_the_other_half_of_stays_the_same(house):
    """Products in the field verify licences with a key that they were built with."""
    await served_with(house, OLD)
    public = keys.public_key(house.hub.secret)
    before = callback_secret(house.hub), form_ticket(house.hub, "att_1")
    assert public == keys.public_key(OLD)

    await served_with(house, NEW, OLD)
    await rotate(house.hub)
    await served_with(house, NEW)

    claims = keys.Claims("lic_1", "ord_1", "pro", 1, NOW)
    assert keys.read(public, keys.sign(house.hub.secret, claims)) is not None
    assert (callback_secret(house.hub), form_ticket(house.hub, "att_1")) == before


async def test_a_rotation_that_was_stopped_goes_on_where_it_was(house):
    await served_with(house, OLD)
    gifts = [await house.sell_gift_card() for _ in range(3)]
    await served_with(house, NEW, OLD)
    middle = derived(house.hub.secret, "gift-card-seal").header
    [half] = [one for one in SEALED_COLUMNS if one.name == "gift_cards.code_sealed"]
    [first, *_] = await house.database.read(lambda tx: sealed.other(tx, half, middle, (), 1))
    assert len(first) == 2

    done = (await rotate(house.hub)).done
    again = (await rotate(house.hub)).done

    assert done["gift_cards.code_sealed"] == len(gifts)
    assert again.total() == 0


async def test_the_server_does_not_start_without_the_secret_that_rows_need(house):
    await served_with(house, OLD)
    await house.sell_gift_card()

    with pytest.raises(NotConfigured, match="keys rotate-master") as told:
        await served_with(house, NEW)
    assert "\n" not in told.value.detail
    await served_with(house, NEW, OLD)
    with pytest.raises(NotConfigured):
        await served_with(house, NEW)
    await rotate(house.hub)
    await served_with(house, NEW)


async def test_a_database_of_before_is_held_to_the_secret_that_it_was_sealed_with(house):
    """Nothing says yet which secret is in use; one value of each kind is tried."""
    house.hub.secret = Masters.of(OLD)
    house.hub.fulfilments["gift_card"] = GiftCard.make(house.hub.secret, house.hub.settings)
    await house.sell_gift_card()

    with pytest.raises(NotConfigured, match=r"gift_cards\.code_sealed"):
        await served_with(house, NEW)
    await served_with(house, NEW, OLD)


async def test_a_value_that_no_secret_opens_is_named_and_nothing_may_be_dropped(house):
    await served_with(house, OLD)
    await house.sell_gift_card()
    house.hub.secret = replace(house.hub.secret, secrets=(NEW,))

    with pytest.raises(NotConfigured, match=r"kept_keys\.sealed .checkout form"):
        await rotate(house.hub)

    await served_with(house, NEW, OLD)


async def test_a_secret_that_is_lost_for_good_can_be_given_up(house):
    await served_with(house, OLD)
    lost = await house.sell_gift_card()
    code = await code_of(house, lost.id)
    house.hub.secret = Masters.of(NEW)

    told = await rotate(house.hub, give_up=True)
    await served_with(house, NEW)
    gift = await house.sell_gift_card()

    assert told.lost["gift_cards.code_sealed"] == 1
    assert await cards.find_by_code(house.hub, code) is None
    assert await cards.find_by_code(house.hub, await code_of(house, gift.id)) is not None


def test_every_sealed_column_can_be_sealed_anew():
    """The plain ones are the bytes that gateways sent."""
    plain = {"evidence.raw", "inbox.body", "refund_moves.raw"}
    found = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if str(column.type) == "BLOB"
    }

    assert found - plain == {one.name for one in SEALED_COLUMNS}


async def test_addresses_are_found_under_the_old_secret_the_new_one_and_both(house):
    """Blind indexes are made anew with the secret; a coupon goes on counting its customer."""
    await served_with(house, OLD)
    await house.stock()
    coupon = await house.coupon(per_customer=1)
    order = await house.order("Mai@example.vn", coupon_code=coupon.code)
    await house.referrer("LINH", "linh@example.com")
    gift = await house.sell_gift_card()

    async def seen() -> tuple[list[str], list[str], bool, str]:
        book = Addresses.of(house.hub.secret)
        with pytest.raises(CouponUsedUp):
            await house.order("mai@example.vn", coupon_code=coupon.code)

        def read(tx: Connection) -> tuple[list[str], list[str], bool]:
            return (
                bought.ordered_by(tx, book.lookups(ORDERS, "mai@EXAMPLE.vn")),
                given.given_to(tx, book.lookups(GIFT_CARDS, "Lan@example.com")),
                referrer_rows.has_address(tx, book.lookups(REFERRERS, "linh@example.com")),
            )

        email = selling.email_of(house.hub, await house.order_now(order.id))
        return *(await house.database.read(read)), email

    found = [await seen()]
    await served_with(house, NEW, OLD)
    found.append(await seen())
    done = (await rotate(house.hub)).done
    found.append(await seen())
    await served_with(house, NEW)
    found.append(await seen())

    assert found == [([order.payment_id], [gift.payment_id], True, "Mai@example.vn")] * 4
    assert (done["orders.email_sealed"], done["referrers.email_sealed"]) == (1, 1)
    assert await audit(house.database, CHECKS) == []


async def test_an_order_whose_address_is_lost_with_its_secret_can_still_be_read(house):
    await served_with(house, OLD)
    await house.stock()
    order = await house.order()
    house.hub.secret = Masters.of(NEW)

    await rotate(house.hub, give_up=True)
    await served_with(house, NEW)

    assert selling.email_of(house.hub, await house.order_now(order.id)) == LOST
