"""Bad input: each is refused with its own 4xx, in one form, in words that say how to mend it."""

from __future__ import annotations

import gzip
import json
import re
import socket
from urllib.parse import quote

import pytest

from tests.http.shop import Sale, Shop
from tests.infra.live import Answer

PAYMENT = {"amount": 50_000, "currency": "VND", "gateway": "sandbox"}
LINK = {"amount": 50_000, "currency": "VND", "description": "Tea"}
MEMBERS = {"type", "title", "status", "detail", "code", "requestId", "error"}
# What an answer must never tell: our paths, our SQL, our code.
LEAKS = re.compile(
    r"Traceback|site-packages|\.py\b|/tmp/|sqlite|asyncpg|sqlalchemy|pydantic|SELECT |INSERT |"
    r"0x[0-9a-f]{6,}|Decimal\(|<class|_type=|input_value",
    re.IGNORECASE,
)


def assert_refused(answer: Answer, status: int, code: str = "") -> None:
    """A problem in the form of RFC 9457, told in words, with nothing of our insides."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json.keys() >= MEMBERS
    assert answer.json["status"] == status
    assert answer.json["error"] == answer.json["title"]
    assert answer.json["type"] == f"/docs/errors#{answer.json['code']}"
    assert answer.headers["x-request-id"] == answer.json["requestId"]
    assert re.fullmatch(r"[^a-z].*[.…]|\w.*", answer.json["detail"], re.DOTALL)
    assert not LEAKS.search(answer.text), answer.text
    if code:
        assert answer.json["code"] == code


def fields(answer: Answer) -> set[str]:
    """The fields that the answer names as wrong."""
    return {one["field"] for one in answer.json["errors"]}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b'{"amount": 5', b'{"amount": 5,}', b"[]", b"[1]", b"null", b"true", b"5",
    b'"text"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{'amount': 5}", b'{"amount": 05}',
    b'{"amount": +5}', b'{"amount": 0x5}', b'{"amount": NaN}', b'{"amount": Infinity}',
    b'{"amount": -Infinity}', b'{"amount": 5} {"amount": 6}', b'{"amount": 5, "amount": 6}',
    b'{"metadata": {"a": "1", "a": "2"}}', b'{"amount": 9007199254740993}',
    b'{"amount": 18446744073709551616}', b'{"amount": ' + b"9" * 5000 + b"}",
    b'{"description": "\\u0000"}', b'{"description": "\\ud800"}', b'{"description": "a\x00b"}',
    b'{"\\udfff": 1}', b"{" + b'"a":{' * 40 + b"}" * 40 + b"}", b"[" * 200 + b"]" * 200,
    b"[" * 100_000, b'{"amount": 1e999999999}', b'{"amount": -0}',
])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/payments", "/api/payment-links"])
def test_what_is_not_strict_json_is_refused(shop, path, body):
    answer = shop.post(path, raw=body)

    assert_refused(answer, 400, "malformed_json")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("amount", [
    "50000", "5e4", True, False, None, 1.0, 50000.5, -1, 0, -0.0, [50000], {"minor": 1},
    9_007_199_254_740_992,
])  # fmt: skip
@pytest.mark.parametrize(
    ("path", "wish"), [("/api/payments", PAYMENT), ("/api/payment-links", LINK)]
)
def test_an_amount_is_a_whole_number_above_zero(shop, path, wish, amount):
    answer = shop.post(path, json={**wish, "amount": amount})

    assert_refused(answer, 400)
    if "errors" in answer.json:
        assert fields(answer) == {"amount"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("literal", ["1.0", "1e3", "50000.0", "5E+4", "1.0000000000000000001"])
def test_an_amount_with_a_fraction_is_refused_in_words_that_help(shop, literal):
    body = f'{{"amount": {literal}, "currency": "VND", "gateway": "sandbox"}}'

    answer = shop.post("/api/payments", raw=body)

    assert_refused(answer, 400)
    assert "whole number of minor units" in answer.json["detail"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("changes", "wrong", "code"), [
    ({"currency": "vnd"}, "", "currency_unknown"),
    ({"currency": "XXXX"}, "currency", "invalid_request"),
    ({"currency": "ZZZ"}, "", "currency_unknown"),
    ({"currency": "XAU"}, "", "currency_unknown"),
    ({"currency": ""}, "currency", "invalid_request"),
    ({"currency": None}, "currency", "invalid_request"),
    ({"currency": 704}, "currency", "invalid_request"),
    ({"gateway": "nobody"}, "", "gateway_not_offered"),
    ({"gateway": "SANDBOX"}, "", "gateway_not_offered"),
    ({"gateway": ""}, "gateway", "invalid_request"),
    ({"gateway": "../payos"}, "", "gateway_not_offered"),
    ({"gateway": "x" * 41}, "gateway", "invalid_request"),
    ({"gateway": "payos", "currency": "USD"}, "", "gateway_not_offered"),
    ({"gateway": "payos", "amount": 500_000_000}, "", "gateway_not_offered"),
    ({"returnUrl": "javascript:alert(1)"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "file:///etc/passwd"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "data:text/html,x"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "/back"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "//evil.example/back"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://user:pw@shop.example/"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://user@shop.example/"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://shop.example:99999/"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://[::1/"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://shop.example/ x"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://shop.example/\n"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://shop.example/\\@evil"}, "returnUrl", "invalid_request"),
    ({"returnUrl": "https://shop.example/" + "x" * 2000}, "returnUrl", "invalid_request"),
    ({"returnUrl": ""}, "returnUrl", "invalid_request"),
    ({"cancelUrl": "javascript:alert(1)"}, "cancelUrl", "invalid_request"),
    ({"expiresIn": 59}, "expiresIn", "invalid_request"),
    ({"expiresIn": 0}, "expiresIn", "invalid_request"),
    ({"expiresIn": -1}, "expiresIn", "invalid_request"),
    ({"expiresIn": 366 * 86_400 + 1}, "expiresIn", "invalid_request"),
    ({"expiresIn": "600"}, "expiresIn", "invalid_request"),
    ({"expiresIn": 60.5}, "expiresIn", "invalid_request"),
    ({"expiresIn": True}, "expiresIn", "invalid_request"),
    ({"description": "x" * 501}, "description", "invalid_request"),
    ({"description": 5}, "description", "invalid_request"),
    ({"reference": ""}, "reference", "invalid_request"),
    ({"reference": "x" * 101}, "reference", "invalid_request"),
    ({"ownerId": ""}, "ownerId", "invalid_request"),
    ({"metadata": []}, "metadata", "invalid_request"),
    ({"metadata": {"a": None}}, "metadata.a", "invalid_request"),
    ({"metadata": {"a": ["x"]}}, "metadata.a", "invalid_request"),
    ({"metadata": {"a": 1.5}}, "metadata.a", "invalid_request"),
    ({"metadata": {"x" * 41: "1"}}, "metadata", "invalid_request"),
    ({"metadata": {"a": "x" * 501}}, "metadata", "invalid_request"),
    ({"metadata": {str(n): "1" for n in range(51)}}, "metadata", "invalid_request"),
    ({"testMode": "yes"}, "testMode", "invalid_request"),
    ({"amonut": 5}, "amonut", "invalid_request"),
    ({"phase": "paid"}, "phase", "invalid_request"),
    ({"return_url": "https://shop.example"}, "return_url", "invalid_request"),
])  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_is_made(shop, changes, wrong, code):
    before = payments(shop)

    answer = shop.post("/api/payments", json={**PAYMENT, **changes})

    assert_refused(answer, 400, code)
    if wrong:
        assert {name.split(".")[0] for name in fields(answer)} == {wrong.split(".")[0]}
    assert payments(shop) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("missing", ["amount", "currency", "gateway"])
def test_a_missing_field_is_named(shop, missing):
    answer = shop.post("/api/payments", json={n: v for n, v in PAYMENT.items() if n != missing})

    assert_refused(answer, 400, "invalid_request")
    assert answer.json["errors"] == [{"field": missing, "message": "is required"}]


@pytest.mark.sqlite_only
def test_every_wrong_field_is_named_at_once(shop):
    answer = shop.post("/api/payments", json={"amount": "x", "currency": 5, "extra": 1})

    assert_refused(answer, 400, "invalid_request")
    assert fields(answer) == {"amount", "currency", "gateway", "extra"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("changes", [
    {"gateways": []}, {"gateways": "payos"}, {"gateways": [5]}, {"gateways": ["nobody"]},
    {"gateways": ["payos"], "currency": "USD"}, {"gateways": ["payos"] * 21}, {"draft": 1},
    {"description": None}, {"gateway": "payos"}, {"reference": "x"},
])  # fmt: skip
def test_a_wrong_link_is_refused_and_nothing_is_made(shop, changes):
    before = payments(shop)

    answer = shop.post("/api/payment-links", json={**LINK, **changes})

    assert_refused(answer, 400)
    assert payments(shop) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/xml", "text/json", "application/jsonp",
])  # fmt: skip
def test_a_body_of_another_type_is_refused(shop, kind):
    answer = shop.post("/api/payments", raw=b"{}", headers={"content-type": kind})

    assert_refused(answer, 415, "unsupported_media_type")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "GZIP", "gzip, identity"])
@pytest.mark.parametrize("path", ["/api/payments", "/api/webhooks/payos"])
def test_a_compressed_body_is_refused(shop, path, encoding):
    body = gzip.compress(json.dumps(PAYMENT).encode())

    answer = shop.post(path, raw=body, headers={"content-encoding": encoding})

    assert_refused(answer, 415, "unsupported_media_type")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("path", "limit"), [
    ("/api/payments", 256_000), ("/api/payment-links", 256_000), ("/api/webhooks/payos", 64_000),
    ("/api/webhooks/sandbox", 64_000), ("/api/payos/webhook", 64_000),
])  # fmt: skip
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_whole_or_in_chunks(shop, path, limit, chunked):
    body = b'{"a": "' + b"x" * (limit + 1000) + b'"}'
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {shop.server.secret_key}",
    }
    content = (body[at : at + 10_000] for at in range(0, len(body), 10_000)) if chunked else body

    got = shop.line.http.post(shop.server.url + path, content=content, headers=headers)

    assert_refused(
        Answer(got.status_code, got.headers, got.json(), got.content), 413, "body_too_large"
    )
    assert str(limit) in got.json()["detail"]


@pytest.mark.sqlite_only
def test_a_body_that_only_says_it_is_huge_is_refused_before_it_comes(shop):
    head = (
        "POST /api/payments HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {shop.server.secret_key}\r\ncontent-length: 300000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shop.server.port), timeout=30) as line:
        line.sendall(head.encode())
        answer = line.recv(65_536)

    assert b" 413 " in answer.partition(b"\r\n")[0]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "/api/payments", "GET, HEAD, OPTIONS, POST"),
    ("PUT", "/api/payments/pay_x", "GET, HEAD, OPTIONS"),
    ("GET", "/api/payments/pay_x/cancel", "OPTIONS, POST"),
    ("POST", "/api/payments/pay_x/status", "GET, HEAD, OPTIONS"),
    ("POST", "/api/payments/pay_x/stream", "GET, HEAD, OPTIONS"),
    ("GET", "/api/webhooks/payos", "OPTIONS, POST"),
    ("DELETE", "/api/payos/webhook", "OPTIONS, POST"),
    ("PATCH", "/api/payment-links", "GET, HEAD, OPTIONS, POST"),
    ("POST", "/pay/ABC", "GET, HEAD, OPTIONS"),
    ("GET", "/pay/ABC/attempts", "OPTIONS, POST"),
    ("DELETE", "/api/jobs/tidy", "GET, HEAD, OPTIONS, POST"),
    ("POST", "/api/gateways", "GET, HEAD, OPTIONS"),
])  # fmt: skip
def test_a_wrong_method_is_a_405_that_names_the_right_ones(shop, method, path, allowed):
    answer = shop.send(method, path)

    assert_refused(answer, 405, "method_not_allowed")
    assert ", ".join(sorted(answer.headers["allow"].replace(" ", "").split(","))) == allowed


@pytest.mark.sqlite_only
@pytest.mark.parametrize("query", [
    "limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=١", "limit=1e2",
    "limit=99999999999", "cursor=", "cursor=x", "cursor=00", "cursor=" + "f" * 64,
    "cursor=" + "0" * 16 + "ff", "createdAfter=yesterday", "createdAfter=",
    "createdBefore=2026-11-20",
    "createdAfter=2026-11-20T10:00:00", "createdAfter=2026-13-01T00:00:00Z",
    "createdAfter=0001-01-01T00:00:00%2B23:59", "createdBefore=9999-12-31T23:59:59-23:59",
])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/payments", "/api/payment-links", "/api/unmatched"])
def test_a_wrong_value_in_a_query_is_named(shop, path, query):
    answer = shop.get(f"{path}?{query}")

    assert_refused(answer, 400, "invalid_request")
    assert fields(answer) == {query.split("=")[0]}


@pytest.mark.parametrize("query", [
    "phase=open%00", "phase=PAID", "phase=", "amountState=full", "gateway=%00", "ownerId=a%00b",
    "reference=%00", "reference=%ff%fe", "gateway=" + "x" * 5000, "ownerId=%ed%a0%80",
])  # fmt: skip
def test_a_strange_filter_is_refused_or_finds_nothing(shop, query):
    answer = shop.get(f"/api/payments?{query}")

    if answer.status == 200:
        assert answer.data == []
    else:
        assert_refused(answer, 400, "invalid_request")


STRANGE = [
    "..", "../..", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "%00", "pay_%00", "x" * 5000,
    "pay_01M7XHFZRG038B5WSTGB9VX59I", "pay_01m7xhfzrg038b5wstgb9vx59e", "PAY_", "'%20OR%201=1--",
    "%ff%fe", "%ed%a0%80", "{id}", "*", "null", "0", "-1",
    "%F0%9F%92%A9", "pay_00000000000000000000000000%0d%0aX-Evil:%201",
]  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("path", [
    "/api/payments/{}", "/api/payments/{}/status", "/api/payments/{}/stream",
    "/api/payments/{}/why", "/api/payment-links/{}", "/api/payment-links/{}/status",
    "/api/payment-links/{}/stream", "/api/unmatched/{}", "/static/{}", "/pay/{}", "/pay/{}/success",
])  # fmt: skip
def test_a_strange_id_is_a_404_like_any_other(shop, path, name):
    answer = shop.get(path.format(name), headers={"accept": "application/json"})

    # Dots may lead as far up as the front door, which has a sign and nothing else.
    assert answer.status in {404, 405, 400} or answer.data["name"] == "Tallystick", answer.text
    assert not LEAKS.search(answer.text.replace(name, "")), answer.text


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("path", [
    "/api/payments/{}/cancel", "/api/payments/{}/check", "/api/payment-links/{}/open",
    "/api/payment-links/{}/cancel", "/api/webhooks/{}", "/api/v1/payments/{}/callback",
    "/api/jobs/{}",
])  # fmt: skip
def test_a_strange_id_changes_nothing(shop, path, name):
    cron = {"x-cron-secret": shop.server.cron_secret}

    answer = shop.post(path.format(name), headers=cron)

    assert_refused(answer, answer.status)
    assert answer.status in {404, 405, 400}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("body", [
    {}, {"gateway": ""}, {"gateway": 5}, {"gateway": "nobody"}, {"gateway": "payos", "x": 1},
    {"gateway": None}, [], "payos",
])  # fmt: skip
def test_a_wrong_choice_starts_nothing(shop, body):
    sale = shop.link()

    answer = shop.post(f"/pay/{sale.short_code}/attempts", json=body, token=None)

    assert_refused(answer, 400)
    assert sale.counted("attempts") == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize("form", [
    b"", b"gateway=", b"gateway=nobody", b"gateway=payos&gateway=sandbox", b"%ff=%fe", b"x",
    b"&" * 100, b"gateway=%00",
])  # fmt: skip
def test_a_wrong_form_starts_nothing_and_shows_a_page(shop, form):
    sale = shop.link()
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}

    answer = shop.post(f"/pay/{sale.short_code}/attempts", raw=form, headers=headers, token=None)

    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert sale.counted("attempts") == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize("act", [
    {}, {"act": "dance", "paymentId": "{id}"}, {"act": "pay"}, {"act": "pay", "paymentId": "x"},
    {"act": "pay", "paymentId": "{id}", "amount": 0},
    {"act": "pay", "paymentId": "{id}", "delay": -1},
    {"act": "pay", "paymentId": "{id}", "amount": 1},
    {"act": "underpay", "paymentId": "{id}", "amount": 99_999},
    {"act": "repeat_webhook", "paymentId": "{id}", "times": 0},
    {"act": "wrong_currency", "paymentId": "{id}", "currency": "vnd"},
])  # fmt: skip
def test_a_wrong_act_moves_no_money(shop, act):
    sale = shop.payment(gateway="sandbox")
    wish = {name: sale.id if value == "{id}" else value for name, value in act.items()}

    answer = shop.post("/_sim/act", json=wish)

    assert_refused(answer, answer.status)
    assert answer.status in {400, 404}
    assert sale.order()["received"] == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize("advance", [-1, "60", None, 1e18, [], True])
def test_the_clock_only_goes_forward(shop, advance):
    answer = shop.post("/_sim/clock", json={"advance": advance})

    assert_refused(answer, 400)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("headers", [
    {"authorization": b"\xff\xfe"}, {"cookie": b"tct_\xff=\xfe; ; =; tct_"},
    {"if-none-match": b'\xff"'},
    {"accept-language": b"\xff;q=x,,,;;;q=9"}, {"cookie": b"tct_A=" + b"x" * 4000},
    {"accept": b"\xff"}, {"content-length": b"0"}, {"x-forwarded-for": b"', DROP TABLE"},
    {"last-event-id": b"\xff"}, {"sec-fetch-site": b"\xff"}, {"accept-encoding": b"gzip;q=\xff"},
])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/payments", "/pay/{}", "/api/payment-links/{}/status"])
def test_junk_in_a_header_breaks_nothing(shop, path, headers):
    sale = shop.link()

    answer = shop.get(path.format(sale.short_code), headers=headers, token=None)

    assert answer.status in {200, 400, 401}
    assert not LEAKS.search(re.sub(r"<[^>]+>", "", answer.text))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("raw", [
    b"GET /api/payments\r\n\r\n", b"BREW /api HTTP/1.1\r\nhost: x\r\n\r\n",
    b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"POST /api HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    b"POST /api/payments HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
    b"POST /api/payments HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /x HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
])  # fmt: skip
def test_what_is_not_http_is_hung_up_on_and_others_are_served(shop, raw):
    with socket.create_connection(("127.0.0.1", shop.server.port), timeout=30) as line:
        try:
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            said = line.recv(65_536)
        except ConnectionError:
            said = b""

    assert said == b"" or re.match(rb"HTTP/1\.1 4\d\d ", said)
    assert shop.get("/health/live", token=None).status == 200


@pytest.mark.sqlite_only
def test_a_refusal_of_a_payers_page_is_a_page(shop):
    answer = shop.get("/pay/nothing", token=None, headers={"accept": "text/html"})

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert not LEAKS.search(re.sub(r"<[^>]+>", "", answer.text))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", [
    "/api", "/api/", "/api/payments/", "/nothing", "/pay", "/pay/", "/api/webhooks/", "/api/jobs/",
    quote("/ü"), "//api/payments",
])  # fmt: skip
def test_where_nothing_is_there_is_a_404(shop, path):
    assert_refused(shop.get(path), 404, "not_found")


def payments(shop: Shop) -> int:
    """How many payments there are."""
    return int(shop.rows("SELECT count(*) FROM payments")[0][0])


def test_nothing_of_all_this_was_a_fault_of_ours(shop):
    sale: Sale = shop.payment(gateway="sandbox")
    sale.act("pay")
    sale.becomes("paid")

    assert shop.metric('tallystick_requests_total{status="5xx"}') == 0
