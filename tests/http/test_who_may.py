"""Who may do what: keys by role, the payer's token and cookie, end users by JWT, and strangers."""

from __future__ import annotations

import itertools
import socket

import pytest

from tests.http.callers import FAR_OFF, key_of, signed_token, user_token
from tests.http.shop import Sale, Shop

# Who may do what is decided from a proof and its role, before anything else is read.
pytestmark = pytest.mark.sqlite_only

UNKNOWN = "pay_00000000000000000000000000"
READS = ["", "/status", "/stream", "/why"]
WISH = {"amount": 50_000, "currency": "VND", "gateway": "sandbox"}
LINK = {"amount": 50_000, "currency": "VND", "description": "Tea"}
PAYER_ROUTES = [("GET", "/api/payments/{}"), ("GET", "/api/payments/{}/status"),
                ("GET", "/api/payments/{}/stream"), ("POST", "/api/payments/{}/check")]  # fmt: skip
MERCHANT_ROUTES = [("GET", "/api/payments/{}/why"), ("POST", "/api/payments/{}/cancel")]


@pytest.fixture(scope="module")
def keys(shop: Shop) -> dict[str, str]:
    """One key for each role."""
    return {role: key_of(shop, role) for role in ("admin", "operator", "reader")}


def asked(shop: Shop, method: str, path: str, token: str | None):
    """One request; the answer's status and its problem without what differs each time."""
    answer = shop.send(method, path, token=token)
    told = {n: v for n, v in (answer.json or {}).items() if n != "requestId"}
    return answer.status, told


@pytest.mark.parametrize(("method", "path", "body"), [
    *((method, path, None) for method, path in (*PAYER_ROUTES, *MERCHANT_ROUTES)),
    ("GET", "/api/payments", None), ("POST", "/api/payments", WISH),
    ("GET", "/api/payment-links", None), ("POST", "/api/payment-links", LINK),
    ("GET", "/api/payment-links/plink_x", None), ("POST", "/api/payment-links/plink_x/open", None),
    ("POST", "/api/payment-links/plink_x/cancel", None),
    ("GET", "/api/gateways", None), ("GET", "/api/unmatched", None),
    ("GET", "/api/unmatched/ntc_x", None),
    ("POST", "/api/unmatched/ntc_x/park", {"reason": "x"}),
    ("POST", "/_sim/act", {"act": "pay"}), ("POST", "/_sim/clock", {"advance": 1}),
])  # fmt: skip
def test_without_any_proof_nothing_is_told(shop, method, path, body):
    answer = shop.send(method, path.format(UNKNOWN), token=None, json=body)

    assert answer.status == 401
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("proof", [
    "Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer tsk_", "Bearer tsk_0000000000_x",
    "Bearer tct_", "Bearer tct_nobody", "Bearer a.b.c", "Bearer ééé", "tsk_bare", "bearer\tx",
])  # fmt: skip
def test_a_wrong_proof_is_a_401_and_says_so(shop, proof):
    answer = shop.get("/api/payments", token=None, headers={"authorization": proof.encode()})

    assert answer.status == 401
    assert answer.json["code"] == "unauthenticated"
    assert answer.json["detail"].endswith((".", "…"))


def test_a_key_with_one_wrong_character_opens_nothing(shop):
    key = shop.server.secret_key
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")

    assert shop.get("/api/payments", token=changed).status == 401


@pytest.mark.parametrize(("role", "expected"), [("reader", 403), ("operator", 201), ("admin", 201)])
def test_a_reader_reads_and_an_operator_sells(shop, keys, role, expected):
    read = shop.get("/api/payments?limit=1", token=keys[role])
    sold = shop.post("/api/payments", json=WISH, token=keys[role])
    linked = shop.post("/api/payment-links", json=LINK, token=keys[role])

    assert read.status == 200
    assert (sold.status, linked.status) == (expected, expected)
    if expected == 403:
        assert "operator" in sold.json["detail"]
        assert "reader" in sold.json["detail"]


