"""PostgreSQL does what it is asked, and its answer to the commit never arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.conftest import PLAIN
from tests.http.shop import Sale, Shop
from tests.infra.cut_line import CutLine
from tests.infra.live import StartServer

pytestmark = pytest.mark.postgresql_only
ORDER = {"productType": "pro", "gateway": "payos", "currency": "VND", "email": "mai@example.vn"}


@pytest.fixture
def far_shop(live_server: StartServer, cut_line: CutLine, database_url: str) -> Iterator[Shop]:
    """A shop whose hub reaches its database over a line that can be cut."""
    server = live_server(cut_line.url(database_url), env=PLAIN)
    shop = Shop(server)
    yield shop
    shop.close()
    server.stop()


@pytest.fixture(params=["after", "before"])
def deaf(request: pytest.FixtureRequest, cut_line: CutLine):
    """Cuts the line where a table is written: when the commit has arrived, or before."""
    return lambda table: cut_line.cut(request.param, after_saying=f"INSERT INTO {table} ")


def paid(shop: Shop) -> Sale:
    """A payment of 50.000 ₫ whose money is there."""
    sale = shop.payment(gateway="sandbox")
    sale.act("pay")
    sale.becomes("paid")
    return sale


def test_a_refund_without_an_idempotency_key_is_made_once(far_shop, cut_line, deaf):
    sale = paid(far_shop)
    deaf("refunds")

    answer = far_shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 20_000})

    assert answer.status == 201, answer.text
    sale.becomes("paid", refunded=20_000)
    [one] = far_shop.get(f"/api/refunds?paymentId={sale.id}").data
    assert one["id"] == answer.data["id"]
    assert cut_line.cuts == 1
    far_shop.audit()


def test_a_payment_is_made_and_answered_as_made(far_shop, cut_line, deaf):
    deaf("payments")

    answer = far_shop.post("/api/payments", json={
        "amount": 50_000, "currency": "VND", "gateway": "payos", "reference": "order-17",
    })  # fmt: skip

    assert answer.status == 201, answer.text
    assert [one["id"] for one in far_shop.get("/api/payments?reference=order-17").data] == [
        answer.data["id"]
    ]
    assert cut_line.cuts == 1


def test_an_order_is_made_and_answered_as_made(far_shop, cut_line, deaf):
    deaf("orders")

    answer = far_shop.post("/api/orders", json=ORDER)

    assert answer.status == 201, answer.text
    assert [one["id"] for one in far_shop.get("/api/orders").data] == [answer.data["id"]]
    assert cut_line.cuts == 1


def test_every_answer_to_a_commit_is_lost_and_a_payer_is_paid_nevertheless(far_shop, cut_line):
    cut_line.always = "after"
    sale = far_shop.payment()

    sale.act("pay")

    sale.becomes("paid", received=50_000)
    cut_line.always = None
    far_shop.audit()
