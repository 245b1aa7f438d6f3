"""Stories of money that goes back: reserved, sent, found, made by hand, and never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallystick.domain.vietqr import VietQR
from tests.http.callers import key_of
from tests.http.shop import Sale, Shop, eventually

WITH_API = ["sandbox", "polar", "onepay_vpc"]
ACCOUNT = {"bankBin": "970436", "accountNumber": "0071001104341", "accountName": "NGUYEN VAN A"}


def sold(shop: Shop, gateway: str = "sandbox", amount: int = 110_000, **wish) -> Sale:
    """A payment that is paid."""
    sale = shop.payment(gateway=gateway, amount=amount, **wish)
    sale.act("pay")
    sale.becomes("paid")
    return sale


def back(sale: Sale, headers=None, token=None, **wish):
    """The merchant asks for a refund."""
    words = {} if token is None else {"token": token}
    path = f"/api/payments/{sale.id}/refunds"
    return sale.shop.post(path, json=wish, headers=headers, **words)


def refund(shop: Shop, refund_id: str) -> dict:
    """The refund as it stands."""
    return dict(shop.get(f"/api/refunds/{refund_id}").data)


def becomes(shop: Shop, refund_id: str, state: str) -> dict:
    """Wait until the refund is so."""
    return eventually(lambda: refund(shop, refund_id), lambda seen: seen["state"] == state)


def of(sale: Sale) -> list[dict]:
    """All refunds of a payment, the newest first."""
    return list(sale.shop.get(f"/api/refunds?paymentId={sale.id}").data)


def orphans(shop: Shop, gateway: str) -> int:
    """How many notices name something, and nobody could tell the payment of."""
    where = f"gateway = '{gateway}' AND handled_at IS NULL AND refs <> '[]'"
    return int(shop.rows(f"SELECT count(*) FROM inbox WHERE {where}")[0][0])


@pytest.mark.parametrize("gateway", WITH_API)
def test_half_goes_back_and_then_the_rest_and_the_payment_stays_paid(shop, gateway):
    sale = sold(shop, gateway)

    half = back(sale, amount=55_000, reason="Half was cold.").data
    between = sale.show()
    rest = back(sale).data

    assert (half["state"], half["amount"], half["method"]) == ("succeeded", 55_000, "api")
    assert (between["phase"], between["refunded"]) == ("paid", 55_000)
    assert (rest["state"], rest["amount"]) == ("succeeded", 55_000)
    sale.becomes("paid", refunded=110_000, received=110_000)
    third = back(sale, amount=1)
    assert (third.status, third.json["code"]) == (409, "nothing_to_refund")
    shop.audit()


@pytest.mark.parametrize("gateway", WITH_API)
def test_six_racing_refunds_of_a_half_give_exactly_two(shop, gateway):
    sale = sold(shop, gateway)

    with ThreadPoolExecutor(6) as clerks:
        answers = list(clerks.map(lambda _: back(sale, amount=55_000), range(6)))

    assert sorted(answer.status for answer in answers) == [201, 201, 409, 409, 409, 409]
    sale.becomes("paid", refunded=110_000)
    assert [one["state"] for one in of(sale)] == ["succeeded", "succeeded"]
    shop.audit()


@pytest.mark.parametrize("gateway", WITH_API)
def test_a_refund_whose_answer_was_lost_is_asked_about_and_made_once(shop, gateway):
    sale = sold(shop, gateway)
    # Polar and OnePay are asked first whether they know the refund; sandbox is told at once.
    sale.act("time_out_after_success", times=3)

    first = back(sale, amount=66_000).data
    shop.advance(300)

    made = becomes(shop, first["id"], "succeeded")
    assert first["state"] in {"unknown", "succeeded"}
    assert [line["after"] for line in made["history"]][:2] == ["reserved", "submitting"]
    sale.becomes("paid", refunded=66_000)
    assert len(of(sale)) == 1
    shop.audit()


def test_a_gateway_that_is_down_gets_the_same_refund_again_when_it_is_back(shop):
    sale = sold(shop)
    sale.act("error_500", times=1000)

    asked = back(sale).data
    shop.advance(3600)
    still = refund(shop, asked["id"])
    sale.act("error_500", times=0)
    shop.advance(3600)

    assert still["state"] == "unknown"
    assert sale.show()["refunded"] == 110_000
    assert refund(shop, asked["id"])["state"] == "succeeded"
    assert {line["why"] for line in refund(shop, asked["id"])["history"]} >= {
        "The gateway is told."
    }
    shop.audit()


def test_money_that_is_on_its_way_back_cannot_be_asked_for_again(shop):
    sale = sold(shop)
    sale.act("error_500", times=1000)
    back(sale, amount=70_000)

    more = back(sale, amount=50_000)

    assert (more.status, more.json["code"]) == (409, "refund_too_large")
    assert "40000 VND" in more.json["detail"]
    sale.act("error_500", times=0)
    shop.advance(3600)
    sale.becomes("paid", refunded=70_000)
    shop.audit()


@pytest.mark.parametrize("gateway", ["sandbox", "polar"])
def test_a_refund_made_in_the_dashboard_is_told_by_a_webhook_and_booked_once(shop, gateway):
    sale = sold(shop, gateway)

    told = sale.act("dashboard_refund", amount=33_000)

    assert all(one["status"] == 200 for one in told["deliveries"])
    sale.becomes("paid", refunded=33_000)
    [found] = of(sale)
    assert (found["state"], found["source"], found["amount"]) == ("succeeded", "external", 33_000)
    sale.shop.post(f"/api/payments/{sale.id}/check")
    shop.advance(7200)
    assert len(of(sale)) == 1
    eventually(lambda: orphans(shop, gateway), lambda count: count == 0)
    shop.audit()


@pytest.mark.parametrize("gateway", WITH_API)
def test_a_refund_made_in_the_dashboard_is_found_by_reconciling_and_booked_once(shop, gateway):
    sale = sold(shop, gateway)
    own = back(sale, amount=11_000).data

    sale.act("dashboard_refund", amount=22_000, delay=30 * 86_400)
    shop.advance(26 * 3600)

    assert own["state"] == "succeeded"
    sale.becomes("paid", refunded=33_000)
    assert sorted((one["source"], one["amount"]) for one in of(sale)) == [
        ("external", 22_000), ("merchant", 11_000)
    ]  # fmt: skip
    shop.advance(6 * 3600)
    assert sale.show()["refunded"] == 33_000
    shop.audit()


@pytest.mark.parametrize("gateway", ["payos", "sepay"])
def test_a_gateway_without_a_refund_api_makes_a_work_item_that_a_person_closes(shop, gateway):
    sale = sold(shop, gateway)

    item = back(sale, amount=40_000, account=ACCOUNT).data
    waiting = shop.get("/api/refunds?state=manual").data

    transfer = item["transfer"]
    assert (item["state"], item["method"]) == ("manual", "manual")
    assert item["id"] in {one["id"] for one in waiting}
    assert (
        "40000 VND to NGUYEN VAN A, account 0071001104341 at Vietcombank"
        in (transfer["instructions"])
    )
    code = VietQR.parse(transfer["qrCode"])
    assert (code.bank_bin, code.account, code.amount, code.memo) == (
        "970436", "0071001104341", 40_000, transfer["content"]
    )  # fmt: skip
    assert transfer["qrCodeSvg"].startswith("<svg")
    assert sale.show()["refunded"] == 0
    closed = [
        shop.post(f"/api/refunds/{item['id']}/close", json={"bankReference": "FT26325900"})
        for _ in range(2)
    ]
    assert [(one.status, one.data["state"]) for one in closed] == [(200, "succeeded")] * 2
    assert sale.show()["refunded"] == 40_000
    other = shop.post(f"/api/refunds/{item['id']}/close", json={"bankReference": "FT1"})
    assert other.status == 409
    shop.audit()


def test_one_bank_transfer_closes_one_refund(shop):
    sale = sold(shop, "payos")
    one, two = back(sale, amount=10_000).data, back(sale, amount=10_000).data
    shop.post(f"/api/refunds/{one['id']}/close", json={"bankReference": "FT-same"})

    again = shop.post(f"/api/refunds/{two['id']}/close", json={"bankReference": "FT-same"})

    assert (again.status, again.json["code"]) == (409, "conflict")
    assert one["transfer"]["qrCode"] is None
    assert "ask the payer" in one["transfer"]["instructions"]
    assert sale.show()["refunded"] == 10_000


def test_the_account_that_money_goes_back_to_is_not_readable_in_the_database(shop):
    sale = sold(shop, "payos")

    item = back(sale, amount=10_000, account=ACCOUNT).data

    [(kept,)] = shop.rows(f"SELECT payee FROM refunds WHERE id = '{item['id']}'")
    assert b"0071001104341" not in bytes(kept)
    [(told,)] = shop.rows(f"SELECT data FROM outbox WHERE subject = '{item['id']}'")
    assert "0071001104341" not in told


def test_a_work_item_taken_back_frees_its_money(shop):
    sale = sold(shop, "payos")
    item = back(sale).data

    taken = [shop.post(f"/api/refunds/{item['id']}/cancel") for _ in range(2)]
    again = back(sale)

    assert [one.data["state"] for one in taken] == ["canceled", "canceled"]
    assert (again.status, again.data["amount"]) == (201, 110_000)
    closed = shop.post(f"/api/refunds/{item['id']}/close", json={"bankReference": "FT77"})
    assert closed.status == 409
    assert shop.post(f"/api/refunds/{again.data['id']}/cancel").status == 200
    shop.audit()


def test_what_a_gateway_has_heard_of_cannot_be_taken_back(shop):
    sale = sold(shop)
    made = back(sale).data

    answer = shop.post(f"/api/refunds/{made['id']}/cancel")

    assert (answer.status, answer.json["code"]) == (409, "conflict")


def test_the_same_key_gives_back_once(shop):
    sale = sold(shop)
    key = {"idempotency-key": "refund-1"}

    first, second = (back(sale, headers=key, amount=10_000) for _ in range(2))
    other = back(sale, headers=key, amount=20_000)

    assert (first.status, second.status, other.status) == (201, 201, 422)
    assert second.headers["idempotent-replayed"] == "true"
    assert first.data == second.data
    assert len(of(sale)) == 1


def test_a_surplus_goes_back_and_takes_nothing_that_was_bought(shop):
    sale = shop.payment(gateway="sandbox", amount=100_000)
    sale.act("overpay", amount=130_000)
    sale.becomes("paid", amountState="over")

    made = back(sale, amount=30_000).data

    assert made["state"] == "succeeded"
    lines = shop.rows(
        "SELECT p.account, p.amount FROM transfers t JOIN postings p ON p.transfer_id = t.id "
        f"WHERE t.kind = 'refund_hold' AND t.subject = '{made['id']}' ORDER BY p.line"
    )
    assert lines == [("suspense", 30_000), ("refunding", -30_000)]
    shop.audit()


def test_money_that_came_in_two_transfers_goes_back_by_each(shop):
    sale = shop.payment(gateway="sandbox", amount=100_000)
    sale.act("underpay", amount=60_000)
    sale.becomes("open", received=60_000)
    sale.act("pay")
    sale.becomes("paid")

    whole = back(sale)
    names = [row[0] for row in shop.rows(
        f"SELECT transaction_id FROM receipts WHERE payment_id = '{sale.id}'")]  # fmt: skip
    each = [back(sale, amount=amount, transactionId=name)
            for amount, name in zip((60_000, 40_000), names, strict=True)]  # fmt: skip

    assert whole.status == 409
    assert all(name in whole.json["detail"] for name in names)
    assert [answer.data["state"] for answer in each] == ["succeeded", "succeeded"]
    assert sale.show()["refunded"] == 100_000
    shop.audit()


def test_a_part_that_came_before_the_offer_ended_goes_back_and_closes_it_for_good(shop):
    sale = shop.payment(gateway="sandbox", amount=100_000, expiresIn=60)
    sale.act("underpay", amount=60_000)
    sale.becomes("open", received=60_000)
    open_ = back(sale)
    shop.advance(120)
    sale.becomes("expired", received=60_000)

    made = back(sale).data
    sale.act("pay_late")
    shop.advance(600)

    assert (open_.status, open_.json["code"]) == (409, "conflict")
    assert (made["state"], made["amount"]) == ("succeeded", 60_000)
    after = sale.show()
    assert (after["phase"], after["review"]) == ("canceled", "late_after_cancel")
    assert sale.counted("fulfilments") == 0
    shop.audit()


@pytest.mark.parametrize(("wish", "status", "code"), [
    ({"amount": 110_001}, 409, "refund_too_large"),
    ({"amount": 0}, 400, "invalid_request"),
    ({"amount": -5}, 400, "invalid_request"),
    ({"amount": 1.5}, 400, "invalid_request"),
    ({"currency": "USD"}, 400, "currency_mismatch"),
    ({"transactionId": "nobody"}, 409, "conflict"),
    ({"keepAccess": "yes"}, 400, "invalid_request"),
    ({"account": {"bankBin": "97", "accountNumber": "1"}}, 400, "invalid_request"),
    ({"amonut": 5}, 400, "invalid_request"),
])  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_in_words(shop, wish, status, code):
    sale = sold(shop)

    answer = back(sale, **wish)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert of(sale) == []


def test_nothing_goes_back_where_nothing_came(shop):
    sale = shop.payment(gateway="sandbox")

    answer = back(sale)

    assert (answer.status, answer.json["code"]) == (409, "nothing_to_refund")


@pytest.mark.parametrize("name", ["pay_x", "pay_00000000000000000000000000", "ord_x", "zzz"])
def test_an_id_that_nobody_knows_is_a_404(shop, name):
    for path in (f"/api/payments/{name}/refunds", f"/api/orders/{name}/refunds"):
        assert shop.post(path, json={}).status == 404
    assert shop.get(f"/api/refunds/{name}").status == 404


def test_a_link_is_refunded_by_its_own_id(shop):
    sale = shop.chosen_link("sandbox", amount=100_000)
    sale.act("pay")
    sale.becomes("paid")

    made = shop.post(f"/api/orders/{sale.link_id}/refunds", json={"amount": 10_000}).data

    assert (made["paymentId"], made["state"]) == (sale.id, "succeeded")
    told = sale.link_status()
    assert (told["refunded"], told["statusMessage"]) == (
        10_000, "Paid, and a part has been refunded."
    )  # fmt: skip
    page = shop.get(f"/pay/{sale.short_code}/success", token=None, headers={"accept": "text/html"})
    assert "Paid, and partly refunded" in page.text


def test_readers_read_and_operators_give_back(shop):
    sale = sold(shop, "payos")
    reader, operator = key_of(shop, "reader"), key_of(shop, "operator")

    refused, made = back(sale, token=reader), back(sale, token=operator)

    path = f"/api/refunds/{made.data['id']}"
    assert (refused.status, made.status) == (403, 201)
    assert shop.get(path, token=reader).status == 200
    assert shop.post(f"{path}/cancel", token=reader).status == 403
    assert shop.post(f"{path}/close", json={"bankReference": "x"}, token=reader).status == 403
    assert [shop.get(one, token=None).status for one in (path, "/api/refunds")] == [401, 401]
    assert back(sale, token=sale.token).status == 401


def test_the_list_of_refunds_filters_and_goes_on(shop):
    sale = sold(shop)
    for _ in range(3):
        back(sale, amount=1_000)

    query = f"/api/refunds?paymentId={sale.id}&state=succeeded&gateway=sandbox&limit=2"
    first = shop.get(query).json
    rest = shop.get(f"{query}&cursor={first['pagination']['nextCursor']}").json

    assert (len(first["data"]), len(rest["data"])) == (2, 1)
    assert (first["pagination"]["hasMore"], rest["pagination"]["hasMore"]) == (True, False)
    assert shop.get(f"/api/refunds?paymentId={sale.id}&source=external").data == []
    assert shop.get("/api/refunds?state=lost").status == 400


def test_the_merchants_systems_are_told_of_every_step(shop):
    sale = sold(shop)

    made = back(sale).data

    told = shop.rows(f"SELECT type FROM outbox WHERE subject = '{made['id']}' ORDER BY id")
    assert [row[0] for row in told] == ["refund.requested", "refund.succeeded"]


def test_a_refund_that_the_gateway_refuses_has_failed_and_frees_its_money(shop):
    sale = sold(shop)
    sale.act("error_500", times=1)
    made = back(sale, amount=80_000).data
    # Before it is told again, the merchant gives more back in the dashboard than is left.
    sale.act("dashboard_refund", amount=50_000)
    shop.advance(3600)

    failed = refund(shop, made["id"])

    assert made["state"] == "unknown"
    assert failed["state"] == "failed"
    assert "not so much left" in failed["failure"]
    shop.advance(7200)
    sale.becomes("paid", refunded=50_000)
    shop.audit()


def test_a_hundred_kinds_of_waiting_are_one_refund(shop):
    """The request and the worker may both be at it: the gateway is told once."""
    sale = sold(shop)
    sale.act("hang", times=1)
    asking = threading.Thread(target=back, args=(sale,))
    asking.start()
    eventually(lambda: of(sale), lambda rows: len(rows) == 1)

    shop.advance(600)
    asking.join()
    shop.advance(600)

    [one] = of(sale)
    assert one["state"] == "succeeded"
    assert sale.show()["refunded"] == 110_000
    shop.audit()
