"""What anybody at the door meets: queries, methods, other origins, and pages for people."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tallystick.products import WEB_PARTS
from tallystick.sandbox.catalogue import SIMULATED
from tallystick.settings import NEEDED
from tallystick.web.app import PARTS
from tests.http.shop import Shop
from tests.http.test_bad_input import assert_refused, fields

# Nothing here depends on the database.
pytestmark = pytest.mark.sqlite_only

SHOP = "https://shop.example.com"
ENVIRONMENT = {"TALLYSTICK_ALLOWED_ORIGINS": f"{SHOP}, http://localhost:3000"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
# A payer comes to these from a gateway or a mail, and both append words of their own.
FOR_PAYERS = ("/pay/", "/gift-cards", "/wallet/topup")


def routes(method: str) -> list[str]:
    """The paths that answer to a method, with an id in each place for one."""
    routers = [*(part.router for part in PARTS), *WEB_PARTS.routers]
    found = [route for router in routers for route in router.routes]
    paths = {route.path: None for route in found if method in route.methods}
    return [re.sub(r"\{[^}]+\}", "x", path) for path in paths]


def test_a_filter_with_the_wrong_name_does_not_list_everything(shop: Shop):
    shop.payment()

    answer = shop.get("/api/payments?status=paid")

    assert_refused(answer, 400, "invalid_request")
    assert fields(answer) == {"status"}
    for name in ("phase", "amountState", "gateway", "ownerId", "reference", "createdAfter"):
        assert name in answer.json["detail"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_parameter_that_a_route_does_not_know_is_refused_everywhere(shop: Shop, method):
    paths = [path for path in routes(method) if path != "/" and not path.startswith(FOR_PAYERS)]

    deaf = [path for path in paths
            if "ship" not in fields_of(shop.send(method, f"{path}?ship=now"))]  # fmt: skip

    assert paths
    assert deaf == []


@pytest.mark.parametrize("path", [
    "/api/payments/x/status", "/api/payment-links/x/status", "/api/payments/x/stream",
    "/api/payment-links/x/stream", "/api/topup/stream", "/openapi.json",
])  # fmt: skip
def test_the_quick_routes_and_the_description_refuse_it_too(shop: Shop, path):
    answer = shop.get(f"{path}?ship=now")

    assert_refused(answer, 400, "invalid_request")
    assert fields(answer) == {"ship"}


def test_what_gateways_and_mails_append_to_a_payers_page_is_let_be(shop: Shop):
    link = shop.chosen_link()

    for page in (f"/pay/{link.short_code}", f"/pay/{link.short_code}/success", "/gift-cards"):
        answer = shop.get(f"{page}?vpc_TxnResponseCode=0&code=00&cancel=false&fbclid=x", token=None)

        assert answer.status == 200, page


def test_what_a_gateway_appends_to_its_notice_is_let_be(shop: Shop):
    link = shop.chosen_link()

    answer = shop.post("/api/webhooks/payos?attempt=2", json={}, token=None)

    assert answer.status == 401
    assert link.show()["phase"] == "open"


@pytest.mark.parametrize("query", [
    "/api/payments?phase=open&phase=paid", "/api/payments?gateway=payos&gateway=payos",
    "/api/payments?limit=5&limit=200", "/api/topup/status?tx_ref=a&tx_ref=b",
])  # fmt: skip
def test_a_parameter_that_comes_twice_is_refused(shop: Shop, query):
    answer = shop.get(query)

    assert_refused(answer, 400, "invalid_request")
    assert "more than once" in answer.json["detail"]


def test_every_filter_of_some_words_names_them_when_it_gets_another(shop: Shop):
    paths = shop.get("/openapi.json").json["paths"]
    filters = [
        (re.sub(r"\{[^}]+\}", "x", path), one["name"], one["schema"]["enum"])
        for path, methods in paths.items()
        for one in methods.get("get", {}).get("parameters", ())
        if one["in"] == "query" and "enum" in one["schema"]
    ]

    for path, name, words in filters:
        answer = shop.get(f"{path}?{name}=nonsense")

        assert_refused(answer, 400, "invalid_request")
        assert fields(answer) == {name}
        assert all(word in answer.json["detail"] for word in words), path
    assert len(filters) > 10


@pytest.mark.parametrize(("query", "known"), [
    ("/api/payments?gateway=paypall", "payos"), ("/api/refunds?gateway=PAYOS", "payos"),
    ("/api/notices?gateway=", "sepay"), ("/api/orders?provider=stripe", "polar"),
    ("/api/admin/revenue?provider=polar,stripe", "polar"), ("/api/orders?currency=DONG", "VND"),
])  # fmt: skip
def test_a_gateway_or_a_currency_that_nobody_knows_is_refused(shop: Shop, query, known):
    answer = shop.get(query)

    assert_refused(answer, 400, "invalid_request")
    assert known in answer.json["detail"]


def test_payments_of_a_gateway_that_is_not_set_up_any_more_can_still_be_listed(shop: Shop):
    names = {*NEEDED, *(one.name for one in SIMULATED)}

    answers = [shop.get(f"/api/payments?gateway={name}") for name in names]

    assert {answer.status for answer in answers} == {200}


def test_lists_with_commas_or_repeated_still_work(shop: Shop):
    both = shop.get("/api/admin/revenue?provider=payos,polar").json
    twice = shop.get("/api/admin/revenue?provider=payos&provider=polar").json

    assert set(both["byProvider"]) == set(twice["byProvider"]) == {"payos", "polar"}


def test_referrers_are_listed_by_the_time_that_is_asked_for(shop: Shop):
    made = shop.post("/api/referrers", json={"email": "ha@shop.example", "code": "HALINH"}).data

    before = shop.get(f"/api/referrers?createdBefore={made['createdAt']}").data
    since = shop.get("/api/referrers?createdAfter=2020-01-01T00:00:00Z").data

    assert made["id"] not in {one["id"] for one in before}
    assert made["id"] in {one["id"] for one in since}


def fields_of(answer: Any) -> set[str]:
    """The fields that an answer names, where it names any."""
    told = answer.json if isinstance(answer.json, dict) else {}
    return {one["field"] for one in told.get("errors", ())}


def asked(shop: Shop, path: str, origin: str = SHOP, method: str = "POST") -> Any:
    """What a browser is told that asks if a page may ask."""
    words = {
        "origin": origin, "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }  # fmt: skip
    return shop.send("OPTIONS", path, token=None, headers=words)


def test_the_head_of_an_answer_can_be_asked_for_wherever_the_answer_can(shop: Shop):
    left_out = {"/dashboard/enter"}
    paths = [path for path in routes("GET") if path not in left_out]

    for path in paths:
        whole, head = shop.get(path), shop.send("HEAD", path)

        assert (head.status, head.body) == (whole.status, b""), path
        assert head.headers["content-type"] == whole.headers["content-type"], path
    assert len(paths) > 50


def test_the_head_of_a_stream_ends_at_once(shop: Shop):
    sale = shop.payment()

    head = shop.send("HEAD", f"/api/payments/{sale.id}/stream", token=sale.token)

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert shop.send("HEAD", f"/api/payments/{sale.id}/stream", token=None).status == 401


def test_a_mail_scanner_that_asks_for_the_head_does_not_use_up_the_way_in(shop: Shop):
    door = shop.post("/api/dashboard-links", json={"role": "reader"}).data["url"]
    door = door.removeprefix(shop.server.url)

    assert shop.send("HEAD", door, token=None).status == 200
    assert shop.get(door, token=None).status == 303


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_address_says_what_can_be_done_there(shop: Shop, method):
    for path in routes(method):
        answer = shop.send("OPTIONS", path, token=None)

        assert (answer.status, answer.body) == (204, b""), path
        assert {method, "OPTIONS"} <= set(answer.headers["allow"].split(", ")), path
        assert ("HEAD" in answer.headers["allow"]) == ("GET" in answer.headers["allow"]), path


@pytest.mark.parametrize(("path", "methods"), [
    ("/api/webhooks/payos", "OPTIONS, POST"), ("/api/payments/x/stream", "GET, HEAD, OPTIONS"),
    ("/api/topup/stream", "GET, HEAD, OPTIONS"), ("/favicon.ico", "GET, HEAD, OPTIONS"),
    ("/api/payments", "GET, HEAD, OPTIONS, POST"), ("/_sim/act", "OPTIONS, POST"),
])  # fmt: skip
def test_so_do_the_quick_routes_and_the_files(shop: Shop, path, methods):
    assert shop.send("OPTIONS", path, token=None).headers["allow"] == methods


def test_nothing_can_be_done_where_there_is_nothing(shop: Shop):
    assert_refused(shop.send("OPTIONS", "/nothing/here", token=None), 404, "not_found")


SOLD = [
    "/checkGiftCardPayment", "/checkOnePayOrderStatus", "/api/gift-cards", "/api/orders",
    "/api/topup/init", "/pay/x/attempts",
]  # fmt: skip


@pytest.mark.parametrize("path", SOLD)
@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
def test_the_shops_own_page_may_sell_from_the_browser(shop: Shop, path, origin):
    answer = asked(shop, path, origin)

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    for name in ("Authorization", "Content-Type", "Idempotency-Key"):
        assert name in answer.headers["access-control-allow-headers"]
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", SOLD)
@pytest.mark.parametrize("origin", [
    "https://evil.example", "https://shop.example.com.evil.example", "http://shop.example.com",
    "null", "*", "https://shop.example.com:8443",
])  # fmt: skip
def test_the_page_of_a_stranger_may_not(shop: Shop, path, origin):
    answer = asked(shop, path, origin)

    assert not {name for name in answer.headers if name.startswith("access-control-allow-origin")}
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", [
    "/api/payments", "/api/payment-links", "/api/refunds", "/dashboard", "/_sim/act", "/api/events",
])  # fmt: skip
def test_what_needs_a_secret_key_is_closed_to_the_shops_page_too(shop: Shop, path):
    answer = asked(shop, path, method="GET")

    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_the_shop_buys_a_gift_card_and_follows_it(shop: Shop):
    page = {"origin": SHOP, "sec-fetch-site": "cross-site"}

    bought = shop.post("/api/gift-cards", json={"email": "an@shop.example", "amount": 100_000},
                       token=None, headers=page)  # fmt: skip
    checked = shop.post("/checkGiftCardPayment", token=bought.json["clientToken"], headers=page,
                        json={"onePayOrderId": bought.json["onePayOrderId"]})  # fmt: skip
    refused = shop.post("/api/gift-cards", json={}, token=None, headers=page)

    assert (bought.status, checked.status, refused.status) == (201, 200, 400)
    for answer in (bought, checked, refused):
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_a_page_of_the_shop_starts_a_links_payment_and_a_stranger_does_not(shop: Shop):
    path = f"/pay/{shop.link().short_code}/attempts"
    words = {"sec-fetch-site": "cross-site"}

    stranger = shop.post(path, json={"gateway": "payos"}, token=None,
                         headers={**words, "origin": "https://evil.example"})  # fmt: skip
    ours = shop.post(path, json={"gateway": "payos"}, token=None,
                     headers={**words, "origin": SHOP})  # fmt: skip

    assert_refused(stranger, 403, "forbidden")
    assert ours.status == 201
    assert ours.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("end", ["status", "stream"])
def test_a_status_stays_open_to_every_page_with_a_token(shop: Shop, end):
    answer = asked(shop, f"/api/topup/{end}", "https://elsewhere.example", "GET")

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_the_front_door_is_a_page_for_people_and_a_sign_for_programs(shop: Shop):
    page = shop.get("/?lang=vi&fbclid=x", token=None, headers=BROWSER)
    sign = shop.get("/", token=None).data

    assert page.status == 200
    assert 'lang="vi"' in page.text
    assert "/dashboard" in page.text
    assert shop.get(sign["openapi"].removeprefix(shop.server.url)).status == 200


def test_browsers_and_robots_find_what_they_look_for(shop: Shop):
    icon, robots = (shop.get(path, token=None) for path in ("/favicon.ico", "/robots.txt"))

    assert icon.headers["content-type"] == "image/x-icon"
    assert icon.body.startswith(b"\0\0\1\0")
    assert robots.headers["content-type"].startswith("text/plain")
    assert "Disallow: /" in robots.text


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/pay/nobody", 404), ("GET", "/gift-cards/gc_x", 404),
    ("GET", "/dashboard", 401), ("GET", "/dashboard/payments/pay_x", 401),
    ("GET", "/dashboard/enter?token=used", 401), ("GET", "/api/payments", 401),
    ("GET", "/api/payments?ship=now", 400), ("GET", "/api/payments/x/stream", 401),
    ("GET", "/api/payments/x/status", 401), ("POST", "/docs", 405), ("GET", "/static/x.js", 404),
    ("GET", "/api/webhooks/payos", 405), ("GET", "/a%00b", 404), ("GET", "/_sim/nobody", 404),
])  # fmt: skip
def test_a_refusal_is_a_page_for_a_person_and_a_problem_for_a_program(shop, method, path, status):
    page = shop.send(method, path, token=None, headers=BROWSER)
    problem = shop.send(method, path, token=None, headers={"accept": "application/json"})
    plain = shop.send(method, path, token=None, headers={"accept": "*/*"})

    assert (page.status, problem.status, plain.status) == (status, status, status)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<h1>" in page.text
    assert "tsk_" not in page.text or path.startswith("/api/")
    if not path.startswith(("/pay/", "/gift-cards")):
        assert_refused(problem, status)
        assert_refused(plain, status)


def test_somebody_who_is_signed_out_is_told_how_to_sign_in(shop: Shop):
    page = shop.get("/dashboard", token=None, headers=BROWSER)

    assert "Sign in" in page.text
    assert "tallystick dashboard" in page.text
    assert "Bearer" not in page.text


# The words of the program's parts, which tell nobody what to mend.
INSIDE = re.compile(
    r"value_error|Input should be|pydantic|type_error|string_too_short|Value error|valid (string|"
    r"integer|dictionary|boolean|list|number)|should (have|match)|Field required|Extra inputs|"
    r"at least \d+ character\b|\bstr\b|\bint\b|\bbool\b|NoneType|dict",
    re.IGNORECASE,
)
NONSENSE: list[Any] = [
    [], [[]], {}, {"": None}, "", " ", "x" * 6000, "\u202e", -1, 0, 2**53 - 1, True, None,
]  # fmt: skip


def test_no_message_about_a_bad_body_has_words_from_inside(shop: Shop):
    document = shop.get("/openapi.json").json
    told = 0
    # The sandbox's own would move the clock by years.
    paths = {path: one for path, one in document["paths"].items() if "/_sim/" not in path}
    for path, methods in paths.items():
        for method, operation in methods.items():
            names = properties(document, operation)
            address = re.sub(r"\{[^}]+\}", "x", path)
            for nonsense in NONSENSE if names else ():
                wrong = shop.send(method.upper(), address, json=dict.fromkeys(names, nonsense))

                assert wrong.status < 500, (path, nonsense, wrong.text)
                for one in wrong.json.get("errors", [{"message": wrong.json.get("detail", "")}]):
                    assert not INSIDE.search(one["message"]), (path, nonsense, one)
                    assert "cannot be used as it is" not in one["message"], (path, nonsense, one)
                    told += 1

    assert told > 500


def test_a_value_of_several_kinds_is_told_once_and_without_the_names_of_its_choices(shop: Shop):
    answer = shop.post("/api/payments", json={"amount": 1, "currency": "VND", "gateway": "payos",
                                              "metadata": {"a": [1]}})  # fmt: skip

    assert answer.json["errors"] == [
        {"field": "metadata.a", "message": "is a text; or is a whole number; or is true or false"}
    ]


def properties(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The fields of an operation's JSON body."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return list(schema.get("properties", ()))
