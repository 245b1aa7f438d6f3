"""What an operator sees right after an ordinary payment: nothing that waits, and no line twice."""

from __future__ import annotations

import threading

import pytest

from tests.http.line import Line
from tests.http.shop import Shop, eventually

ORDINARY = [("sepay", "VND"), ("payos", "VND"), ("sepay_pg", "VND"), ("govpay", "LKR")]


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def test_no_money_waits_for_a_person_while_ordinary_payments_are_paid(shop):
    waited: set[str] = set()
    over = threading.Event()

    def look() -> None:
        line = Line(lambda: shop.server.url)
        while not over.is_set():
            rows = line.get("/api/unmatched?limit=200", token=shop.server.secret_key).data
            waited.update(row["transactionId"] for row in rows)
        line.close()

    watching = threading.Thread(target=look)
    watching.start()
    for gateway, currency in ORDINARY:
        sale = shop.payment(gateway=gateway, currency=currency, amount=150_000)
        sale.act("pay")
        eventually(sale.show, lambda seen: seen["phase"] == "paid")
    over.set()
    watching.join()

    assert waited == set()


def test_five_equal_hints_are_one_line_that_says_how_often(shop):
    sale = shop.payment(gateway="payos")
    for _ in range(5):
        sale.act("forge_webhook")
        shop.advance(1)

    reasons = shop.get(f"/api/payments/{sale.id}/why").data["reasons"]

    hints = [one for one in reasons if one["source"] == "webhook"]
    assert [one["times"] for one in hints] == [5]
    assert hints[0]["at"] < hints[0]["lastAt"]
    assert all(one["times"] == 1 for one in reasons if one["source"] == "operator")
    told = sale.why().splitlines()
    assert len(told) == len(set(told))
