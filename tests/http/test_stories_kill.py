"""Stories of a pulled plug: the program dies at any moment, starts again, and loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.http.conftest import OpenShop
from tests.http.products import Task, Topup, Workflow
from tests.http.shop import Sale, Shop, eventually


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A hub of its own, since its plug is pulled."""
    return open_shop()


@pytest.fixture
def workflow() -> Iterator[Workflow]:
    """A workflow that accepts what it is told."""
    with Workflow.open() as made:
        yield made


def come_back(shop: Shop) -> None:
    """Pull the plug and start again."""
    shop.server.kill9()
    shop.server.restart()


def test_a_plug_pulled_right_after_the_webhooks_200_loses_no_money(shop):
    sale = shop.chosen_link()
    sale.act("hang", times=1)
    happened = sale.act("pay")
    assert happened["deliveries"][0]["status"] == 200
    assert sale.show()["phase"] == "open"

    come_back(shop)

    sale.becomes("paid", received=50_000)
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)
    assert sale.events().count("payment.paid") == 1
    shop.audit()


def test_a_plug_pulled_after_the_create_leaves_an_offer_that_can_be_paid(shop):
    sale = shop.payment(gateway="sandbox", reference="order-1")

    come_back(shop)

    assert sale.show()["reference"] == "order-1"
    assert shop.get(f"/api/payments/{sale.id}/status", token=sale.token).status == 200
    sale.act("pay")
    sale.becomes("paid", received=50_000)
    shop.audit()


def test_a_plug_pulled_while_the_gateway_is_called_leaves_one_offer(shop):
    lever = shop.payment(gateway="sandbox")
    lever.cancel()
    lever.act("time_out_after_success", times=1)
    wish = {"amount": 50_000, "currency": "VND", "gateway": "sandbox", "reference": "order-2"}
    creating = threading.Thread(target=create, args=(shop, wish))
    creating.start()
    eventually(lambda: shop.offers("sandbox"), lambda offers: len(offers) == 2)

    come_back(shop)
    creating.join()

    found = shop.get("/api/payments?reference=order-2").data
    assert len(found) == 1
    sale = Sale(shop, found[0]["id"], "")
    shop.advance(60)
    sale.is_offered()
    sale.act("pay")
    sale.becomes("paid", received=50_000)
    assert len(shop.offers("sandbox")) == 2
    shop.audit()


def test_a_request_that_died_with_the_plug_is_answered_when_it_is_repeated(shop):
    lever = shop.payment(gateway="sandbox")
    lever.cancel()
    lever.act("hang", times=1)
    wish = {"amount": 50_000, "currency": "VND", "gateway": "sandbox"}
    key = {"idempotency-key": "order-3"}
    creating = threading.Thread(target=create, args=(shop, wish, key))
    creating.start()
    eventually(lambda: shop.rows("SELECT count(*) FROM payments"), lambda rows: rows[0][0] == 2)

    come_back(shop)
    creating.join()
    answer = shop.post("/api/payments", json=wish, headers=key)

    assert answer.status in {201, 409}
    assert shop.rows("SELECT count(*) FROM payments")[0][0] == 2
    shop.audit()


def test_a_plug_pulled_in_the_middle_of_ten_payments_leaves_the_books_balanced(shop):
    sales = [shop.payment(gateway=gateway) for gateway in ("payos", "sandbox") * 5]
    with ThreadPoolExecutor(10) as payers:
        paying = [payers.submit(pay, sale) for sale in sales]
        eventually(lambda: paid(shop), lambda count: count >= 3)
        shop.server.kill9()
    assert len(paying) == 10

    shop.server.restart()
    for sale in sales:
        pay_the_rest(sale)

    for sale in sales:
        sale.becomes("paid", received=50_000, amountState="exact")
        assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)
    shop.audit()


def create(shop: Shop, wish: dict[str, object], headers: dict[str, str] | None = None) -> None:
    """A request whose answer never comes, because the plug is pulled."""
    try:
        shop.post("/api/payments", json=wish, headers=headers)
    except httpx2.HTTPError:
        return


def pay(sale: Sale) -> None:
    """The payer pays; nobody may be there to hear of it."""
    try:
        sale.act("pay")
    except (httpx2.HTTPError, AssertionError):
        return


def pay_the_rest(sale: Sale) -> None:
    """The payer pays, where the money did not leave before the plug was pulled."""
    if sale.order()["received"] == 0:
        sale.act("pay")


def paid(shop: Shop) -> int:
    """How many payments are paid by now."""
    return int(shop.rows("SELECT count(*) FROM payments WHERE phase = 'paid'")[0][0])


def test_a_plug_pulled_among_top_ups_and_tasks_ends_in_the_same_books(shop, workflow):
    topups = [Topup(shop, "user-k", gateway="sandbox") for _ in range(5)]
    tasks = [Task(shop, workflow) for _ in range(5)]
    sessions = [task.start() for task in tasks]
    with ThreadPoolExecutor(10) as payers:
        paying = [payers.submit(pay, sale) for sale in (*topups, *sessions)]
        eventually(lambda: paid(shop), lambda count: count >= 3)
        shop.server.kill9()
    assert len(paying) == 10

    shop.server.restart()
    for sale in (*topups, *sessions):
        pay_the_rest(sale)

    for topup in topups:
        topup.confirmed()
    assert shop.get("/api/wallets/user-k").data["balances"] == {"VND": 5 * 50_000}
    for task in tasks:
        task.called_back()
        assert len({headers["webhook-id"] for headers, _ in workflow.about(task)}) == 1
    posted = "SELECT count(*) FROM transfers WHERE kind = 'fulfilment'"
    assert shop.rows(posted) == [(10,)]
    shop.audit()
