"""Transfers balance per currency, or they do not exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import MoneyMismatch
from tallystick.domain.ledger import (
    REVENUE,
    SUSPENSE,
    Posting,
    Transfer,
    clearing,
    earned,
    move,
    received,
)
from tallystick.domain.money import Money

MONEY = st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from(["VND", "USD"]))
POSTINGS = st.lists(st.builds(Posting, st.sampled_from(["a", "b", "c"]), MONEY), max_size=6)


@given(POSTINGS)
def test_a_transfer_exists_only_where_each_currency_sums_to_zero(postings):
    sums = [sum(p.amount.minor for p in postings if p.amount.currency == c) for c in ("VND", "USD")]

    if any(sums) or len(postings) < 2:
        with pytest.raises(MoneyMismatch, match="does not balance"):
            Transfer("test", "s", "pay_1", tuple(postings))
    else:
        assert not any(Transfer("test", "s", "pay_1", tuple(postings)).sums().values())


@given(MONEY)
def test_a_move_takes_from_one_account_what_it_gives_to_the_other(amount):
    transfer = move("test", "s", "pay_1", amount, debit="till", credit="bank")

    assert transfer.sums() == {amount.currency: 0}
    assert transfer.postings[0] == Posting("till", amount)
    assert transfer.postings[1] == Posting("bank", Money(-amount.minor, amount.currency))


def test_two_currencies_do_not_make_up_for_each_other():
    postings = (Posting("a", Money(100, "VND")), Posting("b", Money(-100, "USD")))

    with pytest.raises(MoneyMismatch):
        Transfer("test", "s", "pay_1", postings)


def test_money_that_came_and_was_earned_leaves_nothing_in_suspense():
    price = Money(50_000, "VND")
    transfers = [received("rcp_1", "pay_1", "payos", price), earned("pay_1", price)]
    balance: dict[str, int] = {}

    for transfer in transfers:
        for posting in transfer.postings:
            balance[posting.account] = balance.get(posting.account, 0) + posting.amount.minor

    assert balance == {clearing("payos"): 50_000, SUSPENSE: 0, REVENUE: -50_000}


def test_a_receipt_and_a_delivery_are_each_booked_under_a_name_of_their_own():
    price = Money(1, "VND")

    assert received("rcp_1", "pay_1", "payos", price).subject == "rcp_1"
    assert earned("pay_1", price).subject == "pay_1"
    assert received("rcp_1", "pay_1", "payos", price).kind != earned("pay_1", price).kind
