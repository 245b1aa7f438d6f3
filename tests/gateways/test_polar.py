"""The Polar gateway: the server's signatures, its lists, its words, its tax and its simulator."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.dispute import DisputeState
from tallystick.domain.errors import (
    Conflict,
    CurrencyUnknown,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    Invalid,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money, exponent
from tallystick.gateways.abilities import RefundOrder
from tallystick.gateways.base import AttemptRef, Gateway, Notice, RawNotice, Reply, Wire
from tallystick.gateways.polar import Polar, PolarAccount
from tallystick.gateways.polar.prices import SMALLEST, first_part, net_part
from tallystick.sandbox.simulators.polar import PolarKeys, polar
from tests.gateways.conformance import NOW, CannedWire, GatewayConformance
from tests.gateways.hub_stand_in import HubStandIn
from tests.gateways.hub_stand_in import hub_stand_in as opened

# Signed by `standardwebhooks` 1.1.0 given base64(secret), verified by the Polar SDK 1.0.2.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "polar.json").read_text())
# The same notice as the first vector, signed by `standardwebhooks.Webhook(secret)` directly.
STANDARD_FORM = "v1,lEIKnRcCUyW1buqS8BO0R0RSw1FY9sM3U6GRTjuGJ2k="
POLAR = PolarKeys("polar_oat_1", "whsec_polarSecret1polarSecret1", "8d2a4c1e-0000-4f2a-9c77-prod1")
# Counted without decimals by the server (kit/currency.py); everything else has two.
WHOLE = {
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
}  # fmt: skip
REF = "tsp_01KAFQ7R3M0000000000000000"
ORDER_ID = "8d2a4c1e-1111-4f2a-9c77-0a1b2c3d4e5f"
CHECKOUT_ID = "8d2a4c1e-2222-4f2a-9c77-0a1b2c3d4e5f"
AMOUNT = Money(1100, "USD")
ATTEMPT = AttemptRef("att_1", REF, CHECKOUT_ID, AMOUNT, NOW)
CHECKOUT: dict[str, Any] = {
    "id": CHECKOUT_ID, "status": "open", "url": "https://polar.sh/checkout/polar_c_1",
    "amount": 1100, "currency": "usd", "metadata": {"tallystick_ref": REF},
    "created_at": "2026-11-20T09:00:00Z",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": ORDER_ID, "status": "paid", "paid": True, "total_amount": 1100, "net_amount": 1000,
    "tax_amount": 100, "currency": "usd", "checkout_id": CHECKOUT_ID,
    "metadata": {"tallystick_ref": REF}, "created_at": "2026-11-20T09:10:00.123456Z",
    "refundable_amount": 1000, "refundable_tax_amount": 100,
}  # fmt: skip
REFUND: dict[str, Any] = {
    "id": "rf-at-polar", "status": "succeeded", "amount": 500, "tax_amount": 50,
    "currency": "usd", "order_id": ORDER_ID, "metadata": {"tallystick_refund": "rf_1"},
}  # fmt: skip


@pytest.fixture
async def hub(tmp_path: Path):
    """The hub's stand-in, with Polar beside it."""
    async with opened(tmp_path, polar(POLAR)) as here:
        yield here


class TestPolar(GatewayConformance):
    """The whole suite, in dong."""

    name = "polar"
    secret = POLAR.webhook_secret
    lacks = frozenset({"cancels"})
    gives = ("checkout_url",)
    # A checkout lives for 24 hours whatever we wish.
    over_after_s = 86_401.0

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        base_url = f"{url}/_sim/polar/v1"
        return Polar(PolarAccount(POLAR.access_token, secrets, POLAR.product_id, base_url), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        account = PolarAccount("wrong", ("wrong",), POLAR.product_id, f"{url}/_sim/polar/v1")
        return Polar(account, wire)

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "webhook-signature"}
        if signature is not None:
            headers["webhook-signature"] = signature
        return replace(raw, headers=headers)

    def senseless(self) -> RawNotice:
        order = {name: value for name, value in ORDER.items() if name != "status"}
        body = json.dumps({"type": "order.paid", "data": order}).encode()
        return signed(body, self.secret)

    def telling(self, hub: HubStandIn) -> list[RawNotice]:
        return [raw for raw in hub.heard if b'"type":"order.paid"' in raw.body]


