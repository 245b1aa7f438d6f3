"""Referrals and reports over HTTP: the contract's words, for good and bad input."""

from __future__ import annotations

import csv
import io
from itertools import count

import pytest

from tests.http.shop import Shop, eventually

NUMBERS = count()
RATES = {"VND": "25000", "LKR": "300"}


@pytest.fixture
def referrer(shop: Shop) -> dict:
    """Somebody with a code of their own; buyers get ten percent off."""
    number = next(NUMBERS)
    wish = {"email": f"r{number}@example.com", "code": f"code-{number}", "buyerDiscountPercent": 10}
    answer = shop.post("/api/referrers", json=wish)
    assert answer.status == 201, answer.text
    return answer.data


def bought(shop: Shop, gateway: str = "sepay", **wish) -> dict:
    """A starter kit that is ordered and paid."""
    currency = {"sepay": "VND", "polar": "USD"}[gateway]
    wished = {"email": "mai@example.vn", "productType": "starter", "gateway": gateway,
              "currency": currency, **wish}  # fmt: skip
    answer = shop.post("/api/orders", json=wished, token=None)
    assert answer.status == 201, answer.text
    act = shop.post("/_sim/act", json={"reference": answer.data["id"], "act": "pay"})
    assert act.status == 200, act.text
    path = f"/api/orders/{answer.data['id']}"
    return eventually(lambda: shop.get(path).data, lambda seen: seen["status"] == "completed")


def commissions(shop: Shop, **query) -> list[dict]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    answer = shop.get(f"/api/admin/commissions?{words}")
    assert answer.status == 200, answer.text
    return answer.data


def fixed_rates(shop: Shop) -> None:
    assert shop.post("/_sim/rates", json={"rates": RATES}).status == 200
    shop.advance(3_700)


def test_a_commission_has_its_rate_and_its_worth_frozen(shop, referrer):
    fixed_rates(shop)

    order = bought(shop, referralCode=referrer["code"].lower())
    (row,) = commissions(shop, orderId=order["id"])

    # 10 % off 449 000 is 404 100 dong, of which a referrer of the first tier gets a fifth.
    assert order["amount"] == 404_100
    assert {name: row[name] for name in (
        "orderId", "referrerId", "orderAmount", "orderCurrency", "commissionRate",
        "commissionPercent", "commissionAmount", "commissionCurrency", "orderAmountUsdCents",
        "commissionAmountUsdCents", "exchangeRate", "status",
    )} == {
        "orderId": order["id"], "referrerId": referrer["id"], "orderAmount": 404_100,
        "orderCurrency": "VND", "commissionRate": 0.2, "commissionPercent": 20,
        "commissionAmount": 80_820,
        "commissionCurrency": "VND", "orderAmountUsdCents": 1_616,
        "commissionAmountUsdCents": 323, "exchangeRate": 25_000, "status": "pending",
    }  # fmt: skip
    assert row["exchangeRateSource"] in {"api", "cached"}
    shop.audit()


def test_a_commission_is_approved_and_then_paid(shop, referrer):
    order = bought(shop, "polar", referralCode=referrer["code"])
    (row,) = commissions(shop, orderId=order["id"], status="pending", referrerId=referrer["id"])
    path = f"/api/admin/commissions/{row['id']}"

    early = shop.post(f"{path}/pay")
    approved, paid = shop.post(f"{path}/approve"), shop.post(f"{path}/pay")
    again = shop.post(f"{path}/approve")

    assert (early.status, early.json["code"]) == (409, "conflict")
    assert "approve it first" in early.json["detail"]
    assert (approved.data["status"], paid.data["status"]) == ("approved", "paid")
    assert paid.data["paidOutAmount"] == row["commissionAmount"] == 342
    assert again.status == 409
    known = shop.get(f"/api/referrers/{referrer['id']}").data
    assert (known["tier"], known["revenue"], known["balance"]) == ("bronze", 1_710, 0)


