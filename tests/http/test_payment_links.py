"""Payment links in the shapes of the replaced payment-link service, from draft to success."""

from __future__ import annotations

import re

import pytest

STATUS = {
    "id", "shortCode", "currentStatus", "statusMessage", "lastEventType", "lastEventTimestamp",
    "paymentMethod", "transactionInfo", "expiresAt", "isExpired", "updatedAt",
    "amountState", "late", "received", "asOf", "nextCheckAt", "advice", "version", "final",
}  # fmt: skip
WISH = {"amount": 50_000, "currency": "VND", "description": "Tea"}


def test_a_link_is_made_with_an_id_a_short_code_and_an_address(shop):
    answer = shop.post("/api/payment-links", json=WISH)

    link = answer.data
    assert answer.status == 201
    assert re.fullmatch(r"plink_[0-9A-HJKMNP-TV-Z]{26}", link["id"])
    assert link["url"] == f"{shop.server.url}/pay/{link['shortCode']}"
    assert link["currentStatus"] == "OPEN"
    assert shop.get(f"/pay/{link['shortCode']}", token=None).status == 200


def test_nothing_starts_at_a_gateway_before_a_payer_chooses(shop):
    sale = shop.link()

    shop.get(f"/pay/{sale.short_code}", token=None)
    sale.link_status()
    shop.advance(30)

    assert sale.counted("attempts") == 0
    assert sale.show()["checkout"] is None


def test_a_draft_is_opened_once_and_can_then_be_paid(shop):
    sale = shop.link(draft=True)
    assert sale.link_status()["currentStatus"] == "DRAFT"
    early = shop.post(f"/pay/{sale.short_code}/attempts", json={"gateway": "payos"}, token=None)

    opened = shop.post(f"/api/payment-links/{sale.link_id}/open")
    again = shop.post(f"/api/payment-links/{sale.link_id}/open")

    assert early.status == 409
    assert (opened.data["currentStatus"], again.data["currentStatus"]) == ("OPEN", "OPEN")
    assert sale.events() == ["payment.opened"]
    sale.choose()
    sale.act("pay")
    sale.becomes("paid")


def test_a_draft_that_nobody_opens_expires(shop):
    sale = shop.link(draft=True, expiresIn=60)

    shop.advance(400)

    assert sale.link_status()["currentStatus"] == "EXPIRED"
    assert shop.post(f"/api/payment-links/{sale.link_id}/open").status == 409


def test_the_status_has_the_old_fields_and_the_new_ones(shop):
    sale = shop.chosen_link()

    status = sale.link_status()

    assert status.keys() >= STATUS
    assert (status["id"], status["shortCode"]) == (sale.link_id, sale.short_code)
    assert status["lastEventType"] == "OPENED"
    assert status["paymentMethod"] == "payos"
    assert (status["isExpired"], status["final"]) == (False, False)
    assert status["statusMessage"]


def test_the_last_event_has_the_words_of_the_clients_of_old(shop):
    draft = shop.link(draft=True)
    fresh = draft.link_status()
    created = shop.get(f"/api/payment-links/{draft.link_id}").data["createdAt"]
    paid, ended = shop.chosen_link("sandbox"), shop.link()

    paid.act("overpay")
    paid.becomes("paid")
    shop.post(f"/api/payment-links/{ended.link_id}/cancel")

    assert (fresh["lastEventType"], fresh["lastEventTimestamp"]) == ("CREATED", created)
    assert paid.events()[-1] == "payment.review"
    assert paid.link_status()["lastEventType"] == "REVIEW"
    assert ended.link_status()["lastEventType"] == "CANCELED"


def test_anybody_with_the_link_sees_the_state_and_nobody_sees_the_transaction(shop):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")

    answer = shop.get(f"/api/payment-links/{sale.link_id}/status", token=None)
    by_code = shop.get(f"/api/payment-links/{sale.short_code}/status", token=None)

    assert answer.data["currentStatus"] == "PAID"
    assert answer.data["transactionInfo"] is None
    assert by_code.data == answer.data


@pytest.mark.parametrize("proof", ["key", "token", "cookie"])
def test_who_proves_to_be_part_of_it_sees_the_transaction(shop, proof):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")
    words = {
        "key": {"token": shop.server.secret_key},
        "token": {"token": sale.token},
        "cookie": {"token": None, "headers": {"cookie": f"tct_{sale.short_code}={sale.token}"}},
    }[proof]

    told = sale.link_status(**words)["transactionInfo"]

    assert told.keys() == {"transactionId", "gateway", "amount", "currency", "paidAt"}
    assert (told["gateway"], told["amount"], told["currency"]) == ("payos", 50_000, "VND")
    assert told["transactionId"].startswith("FT")


