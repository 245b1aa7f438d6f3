"""Stories of a bank account that is not ours alone: hundreds of strangers, and odd lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tallystick.sandbox.simulators.base import Order, Transfer
from tallystick.sandbox.simulators.books import Books
from tallystick.sandbox.simulators.sepay import SePayKeys, sealed
from tests.http.shop import Sale, Shop, eventually

numbers = count(1)


@pytest.fixture(autouse=True)
def _equal(shop: Shop):
    """After each story the books balance, and equal the account to the unit."""
    yield
    books = Books(shop.own_file(".sandbox"))
    lines = books.book("sepay").orders
    books.close()
    theirs = sum(
        transfer.amount
        for order in lines
        for transfer in order.transfers
        if order.terms.get("odd") != "type"
    )
    # Thousands of lines are read at the pace that SePay allows.
    eventually(lambda: account(shop), lambda held: held == theirs, 240)
    shop.audit()


def account(shop: Shop) -> int:
    """What our books say that the account received."""
    [(held,)] = shop.rows(
        "SELECT COALESCE(SUM(amount), 0) FROM postings WHERE account = 'clearing:sepay'"
    )
    return int(held)


def code(sale: Sale) -> str:
    """What the payer is asked to write."""
    return str(sale.show()["checkout"]["transferContent"])


def enters(shop: Shop, content: str, amount: int = 50_000, **facts: Any) -> Transfer:
    """A transfer is entered in the bank's books; the bank tells nobody."""
    number = next(numbers)
    usual = {
        "reference": f"FT{number:08}{shop.server.database[-4:]}", "amount": amount,
        "currency": "VND", "at": datetime.now(UTC), "content": content,
        "entered_at": datetime.now(UTC),
    }  # fmt: skip
    transfer = Transfer(**{**usual, **facts})
    books = Books(shop.own_file(".sandbox"))
    books.keep(
        Order("sepay", f"line-{number}", f"line-{number}", 1, "VND", "scanned", transfer.at, None,
              "", "", {"memo": ""}, (transfer,))
    )  # fmt: skip
    books.close()
    return transfer


def notice(shop: Shop, transfer: Transfer, **changes: Any) -> int:
    """SePay tells of it, rightly signed; how we answered."""
    keys = shop.gateway_keys("sepay")
    at = (transfer.at + timedelta(hours=7)).strftime("%Y-%m-%d %H:%M:%S")
    told = {
        "id": next(numbers), "gateway": "Vietcombank", "transactionDate": at,
        "accountNumber": SePayKeys("").account_number, "code": None, "content": transfer.content,
        "transferType": "in", "transferAmount": transfer.amount, "accumulated": 0,
        "subAccount": None, "referenceCode": transfer.reference, "description": "", **changes,
    }  # fmt: skip
    message = sealed(
        SePayKeys(keys["api_token"], keys["webhook_secret"]), told, datetime.now(UTC), rightly=True
    )
    path = "/api/webhooks/sepay"
    answer = shop.post(path, raw=message.body, headers=dict(message.headers), token=None)
    return answer.status


def waiting(shop: Shop, reference: str) -> list[dict[str, Any]]:
    """What waits for a person of this reference of the bank."""
    rows = shop.get("/api/unmatched?limit=200").json["data"]
    return [row for row in rows if row["transactionId"].startswith(reference)]


def test_a_payer_is_paid_on_an_account_with_250_other_transfers(shop: Shop):
    sale = shop.payment(gateway="sepay")
    sale.act("strangers", times=250, seed=1)

    sale.act("lose_webhook")

    sale.becomes("paid", amountState="exact", received=50_000, review=None)


def test_thirty_payers_at_once_on_a_busy_account_are_all_paid(shop: Shop):
    sales = [shop.payment(gateway="sepay", amount=20_000 + number) for number in range(30)]
    sales[0].act("strangers", times=100, seed=2)

    for sale in sales:
        sale.act("pay")

    for sale in sales:
        sale.becomes("paid", amountState="exact", review=None)


@pytest.mark.slow
def test_a_payer_is_paid_on_an_account_with_5000_other_transfers(shop: Shop):
    first = shop.payment(gateway="sepay")
    for seed in range(5):
        first.act("strangers", times=1_000, seed=100 + seed)
    sale = shop.payment(gateway="sepay")

    sale.act("pay")

    sale.becomes("paid", amountState="exact", received=50_000, review=None)


