"""A link that is paid at one gateway cannot be paid at another; what comes all the same is seen."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from tests.http import rows
from tests.http.shop import Sale, Shop, eventually


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def status_at(shop: Shop, sale: Sale, gateway: str) -> str:
    """How the payment's offer stands in the gateway's own books."""
    where = f"payment_id = '{sale.id}' AND gateway = '{gateway}'"
    [(ref,)] = shop.rows(f"SELECT our_ref FROM attempts WHERE {where}")
    books = f"sqlite:///{shop.own_file('.sandbox')}"
    [(told,)] = rows.read(books, f"SELECT document FROM orders WHERE ref = '{ref}'")
    return str(json.loads(told)["status"])


def pays_on_the_page(shop: Shop, chosen: dict, act: str = "pay") -> None:
    """The payer stands on the gateway's page that this choice led to."""
    page = urlsplit(chosen["checkout"]["checkoutUrl"]).path
    assert shop.post(page, raw=f"act={act}", token=None).status == 303


def test_a_link_paid_at_one_gateway_can_no_longer_be_paid_at_the_other(shop):
    sale = shop.link(gateways=["payos", "sandbox"])
    sale.choose("payos")
    sale.choose("sandbox")
    assert status_at(shop, sale, "payos") == "PENDING"

    sale.act("pay")

    sale.becomes("paid")
    assert eventually(
        lambda: status_at(shop, sale, "payos"), lambda status: status != "PENDING"
    ) == "CANCELLED"  # fmt: skip
    assert status_at(shop, sale, "sandbox") == "succeeded"
    assert sale.show()["review"] is None


def test_who_pays_the_other_gateway_before_it_hears_of_it_is_a_second_payer(shop):
    sale = shop.link(gateways=["payos", "sandbox"])
    quick = sale.choose("sandbox")
    sale.choose("payos")
    sale.act("error_500", times=1000)
    pays_on_the_page(shop, quick)
    sale.becomes("paid")

    sale.act("lose_webhook")
    sale.act("error_500", times=0)
    shop.advance(120)

    assert sale.becomes("paid", review="second_payer")["received"] == 100_000
    assert status_at(shop, sale, "payos") == "PAID"


def test_a_canceled_link_is_withdrawn_wherever_it_was_offered(shop):
    sale = shop.link(gateways=["payos", "sandbox"])
    sale.choose("payos")
    sale.choose("sandbox")

    assert sale.cancel().status == 200

    told = eventually(
        lambda: [status_at(shop, sale, name) for name in ("payos", "sandbox")],
        lambda both: "PENDING" not in both and "open" not in both,
    )
    assert told[0] == "CANCELLED"
