"""Stories of books that do not agree: found one by one, written once, resolved with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.http.callers import key_of
from tests.http.shop import Sale, Shop

LISTING = ["sandbox", "polar", "sepay"]
ASKED = ["payos", "onepay", "onepay_vpc"]


def sold(shop: Shop, gateway: str) -> Sale:
    """A payment that is paid."""
    sale = shop.payment(gateway=gateway, amount=110_000)
    sale.act("pay")
    sale.becomes("paid")
    return sale


def compare(shop: Shop, gateway: str, **words):
    """Reconcile the last hour and the next minute."""
    now = shop.now()
    span = {"from": (now - timedelta(hours=1)).isoformat(),
            "to": (now + timedelta(minutes=1)).isoformat()}  # fmt: skip
    return shop.post("/api/reconciliations", json={"gateway": gateway, **span, **words})


def found(shop: Shop, gateway: str, sale: Sale | str) -> list[dict]:
    """What differs about this payment or transaction."""
    report = compare(shop, gateway).data
    name = sale if isinstance(sale, str) else sale.id
    return [
        one for one in report["differences"] if name in {one["paymentId"], one["transactionId"]}
    ]


@pytest.mark.parametrize("gateway", LISTING + ASKED)
def test_what_both_have_is_matched(shop, gateway):
    sale = sold(shop, gateway)

    answer = compare(shop, gateway)

    assert answer.status == 200
    assert answer.data["matched"] >= 1
    assert sale.id not in {one["paymentId"] for one in answer.data["differences"]}


def test_money_that_names_nothing_of_ours_is_missing_here(shop):
    gateway = "sandbox"
    sale = sold(shop, gateway)
    stray = sale.act("stray_transfer", amount=77_000)["transfers"][0]["reference"]

    [one] = found(shop, gateway, stray)

    assert (one["match"], one["theirs"], one["ours"]) == ("missing_here", 77_000, None)
    assert "there is no receipt of it here" in one["sentence"]


def test_money_that_names_nothing_of_ours_is_no_difference_where_the_account_is_listened_to(shop):
    sale = sold(shop, "sepay")
    stray = sale.act("stray_transfer", amount=77_000)["transfers"][0]["reference"]

    assert found(shop, "sepay", stray) == []

    rows = shop.get("/api/unmatched?limit=200").data
    assert [row["amount"] for row in rows if row["transactionId"] == stray] == [77_000]


@pytest.mark.parametrize("gateway", LISTING + ASKED)
def test_a_receipt_that_the_gateway_does_not_list_is_missing_there(shop, gateway):
    sale = sold(shop, gateway)
    sale.act("lose_transfer")

    [one] = found(shop, gateway, sale)

    assert (one["match"], one["theirs"], one["ours"]) == ("missing_there", None, 110_000)


@pytest.mark.parametrize("gateway", [*LISTING, "payos", "onepay_vpc"])
def test_a_transfer_of_another_amount_there_differs(shop, gateway):
    sale = sold(shop, gateway)
    sale.act("change_transfer", amount=110_001)

    [one] = found(shop, gateway, sale)

    assert (one["match"], one["theirs"], one["ours"], one["booked"]) == (
        "amount_differs", 110_001, 110_000, 110_000
    )  # fmt: skip


@pytest.mark.parametrize("gateway", ["sandbox", "polar", "onepay_vpc"])
def test_a_refund_that_the_gateways_books_have_lost_differs_in_status(shop, gateway):
    sale = sold(shop, gateway)
    assert shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 55_000}).status == 201
    assert found(shop, gateway, sale) == []
    sale.act("lose_refund")

    [one] = found(shop, gateway, sale)

    assert (one["match"], one["theirsRefunded"], one["oursRefunded"]) == (
        "status_differs", 0, 55_000
    )  # fmt: skip


def test_money_whose_notice_was_lost_is_settled_on_the_way_and_no_difference(shop):
    sale = shop.payment(gateway="sandbox", amount=110_000)
    sale.act("lose_webhook")

    report = compare(shop, "sandbox").data

    assert report["settled"] >= 1
    assert sale.show()["phase"] == "paid"
    assert sale.id not in {one["paymentId"] for one in report["differences"]}
    shop.audit()


def test_a_difference_is_written_once_and_resolved_once_with_a_reason(shop):
    sale = sold(shop, "sandbox")
    sale.act("lose_transfer")
    [first], [again] = found(shop, "sandbox", sale), found(shop, "sandbox", sale)
    path = f"/api/reconciliations/{first['id']}/resolve"

    silent = shop.post(path, json={"reason": ""})
    done = shop.post(path, json={"reason": "The bank confirmed it by phone."})
    twice = shop.post(path, json={"reason": "Again."})

    assert first == again
    assert (silent.status, done.status, twice.status) == (400, 200, 409)
    assert done.data["state"] == "resolved"
    assert done.data["decisions"][0]["reason"] == "The bank confirmed it by phone."
    waiting = {one["id"] for one in shop.get("/api/reconciliations").data}
    resolved = {one["id"] for one in shop.get("/api/reconciliations?state=resolved").data}
    assert first["id"] in resolved - waiting
    [still] = found(shop, "sandbox", sale)
    assert still["state"] == "resolved"
    shop.audit()


def test_the_daily_run_looks_at_every_gateway_that_can_be_asked(shop):
    sale = sold(shop, "sandbox")
    sale.act("change_transfer", amount=90_000)
    shop.advance(2 * 3600)

    run = shop.line.post(
        "/api/jobs/reconcile", headers={"x-cron-secret": shop.server.cron_secret}
    ).json

    assert run["success"], run
    assert run["result"]["unheard"] == []
    listed = shop.get("/api/reconciliations?match=amount_differs&gateway=sandbox").data
    assert sale.id in {one["paymentId"] for one in listed}


@pytest.mark.parametrize(("wish", "status", "code"), [
    ({"gateway": "nobody"}, 400, "gateway_not_offered"),
    ({"gateway": "govpay"}, 409, "conflict"),
    ({"to": "2020-01-01T00:00:00Z"}, 400, "invalid_request"),
    ({"from": "yesterday"}, 400, "invalid_request"),
    ({"from": "2026-11-20T00:00:00"}, 400, "invalid_request"),
    ({"frm": "2026-11-20"}, 400, "invalid_request"),
])  # fmt: skip
def test_a_comparison_that_cannot_be_is_refused_in_words(shop, wish, status, code):
    answer = compare(shop, **{"gateway": "sandbox", **wish})

    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_reader_reads_and_an_operator_compares_and_resolves(shop):
    reader = key_of(shop, "reader")

    assert shop.get("/api/reconciliations", token=reader).status == 200
    assert shop.get("/api/reconciliations", token=None).status == 401
    assert shop.post("/api/reconciliations", json={}, token=reader).status in {400, 403}
    path = "/api/reconciliations/diff_x/resolve"
    assert shop.post(path, json={"reason": "x"}, token=reader).status == 403
    assert shop.post(path, json={"reason": "x"}).status == 404
    assert shop.get("/api/reconciliations?match=matched").status == 400