def test_the_token_of_one_link_shows_no_transaction_of_another(shop):
    mine, other = shop.chosen_link(), shop.chosen_link()
    other.act("pay")
    other.becomes("paid")

    told = other.link_status(token=mine.token)

    assert told["currentStatus"] == "PAID"
    assert told["transactionInfo"] is None


def test_money_in_flight_is_open_to_old_clients(shop):
    sale = shop.chosen_link()
    sale.act("underpay")
    sale.becomes("open", amountState="partial")

    status = sale.link_status()

    assert (status["currentStatus"], status["amountState"]) == ("OPEN", "partial")
    assert status["received"] == 45_000
    assert "rest" in status["advice"]


def test_a_link_status_that_has_not_changed_is_a_304(shop):
    sale = shop.link()
    path = f"/api/payment-links/{sale.link_id}/status"
    first = shop.get(path, token=None)

    known = shop.get(path, token=None, headers={"if-none-match": first.headers["etag"]})
    sale.cancel()
    news = shop.get(path, token=None, headers={"if-none-match": first.headers["etag"]})

    assert (known.status, known.body) == (304, b"")
    assert news.data["currentStatus"] == "CANCELED"


def test_the_same_etag_never_stands_for_two_answers(shop):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")
    path = f"/api/payment-links/{sale.link_id}/status"
    public = shop.get(path, token=None)

    mine = shop.get(path, token=sale.token, headers={"if-none-match": public.headers["etag"]})

    assert mine.status == 200
    assert mine.data["transactionInfo"] is not None


def test_a_status_that_has_run_out_of_time_has_another_etag(shop):
    sale = shop.link(expiresIn=3600)
    path = f"/api/payment-links/{sale.link_id}/status"
    tag = shop.get(path, token=None).headers["etag"]

    shop.advance(3700)

    news = shop.get(path, token=None, headers={"if-none-match": tag})
    assert news.status == 200
    assert news.data["isExpired"] is True


def test_canceling_a_link_twice_is_canceling_it_once(shop):
    sale = shop.link()

    first = shop.post(f"/api/payment-links/{sale.link_id}/cancel")
    second = shop.post(f"/api/payment-links/{sale.link_id}/cancel")

    assert first.data["currentStatus"] == second.data["currentStatus"] == "CANCELED"
    assert sale.events() == ["payment.opened", "payment.canceled"]


def test_a_paid_link_cannot_be_canceled(shop):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")

    assert shop.post(f"/api/payment-links/{sale.link_id}/cancel").status == 409


def test_two_browsers_that_choose_the_same_gateway_share_one_offer(shop):
    sale = shop.link()

    one, other = sale.choose("payos"), sale.choose("payos")

    assert one["attemptId"] == other["attemptId"]
    assert one["clientToken"] != other["clientToken"]
    assert sale.counted("attempts") == 1


def test_a_link_for_chosen_gateways_refuses_the_others(shop):
    sale = shop.link(gateways=["payos"])

    answer = shop.post(f"/pay/{sale.short_code}/attempts", json={"gateway": "sandbox"}, token=None)

    assert answer.status == 400
    assert answer.json["code"] == "gateway_not_offered"
    assert "payos" in answer.json["detail"]


def test_the_list_of_links_is_filtered_and_paged(shop):
    canceled = shop.link(description="listed")
    canceled.cancel()
    shop.link()

    found = shop.get("/api/payment-links?currentStatus=CANCELED&limit=1").json

    assert found["data"][0]["id"] == canceled.link_id
    assert found["data"][0]["currentStatus"] == "CANCELED"
    assert found["pagination"]["limit"] == 1
    wrong = shop.get("/api/payment-links?currentStatus=canceled")
    assert wrong.json["errors"][0]["field"] == "currentStatus"


def test_a_link_is_read_by_its_merchant(shop):
    sale = shop.link(metadata={"cart": "9"}, returnUrl="https://shop.example/thanks")

    link = shop.get(f"/api/payment-links/{sale.link_id}").data

    assert link["metadata"] == {"cart": "9"}
    assert link["returnUrl"] == "https://shop.example/thanks"
    assert link["paymentId"] == sale.id