def test_money_that_names_two_payments_is_credited_to_neither_and_spoils_nothing(shop: Shop):
    first, second = shop.payment(gateway="sepay"), shop.payment(gateway="sepay")
    both = enters(shop, f"{code(first)} va {code(second)}")
    assert notice(shop, both) == 200

    rows = eventually(lambda: waiting(shop, both.reference), bool)

    assert {one["paymentId"] for one in rows[0]["suggestions"]} >= {first.id, second.id}
    assert (first.show()["received"], second.show()["received"]) == (0, 0)

    for sale in (first, second):
        sale.act("pay")
        sale.becomes("paid", amountState="exact", review=None)
    assert len(waiting(shop, both.reference)) == 1


def test_two_transfers_with_one_bank_reference_are_one_counted_and_one_listed(shop: Shop):
    first, second = shop.payment(gateway="sepay"), shop.payment(gateway="sepay", amount=70_000)
    one = enters(shop, code(first))
    first.becomes("paid")
    other = enters(shop, code(second), 70_000, reference=one.reference)
    assert notice(shop, other) == 200

    [row] = eventually(lambda: waiting(shop, one.reference), bool)

    assert row["amount"] == 70_000
    assert {one["paymentId"] for one in row["suggestions"]} == {first.id, second.id}
    wish = {"paymentId": second.id, "reason": "The bank gave that number twice."}
    assigned = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)
    assert assigned.data["payment"]["phase"] == "paid"


def test_money_with_an_owner_is_not_closed_as_if_it_had_none(shop: Shop):
    sale = shop.payment(gateway="sepay")
    sale.act("pay")
    sale.becomes("paid")
    [(credit,)] = shop.rows(f"SELECT id FROM credits WHERE payment_id = '{sale.id}'")

    for verb in ("refund", "park"):
        answer = shop.post(f"/api/unmatched/{credit}/{verb}", json={"reason": "A mistake."})
        assert (answer.status, answer.json["code"]) == (409, "conflict")
        assert sale.id in answer.json["detail"]


def test_odd_lines_of_the_list_stop_nothing_but_themselves(shop: Shop):
    sale = shop.payment(gateway="sepay")
    sale.act("odd_lines", seed=next(numbers))
    sale.act("lose_webhook")

    sale.becomes("paid", amountState="exact", review=None)

    rows = shop.get("/api/unmatched?limit=200").json["data"]
    assert sum(row["amount"] == 1_234 for row in rows) == 2
    kept = shop.get("/api/notices?state=unreadable&gateway=sepay").data
    assert any("adjustment" in one["problem"] for one in kept)


def test_an_exact_transfer_from_15_minutes_before_the_payment_was_made_pays_it(shop: Shop):
    sale = shop.payment(gateway="sepay")
    early = enters(shop, code(sale), at=datetime.now(UTC) - timedelta(minutes=15))

    assert notice(shop, early) == 200

    sale.becomes("paid", amountState="exact", received=50_000, review=None, late=False)


def test_a_transfer_without_a_bank_reference_is_one_credit_by_notice_and_by_list(shop: Shop):
    sale = shop.payment(gateway="sepay")
    sale.act("odd_lines", amount=77_000, seed=next(numbers))
    rows = eventually(
        lambda: [row for row in shop.get("/api/unmatched?limit=200").json["data"]
                 if row["amount"] == 77_000 and row["transactionId"].startswith("unnamed")],
        bool,
    )  # fmt: skip
    told = Transfer("", 77_000, "VND", datetime.fromisoformat(rows[0]["at"]), "tra no")

    assert notice(shop, told) == 200

    eventually(lambda: shop.metric("tallystick_inbox_waiting"), lambda waits: waits == 0)
    [(kept,)] = shop.rows(
        "SELECT COUNT(*) FROM credits WHERE amount = 77000 AND transaction_id LIKE 'unnamed%'"
    )
    assert kept == 1


def test_the_proof_holds_no_line_of_a_stranger(shop: Shop):
    sale = shop.payment(gateway="sepay")
    sale.act("strangers", times=20, seed=next(numbers))
    sale.act("pay")
    sale.becomes("paid")

    told = shop.rows(f"SELECT credits, note FROM evidence WHERE payment_id = '{sale.id}'")

    assert len(told) > 0
    assert not [words for words in ("NGUYEN VAN A", "an trua", "luong") if words in str(told)]
