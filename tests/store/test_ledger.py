"""The books: every credit once, every transfer balanced and once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import InsufficientFunds
from tallystick.domain.ledger import REVENUE, SUSPENSE, clearing, earned, received
from tallystick.domain.money import Money
from tallystick.store import ledger
from tests.store.rows import NOW, add, money, payment, run

PRICE = Money(50_000, "VND")


@pytest.fixture
async def books(database):
    """A database with two payments."""
    await database.write(lambda tx: add(tx, payment("pay_1"), payment("pay_2")))
    return database


def receive(tx, credit, of="pay_1"):
    """Write a receipt; its id, or None."""
    return ledger.receive(tx, of, None, credit, "key", NOW)


async def test_one_transaction_is_received_once_however_often_we_hear_of_it(books):
    told = await asyncio.gather(
        *(books.write(lambda tx, of=of: receive(tx, money(), of)) for of in ["pay_1", "pay_2"] * 4)
    )

    assert sum(one is not None for one in told) == 1
    assert len(await books.read(lambda tx: ledger.owners(tx, [money()]))) == 1


async def test_the_same_number_at_another_gateway_or_account_is_another_transaction(books):
    others = [money(), money(gateway="payos"), money(account="second"), money("FT2")]

    told = await books.write(lambda tx: [receive(tx, credit) for credit in others])

    assert None not in told
    assert len(set(told)) == 4


async def test_the_owner_of_a_credit_is_known(books):
    mine, yours, nobodys = money("FT1"), money("FT2"), money("FT3")
    await books.write(lambda tx: [receive(tx, mine), receive(tx, yours, "pay_2")])

    def owners(*credits_):
        return books.read(lambda tx: ledger.owners(tx, credits_))

    assert await owners(mine) == {"pay_1"}
    assert await owners(mine, yours, nobodys) == {"pay_1", "pay_2"}
    assert await owners(nobodys) == set()
    assert await owners(replace(mine, gateway="payos")) == set()


async def test_receipts_are_read_back_as_the_credits_they_came_from(books):
    first, second = money("FT1", 20_000), money("FT2", 30_000, currency="USD")
    await books.write(lambda tx: [receive(tx, first), receive(tx, second)])

    found = await books.read(lambda tx: ledger.receipts_of(tx, ["pay_1", "pay_2"]))

    assert set(found) == {"pay_1"}
    assert sorted(found["pay_1"]) == sorted([first, second])


async def test_a_transfer_is_posted_once(books):
    sale = earned("pay_1", PRICE)

    told = await asyncio.gather(
        *(books.write(lambda tx: ledger.post(tx, sale, NOW)) for _ in range(5))
    )

    assert sorted(told) == [False] * 4 + [True]
    assert await books.read(lambda tx: run(tx, "SELECT COUNT(*) FROM postings")) == 2


async def test_balances_are_the_sums_of_their_postings(books):
    def trade(tx):
        for of, name in (("pay_1", "FT1"), ("pay_2", "FT2")):
            receipt_id = receive(tx, money(name), of)
            ledger.post(tx, received(receipt_id, of, "till", PRICE), NOW)
        ledger.post(tx, earned("pay_1", PRICE), NOW)

    await books.write(trade)

    assert await books.read(ledger.balances) == {
        (clearing("till"), "VND"): 100_000,
        (SUSPENSE, "VND"): -50_000,
        (REVENUE, "VND"): -50_000,
    }


async def test_a_sum_of_very_large_amounts_is_exact(books):
    most = Money(2**53 - 1, "VND")

    def trade(tx):
        for number in range(20):
            ledger.post(tx, received(f"rcp_{number}", "pay_1", "till", most), NOW)

    await books.write(trade)

    balances = await books.read(ledger.balances)
    assert balances[clearing("till"), "VND"] == 20 * (2**53 - 1)


async def test_empty_books_have_no_balances(database):
    assert await database.read(ledger.balances) == {}


async def test_a_wallet_never_gives_more_than_it_has(database):
    wallet = accounts.wallet("user-7")
    gift = accounts.move("gift", "1", None, Money(900, "VND"), debit=REVENUE, credit=wallet)
    await database.write(lambda tx: ledger.post(tx, gift, NOW))

    async def spend(number: int) -> bool:
        taken = accounts.move(
            "spend", str(number), None, Money(400, "VND"), debit=wallet, credit=REVENUE
        )
        try:
            return await database.write(lambda tx: ledger.post(tx, taken, NOW))
        except InsufficientFunds:
            return False

    spent = await asyncio.gather(*(spend(number) for number in range(20)))

    assert sum(spent) == 2
    assert await database.read(lambda tx: ledger.balance(tx, wallet)) == {"VND": 100}
    assert (await database.read(ledger.balances))[wallet, "VND"] == -100


async def test_a_transfer_posted_twice_moves_the_balance_once(database):
    wallet = accounts.wallet("user-7")
    gift = accounts.move("gift", "1", None, Money(900, "VND"), debit=REVENUE, credit=wallet)

    posted = [await database.write(lambda tx: ledger.post(tx, gift, NOW)) for _ in range(2)]

    assert posted == [True, False]
    assert await database.read(lambda tx: ledger.balance(tx, wallet)) == {"VND": 900}