def test_a_reader_cancels_and_opens_nothing(shop, keys):
    sale, draft = shop.payment(gateway="sandbox"), shop.link(draft=True)
    paths = [f"/api/payments/{sale.id}/cancel", f"/api/payment-links/{draft.link_id}/cancel",
             f"/api/payment-links/{draft.link_id}/open"]  # fmt: skip

    refused = [shop.post(path, token=keys["reader"]).status for path in paths]

    assert refused == [403, 403, 403]
    assert sale.show()["phase"] == "open"
    assert draft.show()["phase"] == "draft"


@pytest.mark.parametrize("role", ["reader", "operator"])
def test_only_an_admin_plays_the_payer_and_moves_the_clock(shop, keys, role):
    sale = shop.payment(gateway="sandbox")

    acted = shop.post("/_sim/act", json={"paymentId": sale.id, "act": "pay"}, token=keys[role])
    moved = shop.post("/_sim/clock", json={"advance": 1}, token=keys[role])

    assert (acted.status, moved.status) == (403, 403)
    assert sale.show()["phase"] == "open"


@pytest.mark.parametrize(("method", "path"), PAYER_ROUTES)
def test_the_payers_token_opens_its_own_payment_only(shop, method, path):
    mine, other = shop.payment(gateway="sandbox"), shop.payment(gateway="sandbox")
    if path.endswith("stream"):
        mine.cancel()

    own, _ = asked(shop, method, path.format(mine.id), mine.token)
    foreign = asked(shop, method, path.format(other.id), mine.token)
    unknown = asked(shop, method, path.format(UNKNOWN), mine.token)

    assert own == 200
    assert foreign[0] == 404
    assert foreign == unknown


@pytest.mark.parametrize(("method", "path"), MERCHANT_ROUTES)
def test_the_payers_token_neither_cancels_nor_reads_the_proof(shop, method, path):
    sale = shop.payment(gateway="sandbox")

    status, _ = asked(shop, method, path.format(sale.id), sale.token)

    assert status in {401, 403}
    assert sale.show()["phase"] == "open"


def test_a_payer_does_not_read_the_merchants_notes(shop):
    sale = shop.payment(gateway="sandbox", ownerId="user-7", reference="r-7", metadata={"n": "x"})

    shown = shop.get(f"/api/payments/{sale.id}", token=sale.token).data

    assert shown.keys() & {"metadata", "review", "ownerId", "reference"} == set()
    assert shown["checkout"]["checkoutUrl"]


@pytest.mark.parametrize(("method", "path"), PAYER_ROUTES)
def test_an_end_user_sees_own_payments_only(shop, method, path):
    mine, other = owned(shop, "alice"), owned(shop, "bob")
    nobodys = shop.payment(gateway="sandbox")
    for sale in (mine, other, nobodys):
        sale.cancel()
    alice = user_token(shop, "alice")

    own, _ = asked(shop, method, path.format(mine.id), alice)
    foreign = [asked(shop, method, path.format(one), alice)
               for one in (other.id, nobodys.id, UNKNOWN)]  # fmt: skip

    assert own == 200
    assert [status for status, _ in foreign] == [404, 404, 404]
    assert foreign[0] == foreign[1] == foreign[2]


@pytest.mark.parametrize("words", [
    {"algorithm": "none"},
    {"key": "another secret that is long enough!"},
    {"key": ""},
    {"algorithm": "HS512"},
    {"claims": {}},
    {"claims": {"exp": FAR_OFF}},
    {"claims": {"sub": "alice", "exp": 1}},
    {"claims": {"sub": "alice", "exp": "never"}},
    {"claims": {"sub": "alice", "exp": FAR_OFF, "nbf": FAR_OFF - 1}},
    {"claims": {"sub": 5, "exp": FAR_OFF}},
    {"claims": {"sub": ["alice"], "exp": FAR_OFF}},
])  # fmt: skip
def test_a_jwt_that_is_not_the_merchants_opens_nothing(shop, words):
    sale = owned(shop, "alice")
    claims = {"sub": "alice", "exp": FAR_OFF}
    token = signed_token(**{"claims": claims, "key": shop.server.jwt_secret, **words})

    answer = shop.get(f"/api/payments/{sale.id}", token=token)

    assert answer.status == 401
    assert answer.json["code"] == "unauthenticated"