class TestPolarInDollars(TestPolar):
    """A currency with two decimals, and a product that we have to look for."""

    amount = Money(1_999, "EUR")

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        account = PolarAccount(POLAR.access_token, secrets, base_url=f"{url}/_sim/polar/v1")
        return Polar(account, wire)


class Shelf:
    """A Polar that answers each path with what lies there, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Any]] = []

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """The answer of the kind that the path names."""
        path = url.removeprefix("https://api.polar.sh/v1/")
        self.asked.append((method, path, None if body is None else json.loads(body)))
        kind, _, rest = path.partition("/")
        listed = rest == "" or rest.startswith("?")
        name = f"{method}_{kind}" if method == "POST" else kind if listed else f"one_{kind}"
        found = self.answers.get(name, [] if listed and method == "GET" else None)
        if found is None:
            return reply({"error": "ResourceNotFound", "detail": "Not found"}, 404)
        if isinstance(found, Reply):
            return found
        if listed and method == "GET":
            found = {"items": found, "pagination": {"total_count": 1, "max_page": 1}}
        return reply(found, 201 if method == "POST" else 200)


def reply(body: Any, status: int = 200) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(body).encode())


def adapter(wire: Wire | None = None, *secrets: str) -> Polar:
    """The adapter as a merchant has it."""
    wire = wire or CannedWire(Reply(500, b""))
    return Polar(PolarAccount("t", secrets or ("whsec_s",), POLAR.product_id), wire)


def signed(
    body: bytes,
    secret: str = "whsec_s",
    at: datetime = NOW,
    number: str = "evt-1",
    stamp: str | None = None,
) -> RawNotice:
    """A notice as Polar signs it, received at NOW."""
    stamp = str(int(at.timestamp())) if stamp is None else stamp
    digest = hmac.new(secret.encode(), f"{number}.{stamp}.".encode() + body, hashlib.sha256)
    headers = {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest.digest()).decode(),
    }
    return RawNotice(headers, body, "", NOW)


def read(kind: str, data: Mapping[str, Any], **more: Any) -> Notice:
    """What the adapter makes of an event."""
    event = {"type": kind, "timestamp": "2026-11-20T09:15:07Z", "data": data, **more}
    return adapter().read_notice(signed(json.dumps(event, ensure_ascii=False).encode()))


# Who sent it


def vector_notice(vector: Mapping[str, str], signature: str | None = None) -> RawNotice:
    """A recorded notice, received in its own second."""
    at = datetime.fromtimestamp(int(vector["webhook_timestamp"]), UTC)
    headers = {
        "webhook-id": vector["webhook_id"],
        "webhook-timestamp": vector["webhook_timestamp"],
        "webhook-signature": signature or vector["webhook_signature"],
    }
    return RawNotice(headers, vector["raw_body"].encode(), "", at)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_what_polars_server_signs_is_authentic(vector):
    notice = adapter(None, vector["secret"]).read_notice(vector_notice(vector))

    assert notice.event_id == vector["webhook_id"]


def test_the_recorded_order_is_a_credit():
    notice = adapter(None, VECTORS[0]["secret"]).read_notice(vector_notice(VECTORS[0]))

    [credit] = notice.credits
    assert (credit.transaction_id, credit.money) == (ORDER_ID, Money(1100, "USD"))
    assert credit.at == datetime(2026, 11, 20, 2, 15, 7, 123456, tzinfo=UTC)


def test_the_standards_own_reading_of_the_secret_is_accepted_too():
    raw = vector_notice(VECTORS[0], STANDARD_FORM)

    assert adapter(None, VECTORS[0]["secret"]).read_notice(raw).credits
    with pytest.raises(NoticeNotAuthentic):
        adapter(None, "whsec_another").read_notice(raw)


def test_one_good_signature_in_the_list_is_enough():
    good = VECTORS[0]["webhook_signature"]
    gateway = adapter(None, VECTORS[0]["secret"])

    assert gateway.read_notice(vector_notice(VECTORS[0], f"v1a,AAAA v1,BBBB= {good}")).credits
    with pytest.raises(NoticeNotAuthentic):
        gateway.read_notice(vector_notice(VECTORS[0], "v1,AAAA v1,BBBB="))
    with pytest.raises(NoticeNotAuthentic):
        gateway.read_notice(vector_notice(VECTORS[0], f"v1,,{good.removeprefix('v1,')}"))


def test_a_secret_that_decodes_to_nothing_opens_no_door():
    raw = signed(b"{}", secret="")

    with pytest.raises(NoticeNotAuthentic):
        adapter(None, "whsec_").read_notice(raw)


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 365, 60 * 24])
def test_a_notice_of_another_time_is_refused(minutes):
    raw = signed(b'{"type":"order.paid","data":{}}', at=NOW + timedelta(minutes=minutes))

    with pytest.raises(NoticeNotAuthentic, match="too long ago, or ahead"):
        adapter().read_notice(raw)


@pytest.mark.parametrize(
    "header",
    [
        {"webhook-id": ""}, {"webhook-id": "a.1"}, {"webhook-id": "é"}, {"webhook-id": "a" * 129},
        {"webhook-timestamp": ""}, {"webhook-timestamp": "-1"}, {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "１２３"}, {"webhook-timestamp": "9" * 12},
        {"webhook-signature": ""}, {"webhook-signature": "\ud800"},
    ],
)  # fmt: skip
def test_headers_of_another_form_are_not_authentic(header):
    raw = signed(b"{}")

    with pytest.raises(NoticeNotAuthentic):
        adapter().read_notice(replace(raw, headers={**raw.headers, **header}))


@pytest.mark.parametrize("number", ["a.1", "é", " ", "a" * 129])
def test_an_id_that_could_be_read_in_two_ways_is_refused_although_it_is_signed(number):
    with pytest.raises(NoticeNotAuthentic, match="id or time"):
        adapter().read_notice(signed(b'{"type":"x"}', number=number))


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "soon", "１２３", "9" * 12, "9" * 400, " 1"])
def test_a_time_that_is_no_number_of_seconds_is_refused_although_it_is_signed(stamp):
    with pytest.raises(NoticeNotAuthentic, match="id or time"):
        adapter().read_notice(signed(b'{"type":"x"}', stamp=stamp))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_not_authentic(missing):
    raw = signed(b"{}")
    headers = {name: value for name, value in raw.headers.items() if name != missing}

    with pytest.raises(NoticeNotAuthentic):
        adapter().read_notice(replace(raw, headers=headers))


# What it says


@pytest.mark.parametrize(
    ("kind", "status", "claim"),
    [
        ("checkout.updated", "open", Claim.PENDING),
        ("checkout.updated", "confirmed", Claim.PROCESSING),
        ("checkout.updated", "succeeded", Claim.PROCESSING),
        ("checkout.expired", "expired", Claim.EXPIRED),
        ("checkout.updated", "failed", Claim.FAILED),
        ("checkout.updated", "on_the_moon", Claim.PENDING),
    ],
)
def test_a_checkouts_words_are_translated_and_bring_no_money(kind, status, claim):
    notice = read(kind, {**CHECKOUT, "status": status})

    assert (notice.claim, notice.credits) == (claim, ())
    assert notice.refs == (REF, CHECKOUT_ID)


@pytest.mark.parametrize("status", ["paid", "refunded", "partially_refunded"])
def test_a_paid_order_is_a_credit_also_when_money_went_back_later(status):
    # By its status alone: an older API has no `paid`.
    notice = read("order.refunded", {**ORDER, "status": status, "paid": None})

    [credit] = notice.credits
    assert (credit.money, credit.transaction_id) == (AMOUNT, ORDER_ID)
    assert notice.refs == (REF, CHECKOUT_ID)


@pytest.mark.parametrize("status", ["draft", "pending", "void", "of_tomorrow"])
def test_an_order_that_is_not_paid_is_no_credit(status):
    assert read("order.created", {**ORDER, "status": status, "paid": False}).credits == ()


def test_an_order_of_nothing_is_no_credit():
    assert read("order.paid", {**ORDER, "total_amount": 0}).credits == ()


def test_a_refund_is_news_about_our_payment_where_it_says_so():
    ours = read("refund.updated", {**REFUND, "metadata": {"tallystick_ref": REF}})

    assert (ours.refs, ours.credits) == ((REF, ORDER_ID), ())
    # In the dashboard it names only the order, which is the money that we received.
    assert read("refund.created", REFUND).refs == (ORDER_ID,)


@pytest.mark.parametrize("kind", ["customer.state_changed", "benefit.of_tomorrow", "x", ""])
def test_a_type_that_nobody_knows_is_authentic_and_about_nothing(kind):
    assert read(kind, {}) == Notice("evt-1", refs=())


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_amount": "1100"}, {"total_amount": True}, {"total_amount": 11.5}, {"id": ""},
        {"currency": "xxx"}, {"currency": None}, {"created_at": "soon"}, {"status": None},
    ],
)  # fmt: skip
def test_an_authentic_notice_that_makes_no_sense_is_invalid(wrong):
    with pytest.raises(Invalid, match="makes no sense"):
        read("order.paid", {**ORDER, **wrong})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b'{"a":1,"a":2}', b"\xff"])
def test_a_signed_body_of_another_form_is_invalid(body):
    with pytest.raises(Invalid):
        adapter().read_notice(signed(body))


# What we ask


async def test_money_is_what_the_orders_say():
    wire = Shelf(one_checkouts={**CHECKOUT, "status": "succeeded"}, orders=[ORDER])

    verdict = await adapter(wire).fetch_verdict(ATTEMPT)

    [credit] = verdict.credits
    assert (verdict.claim, credit.money, credit.account) == (Claim.SUCCEEDED, AMOUNT, "polar")
    assert wire.asked[1][1].startswith(f"orders/?metadata%5Btallystick_ref%5D={REF}&")


@pytest.mark.parametrize(
    ("status", "claim"),
    [
        ("open", Claim.PENDING), ("confirmed", Claim.PROCESSING), ("succeeded", Claim.PROCESSING),
        ("failed", Claim.FAILED), ("expired", Claim.EXPIRED), ("on_the_moon", Claim.PENDING),
    ],
)  # fmt: skip
async def test_without_a_paid_order_nothing_is_paid(status, claim):
    wire = Shelf(one_checkouts={**CHECKOUT, "status": status})

    verdict = await adapter(wire).fetch_verdict(ATTEMPT)

    assert (verdict.claim, verdict.credits, verdict.known) == (claim, (), True)


async def test_orders_of_others_are_left_out_although_polar_lists_them():
    other = {**ORDER, "id": "other", "metadata": {}, "checkout_id": "another"}
    named = {**ORDER, "id": "named", "metadata": {}}
    second = {**ORDER, "id": "second", "checkout_id": "another"}
    wire = Shelf(one_checkouts=CHECKOUT, orders=[other, named, second])

    verdict = await adapter(wire).fetch_verdict(ATTEMPT)

    assert [credit.transaction_id for credit in verdict.credits] == ["named", "second"]


LIES: dict[str, dict[str, Any]] = {
    "another checkout": {"one_checkouts": {**CHECKOUT, "id": "another"}},
    "a checkout without a status": {"one_checkouts": {**CHECKOUT, "status": None}},
    "an address that is none": {"one_checkouts": {**CHECKOUT, "url": "javascript:alert(1)"}},
    "no list": {"orders": {}},
    "money as text": {"orders": [{**ORDER, "total_amount": "1100"}]},
    "one name for two orders": {"orders": [ORDER, {**ORDER, "total_amount": 1}]},
    "no such list": {"orders": reply({"error": "ResourceNotFound"}, 404)},
    "more than belongs to one payment": {
        "orders": reply({"items": [ORDER], "pagination": {"max_page": 9}})
    },
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_answer_that_makes_no_sense_is_no_answer(lie):
    wire = Shelf(**{"one_checkouts": CHECKOUT, "orders": [ORDER], **LIES[lie]})

    with pytest.raises(GatewayUnreachable):
        await adapter(wire).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize("status", [301, 307, 400, 403, 408, 409, 422, 429, 500, 503])
async def test_an_error_tells_nothing_about_the_order(status):
    wire = CannedWire(reply({"error": "Any", "detail": "x"}, status))

    with pytest.raises(GatewayUnreachable):
        await adapter(wire).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize(("status", "error"), [(401, "x"), (403, "insufficient_scope")])
async def test_a_token_that_may_not_is_ours_to_mend(status, error):
    with pytest.raises(GatewayUnavailable) as rejected:
        await adapter(CannedWire(reply({"error": error}, status))).fetch_verdict(ATTEMPT)

    assert not isinstance(rejected.value, GatewayUnreachable)


async def test_the_price_includes_the_tax_and_no_code_changes_it(hub, wire):
    shelf = Shelf(POST_checkouts=CHECKOUT)
    order = replace(hub.order(adapter(), AMOUNT), our_ref=REF)

    await adapter(shelf).open_checkout(order)

    method, path, wish = shelf.asked[-1]
    assert (method, path) == ("POST", "checkouts/")
    assert wish["prices"] == {
        POLAR.product_id: [
            {
                "amount_type": "fixed", "price_amount": 1100, "price_currency": "usd",
                "tax_behavior": "inclusive",
            }
        ]
    }  # fmt: skip
    assert wish["allow_discount_codes"] is False
    assert wish["metadata"] == {"tallystick_ref": REF}
    assert wish["success_url"] == order.return_url


async def test_without_any_product_a_person_must_make_one(hub):
    gateway = Polar(PolarAccount("t", ("s",)), Shelf())

    with pytest.raises(GatewayUnavailable, match="one-time product"):
        await gateway.open_checkout(hub.order(gateway, AMOUNT))


@pytest.mark.parametrize(
    ("token", "secrets"), [("", ("s",)), ("t", ()), ("t", ("",)), ("t", ("s", ""))]
)
def test_a_missing_secret_refuses_to_start(token, secrets):
    with pytest.raises(NotConfigured):
        Polar(PolarAccount(token, secrets), CannedWire(Reply(500, b"")))


def test_every_currency_has_the_same_minor_unit_here_and_at_polar():
    for currency in SMALLEST:
        assert exponent(currency) == (0 if currency in WHOLE else 2), currency


def test_an_amount_below_polars_minimum_is_not_offered():
    takes = Polar.capabilities.takes

    assert takes(Money(20_000, "VND"))
    assert not takes(Money(19_999, "VND"))
    assert takes(Money(50, "USD"))
    assert not takes(Money(49, "USD"))
    assert not takes(Money(100_000_000, "USD"))
    assert not takes(Money(100_000, "ISK"))
    with pytest.raises(CurrencyUnknown):
        takes(Money(1, "XXX"))


# Refunds


@pytest.mark.parametrize(
    ("amount", "before_tax"), [(1100, 1000), (550, 500), (110, 100), (11, 10), (1, 1), (4, 4)]
)
async def test_polar_is_told_the_part_before_tax(amount, before_tax):
    wire = Shelf(one_orders=ORDER, POST_refunds={**REFUND, "amount": amount, "tax_amount": 0})
    order = RefundOrder("rf_2", ATTEMPT, ORDER_ID, Money(amount, "USD"), "customer_request")

    verdict = await adapter(wire).refund(order)

    assert wire.asked[-1][2]["amount"] == before_tax
    assert wire.asked[-1][2]["metadata"]["tallystick_refund"] == "rf_2"
    assert verdict.amount == Money(amount, "USD")


async def test_the_same_refund_again_is_the_same_refund():
    wire = Shelf(one_orders=ORDER, refunds=[REFUND])
    order = RefundOrder("rf_1", ATTEMPT, ORDER_ID, Money(550, "USD"), "sent twice")

    verdict = await adapter(wire).refund(order)

    assert (verdict.provider_id, verdict.amount) == ("rf-at-polar", Money(550, "USD"))
    assert [method for method, _, _ in wire.asked] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("order", "amount", "words"),
    [
        ({}, 1101, "only 11.00 USD can still go back"),
        ({"refundable_amount": 0, "refundable_tax_amount": 0}, 1, "only 0.00 USD"),
        ({"net_amount": 50, "tax_amount": 1050, "refundable_amount": 50,
          "refundable_tax_amount": 1050}, 500, "cannot give back exactly 5.00 USD"),
        ({"currency": "eur"}, 100, "another currency"),
        ({"metadata": {}, "checkout_id": "another"}, 100, "no such order"),
    ],
)  # fmt: skip
async def test_a_refund_that_cannot_be_is_refused_before_polar_is_told(order, amount, words):
    wire = Shelf(one_orders={**ORDER, **order})
    wish = RefundOrder("rf_2", ATTEMPT, ORDER_ID, Money(amount, "USD"), "customer_request")

    with pytest.raises(GatewayRefused, match=words):
        await adapter(wire).refund(wish)

    assert all(method == "GET" for method, _, _ in wire.asked)


@pytest.mark.parametrize("error", ["RefundedAlready", "RefundDisputedPayment", "RefundsBlocked"])
async def test_polars_no_to_a_refund_carries_its_words(error):
    wire = Shelf(one_orders=ORDER, POST_refunds=reply({"error": error, "detail": "no"}, 403))
    wish = RefundOrder("rf_2", ATTEMPT, ORDER_ID, Money(1100, "USD"), "other words")

    with pytest.raises(GatewayRefused, match=error):
        await adapter(wire).refund(wish)


async def test_a_refund_that_is_being_made_may_have_taken_effect():
    error = {"error": "RefundPendingCreation", "detail": "wait"}
    wire = Shelf(one_orders=ORDER, POST_refunds=reply(error, 409))
    wish = RefundOrder("rf_2", ATTEMPT, ORDER_ID, Money(1100, "USD"), "x")

    with pytest.raises(GatewayUnreachable):
        await adapter(wire).refund(wish)


@given(net=st.integers(1, 100_000), tax=st.integers(0, 30_000), asked=st.integers(1, 130_000))
def test_the_part_before_tax_with_its_tax_is_what_was_asked_for(net, tax, asked):
    part = net_part(asked, net, tax)

    if part is not None:
        assert part > 0
        # The server's own rounding, which is to the nearest.
        assert abs(part + part * tax / net - asked) <= 0.5 + 1e-6


@given(
    net=st.integers(200, 100_000), percent=st.integers(0, 30), share=st.integers(1, 1_000)
)  # fmt: skip
def test_with_the_taxes_that_there_are_every_sum_is_that_of_one_or_two_refunds(net, percent, share):
    tax = net * percent // 100
    asked = max(1, (net + tax) * share // 1_000)

    first = first_part(asked, net, tax)

    assert first is not None
    rest = asked - first - round(first * tax / net)
    assert rest >= 0
    assert rest == 0 or net_part(rest, net, tax) is not None


PART = {**REFUND, "amount": 227, "tax_amount": 23, "metadata": {"tallystick_refund": "rf_5"}}


async def test_a_refund_of_which_only_a_part_was_made_is_finished_and_not_doubled():
    order = {**ORDER, "refundable_amount": 773, "refundable_tax_amount": 77}
    wire = Shelf(one_orders=order, refunds=[PART], POST_refunds={**PART, "id": "rf-rest"})
    wish = RefundOrder("rf_5", ATTEMPT, ORDER_ID, Money(500, "USD"), "customer_request")

    unfinished = await adapter(wire).find_refund(wish)
    verdict = await adapter(wire).refund(wish)

    assert unfinished is None
    assert [told["amount"] for method, _, told in wire.asked if method == "POST"] == [227]
    assert (verdict.provider_id, verdict.amount) == ("rf-at-polar", Money(500, "USD"))


async def test_polars_no_to_the_second_part_does_not_say_that_nothing_went_back():
    no = reply({"error": "RefundDisputedPayment", "detail": "no"}, 403)
    wire = Shelf(one_orders=ORDER, refunds=[PART], POST_refunds=no)
    wish = RefundOrder("rf_5", ATTEMPT, ORDER_ID, Money(500, "USD"), "customer_request")

    with pytest.raises(GatewayUnreachable, match="made a part"):
        await adapter(wire).refund(wish)


DISPUTE: dict[str, Any] = {
    "id": "dp-1", "status": "needs_response", "amount": 1000, "tax_amount": 100, "currency": "usd",
    "order_id": ORDER_ID, "payment_id": "p-1", "created_at": "2026-11-20T10:00:00Z",
    "resolved": False, "closed": False, "case_id": None, "modified_at": None,
}  # fmt: skip


async def test_disputes_are_read_with_their_tax_and_what_is_no_dispute_is_left_out():
    rows = [
        DISPUTE, {**DISPUTE, "id": "dp-2", "status": "lost"}, {**DISPUTE, "status": "prevented"},
        {**DISPUTE, "status": "early_warning"}, {**DISPUTE, "id": "dp-3", "status": "of_tomorrow"},
    ]  # fmt: skip

    told = await adapter(Shelf(disputes=rows)).list_disputes(NOW - timedelta(days=30))

    assert [(one.id, one.state) for one in told] == [
        ("dp-1", DisputeState.OPEN), ("dp-2", DisputeState.LOST), ("dp-3", DisputeState.OPEN),
    ]  # fmt: skip
    assert {(one.transaction_id, one.amount) for one in told} == {(ORDER_ID, Money(1100, "USD"))}


async def test_a_token_without_the_scope_for_disputes_says_so():
    no = reply({"error": "insufficient_scope", "detail": "disputes:read"}, 403)

    with pytest.raises(GatewayUnavailable, match="lacks a scope"):
        await adapter(Shelf(disputes=no)).list_disputes(NOW)


# The simulator


class TestAtTheSimulator:
    """What only Polar does, over HTTP."""

    amount = Money(1_100, "USD")

    @pytest.fixture
    def gateway(self, hub, wire) -> Polar:
        """The adapter as in the suite."""
        account = PolarAccount(
            POLAR.access_token, (POLAR.webhook_secret,), POLAR.product_id,
            f"{hub.url}/_sim/polar/v1",
        )  # fmt: skip
        hub.gateways["polar"] = Polar(account, wire)
        return hub.gateways["polar"]

    async def test_the_events_come_in_the_order_of_life(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act("polar", attempt.our_ref, "pay")

        assert [json.loads(raw.body)["type"] for raw in hub.heard] == [
            "checkout.updated", "order.created", "order.updated", "order.paid",
            "customer.state_changed", "checkout.updated",
        ]  # fmt: skip
        assert len({raw.headers["webhook-id"] for raw in hub.heard}) == 6

    async def test_values_that_no_list_has_change_nothing_and_come_only_when_asked_for(
        self, hub, gateway
    ):
        usual, strange = [await hub.open(gateway, self.amount) for _ in range(2)]

        await hub.simulators.act("polar", usual.our_ref, "pay")
        plain = [raw.body for raw in hub.heard]
        await hub.simulators.act("polar", strange.our_ref, "unknown_value")

        assert not any(b"tomorrow" in body for body in plain)
        odd = [raw for raw in hub.heard if b"billing_reason_of_tomorrow" in raw.body]
        assert any(gateway.read_notice(raw).credits for raw in odd)
        verdict = await gateway.fetch_verdict(strange)
        assert (verdict.claim, [one.money for one in verdict.credits]) == (
            Claim.SUCCEEDED, [self.amount],
        )  # fmt: skip
        assert b"billing_reason_of_tomorrow" in verdict.raw

    async def test_an_order_is_updated_before_it_is_created(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act("polar", attempt.our_ref, "reorder_webhooks")

        kinds = [json.loads(raw.body)["type"] for raw in hub.heard]
        assert kinds.index("order.updated") < kinds.index("order.created")
        told = [gateway.read_notice(raw) for raw in hub.heard]
        assert {credit.money for notice in told for credit in notice.credits} == {self.amount}

    async def test_without_the_trailing_slash_nothing_is_made(self, hub, gateway, wire):
        headers = {"Authorization": f"Bearer {POLAR.access_token}"}
        url = f"{hub.url}/_sim/polar/v1/checkouts"

        answer = await wire.send("POST", url, headers=headers, body=b"{}")

        assert answer.status == 307
        assert hub.simulators.book("polar").orders == ()

    async def test_a_checkout_is_over_after_a_day(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        hub.simulators.clock.advance(86_399)
        before = await gateway.fetch_verdict(attempt)
        hub.simulators.clock.advance(2)

        assert before.claim is Claim.PENDING
        assert (await gateway.fetch_verdict(attempt)).claim is Claim.EXPIRED

    async def test_a_part_with_its_tax_goes_back(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        played = await hub.simulators.act("polar", attempt.our_ref, "pay")
        number = played["transfers"][0]["reference"]
        wish = RefundOrder("rf_1", attempt, number, Money(550, "USD"), "customer_request")

        first = await gateway.refund(wish)
        again = await gateway.refund(wish)
        rest = await gateway.refund(replace(wish, refund_id="rf_2"))

        assert first == replace(again, raw=first.raw)
        assert (first.claim, first.amount, first.refund_id) == ("succeeded", wish.amount, "rf_1")
        told = await gateway.fetch_refunds(attempt)
        assert {(one.refund_id, one.amount.minor) for one in told} == {("rf_1", 550), ("rf_2", 550)}
        assert rest.amount == wish.amount
        # What went back was received all the same.
        assert [c.money for c in (await gateway.fetch_verdict(attempt)).credits] == [self.amount]
        with pytest.raises(GatewayRefused):
            await gateway.refund(replace(wish, refund_id="rf_3"))

    async def test_five_dollars_go_back_in_two_parts_that_are_one_refund(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        played = await hub.simulators.act("polar", attempt.our_ref, "pay")
        number = played["transfers"][0]["reference"]
        wish = RefundOrder("rf_1", attempt, number, Money(500, "USD"), "customer_request")

        first = await gateway.refund(wish)
        again = await gateway.refund(wish)

        assert (first.claim, first.amount, first.refund_id) == ("succeeded", wish.amount, "rf_1")
        assert again.provider_id == first.provider_id
        [told] = await gateway.fetch_refunds(attempt)
        assert (told.refund_id, told.amount) == ("rf_1", wish.amount)
        assert (await gateway.fetch_verdict(attempt)).refunded_minor == 500

    async def test_a_refund_in_the_dashboard_is_found(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act("polar", attempt.our_ref, "pay")

        played = await hub.simulators.act("polar", attempt.our_ref, "dashboard_refund", amount=110)

        [refund] = await gateway.fetch_refunds(attempt)
        assert (refund.amount, refund.refund_id) == (Money(110, "USD"), None)
        assert {delivery["status"] for delivery in played["deliveries"]} == {200}
        with pytest.raises(Conflict, match="only 990 can still"):
            await hub.simulators.act("polar", attempt.our_ref, "dashboard_refund", amount=991)

    async def test_ten_events_that_fail_disable_the_endpoint(self, hub, gateway, wire):
        attempts = [await hub.open(gateway, self.amount) for _ in range(4)]
        hub.answers.extend([500] * 10_000)
        for attempt in attempts[:2]:
            await hub.simulators.act("polar", attempt.our_ref, "pay")
        for _ in range(10):
            hub.simulators.clock.advance(1200)
            await hub.simulators.deliver_due(hub.simulators.clock.now())
        hub.answers.clear()

        silent = await hub.simulators.act("polar", attempts[2].our_ref, "pay")
        headers = {"Authorization": f"Bearer {POLAR.access_token}"}
        url = f"{hub.url}/_sim/polar/v1/webhooks/endpoints/1"
        await wire.send("PATCH", url, headers=headers, body=b'{"enabled":true}')
        loud = await hub.simulators.act("polar", attempts[3].our_ref, "pay")

        assert silent["deliveries"] == []
        assert {delivery["status"] for delivery in loud["deliveries"]} == {200}
        # Nobody told us, and still we know.
        verdict = await gateway.fetch_verdict(attempts[2])
        assert [credit.money for credit in verdict.credits] == [self.amount]


async def test_a_hundred_and_first_call_in_a_minute_is_too_many(tmp_path, wire):
    async with opened(tmp_path, polar(POLAR, calls_per_minute=100)) as hub:
        url = f"{hub.url}/_sim/polar/v1"
        account = PolarAccount(POLAR.access_token, ("s",), POLAR.product_id, url)
        gateway = Polar(account, wire)
        attempt = await hub.open(gateway, AMOUNT)
        # Opening took two calls; a question about what has no order takes two more.
        for _ in range(49):
            await gateway.fetch_verdict(attempt)

        with pytest.raises(GatewayUnreachable, match="429"):
            await gateway.fetch_verdict(attempt)
        hub.simulators.clock.advance(61)

        assert (await gateway.fetch_verdict(attempt)).known
