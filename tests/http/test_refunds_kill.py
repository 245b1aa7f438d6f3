"""A plug pulled in the middle of a refund: the money goes back once, or is still all there."""

from __future__ import annotations

import threading

import httpx2
import pytest

from tests.http import rows
from tests.http.conftest import OpenShop
from tests.http.shop import Sale, Shop, eventually


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A hub of its own, since its plug is pulled."""
    return open_shop()


def ask(sale: Sale) -> None:
    """A request whose answer never comes, because the plug is pulled."""
    try:
        sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 30_000},
                       headers={"idempotency-key": "refund-1"})  # fmt: skip
    except httpx2.HTTPError:
        return


def interrupted(shop: Shop, fault: str) -> Sale:
    """A refund that was reserved, and whose gateway was being called when the plug was pulled."""
    sale = shop.payment(gateway="sandbox")
    sale.act("pay")
    sale.becomes("paid")
    sale.act(fault, times=1)
    asking = threading.Thread(target=ask, args=(sale,))
    asking.start()
    where = f"payment_id = '{sale.id}' AND state = 'submitting'"
    eventually(lambda: shop.rows(f"SELECT count(*) FROM refunds WHERE {where}"),
               lambda found: found[0][0] == 1)  # fmt: skip
    if fault == "time_out_after_success":
        eventually(lambda: refunds_there(shop), lambda count: count == 1)
    shop.server.kill9()
    asking.join()
    shop.server.restart()
    return sale


def refunds_there(shop: Shop) -> int:
    """How many refunds the sandbox has in its own books."""
    books = f"sqlite:///{shop.own_file('.sandbox')}"
    return sum(row[0].count('"sr_') for row in rows.read(books, "SELECT document FROM orders"))


@pytest.mark.parametrize("fault", ["hang", "time_out_after_success"])
def test_a_plug_pulled_while_money_goes_back_gives_it_back_once(shop, fault):
    sale = interrupted(shop, fault)

    shop.advance(600)
    again = shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 30_000},
                      headers={"idempotency-key": "refund-1"})  # fmt: skip

    sale.becomes("paid", refunded=30_000)
    [one] = shop.get(f"/api/refunds?paymentId={sale.id}").data
    assert one["state"] == "succeeded"
    assert again.status in {201, 409}
    assert refunds_there(shop) == 1
    shop.audit()
