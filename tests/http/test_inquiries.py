"""Where gateways ask: refused in their own words, counted like webhooks, and limited."""

from __future__ import annotations

import pytest

from tests.http.shop import Shop

ENVIRONMENT = {
    "TALLYSTICK_RATE_LIMITS": "true",
    "TALLYSTICK_TRUSTED_PROXIES": "1",
    "TALLYSTICK_RATE_LIMIT_OVERRIDES": '{"desk": "40 per 1 minute"}',
}
REFUSED = 'tallystick_notices_total{gateway="govpay",outcome="not_authentic"}'
KEPT = 'tallystick_notices_total{gateway="govpay",outcome="kept"}'


@pytest.mark.parametrize(
    "path", ["/api/webhooks/govpay", "/api/v1/payments/govpay/callback",
             "/api/v1/payments/lankapay/callback"],
)  # fmt: skip
def test_a_notice_is_refused_in_the_gateways_own_form_and_counted(shop: Shop, path: str):
    before = shop.metric(REFUSED)

    answer = shop.post(path, token=None, json={"transactionID": "1"})

    assert answer.status == 401
    assert answer.json.keys() == {"error", "message"}
    assert shop.metric(REFUSED) == before + 1


def test_other_gateways_notices_are_refused_as_problems(shop: Shop):
    answer = shop.post("/api/webhooks/payos", token=None, json={"data": {}})

    assert (answer.status, answer.json["code"]) == (401, "notice_not_authentic")


def test_a_notice_at_the_gateways_own_address_is_counted_too(shop: Shop):
    before = shop.metric(KEPT)
    sale = shop.payment(amount=150_000, currency="LKR", gateway="govpay")

    sale.act("pay")

    sale.becomes("paid")
    assert shop.metric(KEPT) == before + 1


def test_whoever_guesses_inquiry_keys_is_stopped(shop: Shop):
    def ask():
        path = "/api/v1/payments/govpay/inquiry?reference=TSNOBODY1"
        return shop.get(
            path, token=None, headers={"x-api-key": "wrong", "x-forwarded-for": "10.0.0.1"}
        )

    answers = [ask() for _ in range(41)]

    assert answers[0].status == 401
    assert (answers[-1].status, answers[-1].json["code"]) == (429, "too_many_requests")
    assert int(answers[-1].headers["retry-after"]) > 0


def test_an_unknown_token_request_is_limited_as_a_problem(shop: Shop):
    path, headers = "/api/govpayplus/v1.0/generatetoken", {"x-forwarded-for": "10.0.0.2"}
    answers = [shop.post(path, token=None, raw=b"x", headers=headers) for _ in range(41)]

    assert answers[-1].status == 429
