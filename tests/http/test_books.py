"""The books over HTTP: they sum to zero, and a gateway's fee is booked once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.callers import key_of
from tests.http.shop import Shop

FEE = {"gateway": "polar", "amount": 590, "currency": "USD", "reference": "invoice-2026-11"}


def standing(shop: Shop) -> dict[tuple[str, str], int]:
    """Every account's balance."""
    rows = shop.get("/api/books/balances").data
    return {(row["account"], row["currency"]): row["balance"] for row in rows}


def book(shop: Shop, **changes: Any) -> Any:
    """Book a fee."""
    return shop.post("/api/books/fees", json={**FEE, **changes})


def test_every_currency_of_the_books_sums_to_zero(shop):
    sale = shop.payment(gateway="payos")
    sale.act("pay")
    sale.becomes("paid")

    found = standing(shop)

    assert found["clearing:payos", "VND"] >= 50_000
    assert found["revenue", "VND"] <= -50_000
    assert sum(minor for (_, currency), minor in found.items() if currency == "VND") == 0


def test_what_a_gateway_kept_is_taken_from_what_it_holds_once(shop):
    before = standing(shop)

    booked = [book(shop, reference="invoice-2").status for _ in range(2)]

    after = standing(shop)
    assert booked == [201, 201]
    assert after["fees", "USD"] == before.get(("fees", "USD"), 0) + 590
    assert after["clearing:polar", "USD"] == before.get(("clearing:polar", "USD"), 0) - 590
    shop.audit()


def test_another_amount_by_the_same_name_is_refused(shop):
    book(shop, reference="invoice-1")

    answer = book(shop, reference="invoice-1", amount=591)

    assert (answer.status, answer.json["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"gateway": "bank"}, 400), ({"amount": 0}, 400), ({"amount": 1.5}, 400),
     ({"currency": "XXZ"}, 400), ({"reference": ""}, 400), ({"more": 1}, 400)],
)  # fmt: skip
def test_a_fee_that_makes_no_sense_is_refused(shop, changes, status):
    assert book(shop, **changes).status == status


def test_a_reader_sees_the_books_and_enters_nothing(shop):
    reader = key_of(shop, "reader")

    assert shop.get("/api/books/balances", token=reader).status == 200
    assert shop.post("/api/books/fees", json=FEE, token=reader).status == 403