def test_the_lists_filters_combine(shop, referrer):
    order = bought(shop, referralCode=referrer["code"])

    assert len(commissions(shop, referrerId=referrer["id"], status="pending")) == 1
    assert commissions(shop, referrerId=referrer["id"], status="paid") == []
    assert commissions(shop, orderId=order["id"], referrerId="ref_other") == []
    assert commissions(shop, referrerId=referrer["id"], createdAfter="2999-01-01T00:00:00Z") == []


def test_commissions_as_a_file(shop, referrer):
    bought(shop, referralCode=referrer["code"])

    by_name = shop.get(f"/api/admin/commissions.csv?referrerId={referrer['id']}")
    by_accept = shop.get(
        f"/api/admin/commissions?referrerId={referrer['id']}", headers={"accept": "text/csv"}
    )

    assert by_name.body == by_accept.body
    (row,) = csv.DictReader(io.StringIO(by_name.text))
    assert (row["commissionAmount"], row["referrerId"]) == ("80820", referrer["id"])


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"email": "x@example.com"}, {"email": "nobody", "code": "good"},
        {"email": "x@example.com", "code": "no good"}, {"email": "x@example.com", "code": "x"},
        {"email": "x@example.com", "code": "good", "buyerDiscountPercent": 101},
        {"email": "x@example.com", "code": "good", "buyerDiscountPercent": 2.5},
        {"email": "x@example.com", "code": "good", "tier": "platinum"},
    ],
)  # fmt: skip
def test_a_referrer_that_makes_no_sense_is_refused(shop, wish):
    answer = shop.post("/api/referrers", json=wish)

    assert answer.status == 400
    assert answer.json["errors"]


def test_a_code_is_taken_once_and_a_repeated_request_makes_one_referrer(shop, referrer):
    wish = {"email": "new@example.com", "code": referrer["code"]}
    fresh = {"email": "fresh@example.com", "code": "fresh"}
    key = {"idempotency-key": "fresh-1"}

    first, second = (shop.post("/api/referrers", json=fresh, headers=key) for _ in range(2))

    assert shop.post("/api/referrers", json=wish).status == 409
    assert first.body == second.body
    assert second.headers["idempotent-replayed"] == "true"