def test_an_end_user_makes_and_lists_no_payments(shop):
    alice = user_token(shop, "alice")

    assert shop.post("/api/payments", json=WISH, token=alice).status == 401
    assert shop.get("/api/payments", token=alice).status == 401


def test_the_cookie_of_the_pay_page_opens_its_payment_only(shop):
    mine, other = shop.chosen_link(), shop.chosen_link()
    cookie = {"cookie": f"tct_{mine.short_code}={mine.token}; lang=vi"}

    own = shop.get(f"/api/payments/{mine.id}", token=None, headers=cookie)
    foreign = shop.get(f"/api/payments/{other.id}", token=None, headers=cookie)
    forged = shop.get(
        f"/api/payments/{other.id}", token=None, headers={"cookie": f"tct_{other.short_code}=x"}
    )

    assert (own.status, foreign.status, forged.status) == (200, 404, 401)


def test_an_id_alone_is_never_a_permission(shop):
    sale = shop.payment(gateway="sandbox")

    statuses = {shop.get(f"/api/payments/{sale.id}{part}", token=None).status for part in READS}

    assert statuses == {401}


def test_unknown_links_are_told_like_each_other(shop):
    ids = ["plink_00000000000000000000000000", "0000000000", "nonsense", "plink_x"]
    paths = ["/api/payment-links/{}/status", "/api/payment-links/{}/stream"]

    told = [asked(shop, "GET", path.format(one), None)
            for path, one in itertools.product(paths, ids)]  # fmt: skip

    assert {status for status, _ in told} == {404}
    assert all(problem == told[0][1] for _, problem in told)


def test_no_answer_ever_carries_a_secret(shop, keys):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")
    secrets = [shop.server.secret_key, shop.server.cron_secret, shop.server.jwt_secret, sale.token,
               *shop.gateway_keys("payos").values()]  # fmt: skip
    paths = [f"/api/payments/{sale.id}", f"/api/payments/{sale.id}/why", "/api/payments",
             f"/api/payment-links/{sale.link_id}", f"/pay/{sale.short_code}", "/metrics",
             "/openapi.json", "/api/gateways"]  # fmt: skip

    answers = "".join(shop.get(path).text for path in paths)

    assert [secret for secret in secrets if secret in answers] == []
    assert [secret for secret in secrets if secret in shop.server.stderr] == []


def owned(shop: Shop, owner: str) -> Sale:
    """A payment of one of the merchant's end users."""
    return shop.payment(gateway="sandbox", ownerId=owner)


OPEN_TO_ALL = {
    "/api/gift-cards", "/gift-cards", "/api/orders", "/api/licences/check",
    "/pay/{short_code}/attempts", "/checkGiftCardPayment", "/checkOnePayOrderStatus",
    "/wallet/topup", "/wallet/topup/start",
}  # fmt: skip
FOR_ANY_PROOF = {"/api/topup/init", "/api/orders/{order_id}/access"}


def with_bodies(shop: Shop) -> list[tuple[str, str]]:
    """Every operation that takes a body and is not for everybody."""
    paths = shop.get("/openapi.json").json["paths"]
    return [
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "requestBody" in operation and path not in OPEN_TO_ALL
    ]


def test_a_strangers_body_is_not_read(shop):
    """Its head alone is answered: nothing of the body was sent, and it could not be JSON."""
    asked = with_bodies(shop)
    answers = {}

    for method, path in asked:
        with socket.create_connection(("127.0.0.1", shop.server.port), timeout=60) as line:
            head = f"{method} {path.replace('{', '').replace('}', '')} HTTP/1.1\r\n"
            line.sendall(head.encode() + b"Content-Length: 100000\r\n\r\n{")
            answers[method, path] = int(line.recv(1024).split()[1])

    assert len(answers) > 30
    assert {one: status for one, status in answers.items() if status != 401} == {}


def test_a_key_with_too_low_a_role_is_told_so_before_its_body_is_read(shop, keys):
    asked = [one for one in with_bodies(shop) if one[1] not in FOR_ANY_PROOF]

    statuses = {one: shop.send(*one, token=keys["reader"], raw=b"{").status for one in asked}

    assert {one: status for one, status in statuses.items() if status != 403} == {}