def test_nobody_refers_themselves_and_unknown_codes_are_refused(shop, referrer):
    order = {"productType": "starter", "gateway": "sepay", "currency": "VND"}
    own = {**order, "email": referrer["email"].upper(), "referralCode": referrer["code"]}
    unknown = {**order, "email": "mai@example.vn", "referralCode": "NOBODY"}

    for wish in (own, unknown):
        answer = shop.post("/api/orders", json=wish, token=None)
        assert answer.status == 400, answer.text
        assert answer.json["errors"][0]["field"] == "referralCode"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/referrers"), ("GET", "/api/referrers/ref_x"), ("POST", "/api/referrers"),
        ("GET", "/api/admin/commissions"), ("GET", "/api/admin/commissions.csv"),
        ("POST", "/api/admin/commissions/com_x/approve"),
        ("POST", "/api/admin/commissions/com_x/pay"), ("GET", "/api/admin/revenue"),
        ("GET", "/api/admin/revenue.csv"), ("GET", "/api/admin/maintainer-revenue"),
        ("GET", "/api/admin/maintainer-revenue.csv"),
    ],
)  # fmt: skip
def test_strangers_learn_nothing(shop, method, path):
    body = {"json": {"email": "x@example.com", "code": "good"}} if path.endswith("rers") else {}

    answer = shop.send(method, path, token=None, **(body if method == "POST" else {}))

    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/referrers/ref_x"), ("POST", "/api/admin/commissions/com_x/approve"),
        ("POST", "/api/admin/commissions/com_x/pay"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(shop, method, path):
    assert shop.send(method, path).status == 404


def test_revenue_is_told_in_the_contracts_words(shop):
    fixed_rates(shop)
    before = shop.get("/api/admin/revenue").json
    bought(shop)
    bought(shop, "polar")

    after = shop.get("/api/admin/revenue").json

    assert after["orderCount"] == before["orderCount"] + 2
    # 449 000 dong at 25 000 are $17.96.
    assert after["totalUsdCents"] == before["totalUsdCents"] + 1_796 + 1_900
    assert after["byProvider"]["sepay"] == before["byProvider"]["sepay"] + 1_796
    assert after["byProvider"]["polar"] == before["byProvider"]["polar"] + 1_900
    assert after["byCurrency"]["VND"] == before["byCurrency"].get("VND", 0) + 449_000
    assert after["refundedUsdCents"] == before["refundedUsdCents"]
    converted = sum(after["conversionSources"].values())
    assert converted == sum(before["conversionSources"].values()) + 1
    average = (2 * after["totalUsdCents"] + after["orderCount"]) // (2 * after["orderCount"])
    assert after["averageOrderValueCents"] == average


def test_the_page_the_file_and_the_other_time_zone_say_the_same(shop):
    bought(shop)
    told = shop.get("/api/admin/revenue").json

    rows = list(csv.DictReader(io.StringIO(shop.get("/api/admin/revenue.csv").text)))
    summed = shop.get("/api/admin/revenue?timeZone=Asia/Kathmandu").json

    assert sum(int(row["usdCents"]) for row in rows) == told["totalUsdCents"]
    assert {**summed, "timeZone": "UTC"} == told


def test_revenue_filters_combine(shop):
    bought(shop)
    bought(shop, "polar")
    today = shop.now().date().isoformat()

    def counted(query: str) -> int:
        answer = shop.get(f"/api/admin/revenue?{query}")
        assert answer.status == 200, answer.text
        return int(answer.json["orderCount"])

    every = counted("")
    assert counted("provider=sepay") + counted("provider=polar") == every
    assert counted(f"startDate={today}&endDate={today}&provider=polar&productIds=starter") >= 1
    assert counted(f"startDate={today}&endDate={today}&provider=polar&productIds=team") == 0
    assert counted("startDate=2999-01-01&provider=polar") == 0
    assert counted("startDate=2020-01-01T00:00:00Z&endDate=2020-02-01T00:00:00%2B07:00") == 0


@pytest.mark.parametrize(
    "query",
    [
        "startDate=yesterday", "startDate=2026-13-01", "endDate=2026-11-20T10:00:00",
        "startDate=2026-11-02&endDate=2026-11-01", "timeZone=Mars/Olympus", "startDate=0001-01-01",
        "endDate=9999-12-31", "productIds=" + "x," * 3 + "y" * 101, "timeZone=../../etc/passwd",
    ],
)  # fmt: skip
def test_a_report_that_makes_no_sense_is_refused(shop, query):
    answer = shop.get(f"/api/admin/revenue?{query}")

    assert answer.status == 400, answer.text


def test_the_maintainers_account_adds_up(shop):
    bought(shop, "polar")

    told = shop.get("/api/admin/maintainer-revenue").json
    one = shop.get("/api/admin/maintainer-revenue?productIds=team").json

    assert told["currency"] == "USD"
    assert told["netPayout"] == (
        told["grossRevenue"] - told["platformFees"] - told["operatingCosts"] - told["taxDeduction"]
    )
    assert told["operatingCosts"] == 50_000
    assert told["platformFees"] > 0
    assert one["grossRevenue"] == one["operatingCosts"] == one["netPayout"] == 0


@pytest.mark.parametrize(
    "query", ["start=2026-11-01T00:00:00Z", "start=2026-12-01&end=2026-11-01", "end=soon"]
)
def test_an_account_of_no_month_is_refused(shop, query):
    assert shop.get(f"/api/admin/maintainer-revenue?{query}").status == 400
