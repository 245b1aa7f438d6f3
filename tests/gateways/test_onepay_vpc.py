"""OnePay by redirect: its official hashes, its codes, its notices by three roads, its refunds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tallystick.domain.errors import (
    Conflict,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    Invalid,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money
from tallystick.domain.timed_ref import drawn_at, timed_ref
from tallystick.gateways.abilities import RefundOrder
from tallystick.gateways.base import AttemptRef, Gateway, Notice, RawNotice, Reply, Wire
from tallystick.gateways.onepay_vpc import OnePayVPC, OnePayVPCAccount, secure_hash
from tallystick.sandbox.simulators.onepay_vpc import OnePayVPCKeys, onepay_vpc
from tests.gateways.conformance import GARBAGE, NOW, CannedWire, GatewayConformance
from tests.gateways.hub_with_browser import OwnSimulatorConformance, hub_with_browser

# The `note` of each says where it is from.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "onepay_vpc.json").read_text())
# The public test merchant of OnePay's developer site.
KEY = "A3EFDFABA8653DF2342E8DAC29B51AF0"
KEYS = OnePayVPCKeys("ONEPAY", "D67342C2", KEY, "op01", "op-password")
NOWHERE = CannedWire(Reply(500, b""))
REF = timed_ref(NOW)
ATTEMPT = AttemptRef("att_1", REF, None, Money(150_000, "VND"), NOW)
IPN: dict[str, str] = {
    "vpc_Amount": "15000000", "vpc_Command": "pay", "vpc_CurrencyCode": "VND", "vpc_Locale": "vn",
    "vpc_MerchTxnRef": REF, "vpc_Merchant": "ONEPAY", "vpc_OrderInfo": "TS7K2M9QX",
    "vpc_TransactionNo": "880011", "vpc_TxnResponseCode": "0", "vpc_Message": "Approved",
    "vpc_Version": "2", "vpc_AdditionData": "970422",
}  # fmt: skip


def settings(url: str = "http://127.0.0.1:9", **more: Any) -> OnePayVPCAccount:
    """The test merchant, at the simulator."""
    return OnePayVPCAccount(**{
        "merchant": KEYS.merchant, "access_code": KEYS.access_code, "hash_keys": (KEY,),
        "user": KEYS.user, "password": KEYS.password, "base_url": f"{url}/_sim/onepay_vpc",
        "callback_url": f"{url}/webhooks/onepay_vpc", **more,
    })  # fmt: skip


class TestOnePayVPC(OwnSimulatorConformance, GatewayConformance):
    """The suite; the payer's browser makes the order, not we."""

    name = "onepay_vpc"
    secret = KEY
    simulator = onepay_vpc(KEYS)
    lacks = frozenset({"cancels", "creates"})
    gives = ("checkout_url",)

    leaves_out = frozenset(
        {
            # One page takes one payment, and what it does after its time is its own affair.
            "test_two_transfers_have_two_event_ids_and_two_transaction_ids",
            "test_the_credits_are_those_in_the_gateways_books",
            "test_money_after_expiry_is_told_in_notice_and_books",
            # Sending the payer there asks nobody, so only questions can be answered with nonsense.
            "test_a_senseless_answer_is_no_answer",
        }
    )

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        keys = tuple(key if key == KEY else key.encode().hex() for key in secrets)
        return OnePayVPC(settings(url, hash_keys=keys), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return OnePayVPC(settings(url, password="wrong"), wire)

    def calls(self, gateway, order, attempt):
        """Sending the payer there asks nobody."""
        yield gateway.fetch_verdict(attempt)

    def signed_part(self, body: bytes) -> range:
        return range(body.index(b"&vpc_SecureHash="))

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        told = dict(parse_qsl(raw.body.decode(), keep_blank_values=True))
        del told["vpc_SecureHash"]
        if signature is not None:
            told["vpc_SecureHash"] = signature
        return replace(raw, body=urlencode(told).encode())

    def senseless(self) -> RawNotice:
        told = {"vpc_Merchant": "TESTONEPAY", "vpc_TxnResponseCode": "0", "vpc_Amount": "12.50"}
        return RawNotice({}, b"", urlencode(signed(told, self.secret)), NOW, "GET")

    @pytest.mark.parametrize("act", ["pay", "underpay", "overpay", "lose_webhook"])
    async def test_the_payment_in_the_books_is_the_credit(self, hub, gateway, act):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, act)

        [credit] = (await gateway.fetch_verdict(attempt)).credits
        [(_, transfer)] = hub.simulators.book(self.name).transfers
        assert (credit.transaction_id, credit.minor) == (transfer.reference, transfer.amount)

    @pytest.mark.parametrize("first", ["pay", "cancel", "decline"])
    async def test_a_page_takes_one_payment(self, hub, gateway, first):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, first)

        with pytest.raises(Conflict, match="has ended"):
            await hub.simulators.act(self.name, attempt.our_ref, "pay")

    @pytest.mark.parametrize(
        ("act", "claim"), [("cancel", Claim.CANCELED), ("decline", Claim.FAILED)]
    )
    async def test_giving_up_and_failing_are_told_in_notice_and_books(
        self, hub, gateway, act, claim
    ):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, act)

        verdict = await gateway.fetch_verdict(attempt)
        notice = gateway.read_notice(hub.heard[0])
        assert (notice.claim, notice.credits) == (verdict.claim, verdict.credits) == (claim, ())

    async def test_what_timed_out_is_not_over_and_may_be_paid_after_all(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        unfinished = await gateway.fetch_verdict(attempt)
        hub.simulators.clock.advance(3600)
        timed_out = await gateway.fetch_verdict(attempt)

        await hub.simulators.act(self.name, attempt.our_ref, "pay_late")

        paid = await gateway.fetch_verdict(attempt)
        assert b"ResponseCode=100" in unfinished.raw
        assert b"ResponseCode=253" in timed_out.raw
        assert [v.claim for v in (unfinished, timed_out, paid)] == [
            Claim.PENDING, Claim.PENDING, Claim.SUCCEEDED,
        ]  # fmt: skip
        assert [credit.money for credit in paid.credits] == [self.amount]

    async def test_a_reference_is_taken_once(self, hub, gateway):
        order = hub.order(gateway, self.amount)
        first = await gateway.open_checkout(order)
        page = await hub.visit(first)
        other = await gateway.open_checkout(replace(order, amount=Money(1, "VND")))

        reloaded = await hub.visit(first)
        refused = await hub.browser.send("GET", other.checkout_url, headers={})
        await hub.simulators.act(self.name, order.our_ref, "pay")
        again = await hub.browser.send("GET", first.checkout_url, headers={})

        assert page == reloaded
        assert (refused.status, again.status) == (400, 400)
        assert b"used before" in refused.body
        assert len(hub.simulators.book(self.name).orders) == 1

    async def test_a_changed_address_opens_no_page(self, hub, gateway):
        checkout = await gateway.open_checkout(hub.order(gateway, self.amount))
        cheaper = checkout.checkout_url.replace("vpc_Amount=5000000", "vpc_Amount=100")

        reply = await hub.browser.send("GET", cheaper, headers={})

        assert cheaper != checkout.checkout_url
        assert reply.status == 400

    async def test_the_notice_before_and_after_the_return_says_the_same(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "repeat_webhook", times=2)
        before, after = hub.heard
        [order] = hub.simulators.book(self.name).orders
        page = f"{hub.url}/_sim/onepay_vpc/page/{order.id}"
        shown = await hub.browser.send("GET", page, headers={})

        assert shown.status == 200
        assert gateway.read_notice(before) == gateway.read_notice(after)

    async def test_a_notice_is_repeated_until_it_is_confirmed(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        hub.answers.extend([500, 401])
        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        for _ in range(2):
            hub.simulators.clock.advance(61)
            await hub.simulators.deliver_due(hub.simulators.clock.now())

        assert len(hub.heard) == 3
        assert hub.simulators.next_due() is None

    # Refunds

    def wanted(self, attempt: AttemptRef, minor: int, refund_id: str = "rfd-1") -> RefundOrder:
        return RefundOrder(refund_id, attempt, "880011", Money(minor, "VND"), "changed their mind")

    async def test_a_refund_that_is_asked_for_twice_is_made_once(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        verdicts = [await gateway.refund(self.wanted(attempt, 30_000)) for _ in range(2)]

        [order] = hub.simulators.book(self.name).orders
        assert [verdict.claim for verdict in verdicts] == ["succeeded", "succeeded"]
        assert verdicts[0].provider_id == verdicts[1].provider_id
        assert order.terms["refunds"] == {"rfd-1": 30_000}

    async def test_a_refund_whose_answer_was_lost_is_found_again(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        wish = self.wanted(attempt, 50_000)
        # The answer to the refund is lost; that to the question before it is not.
        body = urlencode(signed({
            "vpc_Command": "refund", "vpc_Version": "2", "vpc_MerchTxnRef": "rfd-1",
            "vpc_OrgMerchTxnRef": attempt.our_ref, "vpc_Amount": "5000000",
            "vpc_Operator": "x", "vpc_Merchant": "ONEPAY", "vpc_AccessCode": "D67342C2",
        })).encode()  # fmt: skip
        path = f"{hub.url}/_sim/onepay_vpc/msp/api/v1/vpc/refunds"
        await hub.browser.send("POST", path, headers={}, body=body)

        verdict = await gateway.refund(wish)

        [order] = hub.simulators.book(self.name).orders
        assert verdict.claim == "succeeded"
        assert order.terms["refunds"] == {"rfd-1": 50_000}

    async def test_more_than_was_paid_does_not_go_back(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        await hub.simulators.act(self.name, attempt.our_ref, "dashboard_refund", amount=40_000)

        verdict = await gateway.refund(self.wanted(attempt, 20_000))

        assert verdict.claim == "failed"
        [gone] = await gateway.fetch_refunds(attempt)
        assert (gone.amount, gone.of_all) == (Money(40_000, "VND"), True)


@pytest.mark.parametrize("more", [{"by_query": True}, {"lower_case": True}])
async def test_notices_in_the_query_and_hashes_in_small_letters_are_read(tmp_path, wire, more):
    async with hub_with_browser(tmp_path, [onepay_vpc(replace(KEYS, **more))]) as hub:
        gateway = OnePayVPC(settings(hub.url), wire)
        hub.gateways["onepay_vpc"] = gateway
        attempt = await hub.open(gateway, Money(50_000, "VND"))

        played = await hub.simulators.act("onepay_vpc", attempt.our_ref, "pay")

        [raw] = hub.heard
        assert played["deliveries"][0]["status"] == 200
        assert bool(raw.query) is ("by_query" in more)
        assert gateway.read_notice(raw).credits[0].minor == 50_000
        assert (await gateway.fetch_verdict(attempt)).claim is Claim.SUCCEEDED


# Hashes


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_our_hash_is_the_official_one(vector):
    assert secure_hash(vector["params"], vector["key"]) == vector["expect"]


def signed(told: dict[str, str], key: str = KEY) -> dict[str, str]:
    """The fields with their right hash."""
    return {**told, "vpc_SecureHash": secure_hash(told, key)}


def read(told: dict[str, str], *, method: str = "GET", as_body: bool = False) -> Notice:
    """What the adapter makes of a notice with exactly these fields."""
    form = urlencode(told)
    body, query = (form.encode(), "") if as_body else (b"", form)
    return OnePayVPC(settings(), NOWHERE).read_notice(RawNotice({}, body, query, NOW, method))


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["id"].startswith(("ipn", "return"))])
def test_the_notices_of_the_vectors_are_authentic(vector):
    notice = read({**vector["params"], "vpc_SecureHash": vector["expect"]})

    assert notice.refs == (vector["params"]["vpc_MerchTxnRef"],)


@pytest.mark.parametrize(("method", "as_body"), [("GET", False), ("POST", False), ("POST", True)])
def test_a_notice_comes_by_get_or_post(method, as_body):
    notice = read(signed(IPN), method=method, as_body=as_body)

    [credit] = notice.credits
    assert notice.refs == (REF,)
    assert notice.claim is Claim.SUCCEEDED
    assert credit.name == ("onepay_vpc", "ONEPAY", "880011")
    assert credit.money == Money(150_000, "VND")


def test_a_notice_is_confirmed_in_onepays_words():
    answer = OnePayVPC(settings(), NOWHERE).acknowledge(read(signed(IPN)))

    assert answer.body == b"responsecode=1&desc=confirm-success"
    assert (answer.status, answer.content_type) == (200, "text/plain")


def test_every_changed_field_is_refused():
    for name, value in IPN.items():
        with pytest.raises(NoticeNotAuthentic):
            read({**signed(IPN), name: value + "0"})


@pytest.mark.parametrize("code", ["7", "No Value Returned"])
def test_no_code_excuses_a_missing_hash(code):
    # The samples of OnePay skip the check for these two.
    with pytest.raises(NoticeNotAuthentic):
        read({**IPN, "vpc_TxnResponseCode": code})


def test_a_value_that_swallows_another_field_is_refused():
    told = {**IPN, "vpc_Message": "Approved&vpc_OrderInfo=TS7K2M9QX"}
    swallowed = {name: value for name, value in told.items() if name != "vpc_OrderInfo"}
    smuggled = {**swallowed, "vpc_SecureHash": signed(IPN)["vpc_SecureHash"]}
    assert secure_hash(swallowed, KEY) == smuggled["vpc_SecureHash"], "it is no collision"

    with pytest.raises(NoticeNotAuthentic):
        read(smuggled)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "vpc_SecureHash",
        "vpc_A=1&vpc_A=2",
        "vpc_A=%ff",
        "&" * 200,
        "a=1&" * 101 + "b=2",
        "%00=1",
    ],
)
def test_a_query_of_another_form_is_not_authentic(query):
    with pytest.raises(NoticeNotAuthentic):
        OnePayVPC(settings(), NOWHERE).read_notice(RawNotice({}, b"", query, NOW, "GET"))


@pytest.mark.parametrize(
    "wrong",
    [{"vpc_Merchant": "ANOTHER"}, {"vpc_MerchTxnRef": ""}, {"vpc_TxnResponseCode": ""},
     {"vpc_Amount": "15000050"}, {"vpc_Amount": "0"}, {"vpc_Amount": "-100"},
     {"vpc_Amount": "1e6"}, {"vpc_Amount": "１００"}, {"vpc_Amount": "9" * 19},
     {"vpc_TransactionNo": ""}, {"vpc_CurrencyCode": "USD"}],
)  # fmt: skip
def test_an_authentic_notice_that_makes_no_sense_is_invalid(wrong):
    with pytest.raises(Invalid, match="makes no sense"):
        read(signed({**IPN, **wrong}))


# Answers

FAILURES = [*map(str, (1, *range(3, 14), *range(21, 26))), "F", "B", "unknown"]


def canned(told: dict[str, str], status: int = 200) -> OnePayVPC:
    """The adapter, at a OnePay that gives one answer to everything."""
    return OnePayVPC(settings(), CannedWire(Reply(status, urlencode(told).encode())))


@pytest.mark.parametrize(
    ("code", "claim"),
    [
        ("0", Claim.SUCCEEDED), ("99", Claim.CANCELED), ("100", Claim.PENDING),
        ("253", Claim.PENDING), ("300", Claim.PENDING),
        *((code, Claim.FAILED) for code in FAILURES),
    ],
)  # fmt: skip
async def test_the_codes_of_onepay_are_translated(code, claim):
    told = {**IPN, "vpc_DRExists": "Y", "vpc_TxnResponseCode": code}

    verdict = await canned(signed(told)).fetch_verdict(ATTEMPT)

    assert verdict.claim is claim
    assert bool(verdict.credits) is (code == "0")


async def test_an_answer_without_a_hash_is_taken_and_one_with_a_wrong_hash_is_not():
    told = {**IPN, "vpc_DRExists": "Y"}

    assert (await canned(told).fetch_verdict(ATTEMPT)).claim is Claim.SUCCEEDED
    for wrong in ("", "0" * 64, "x"):
        with pytest.raises(GatewayUnreachable, match="hash"):
            await canned({**told, "vpc_SecureHash": wrong}).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize(
    "lie",
    [{"vpc_DRExists": ""}, {"vpc_DRExists": "y"}, {"vpc_MerchTxnRef": "another"},
     {"vpc_Amount": "150000.00"}, {"vpc_TransactionNo": ""}, {"vpc_TxnResponseCode": ""}],
)  # fmt: skip
async def test_an_answer_that_makes_no_sense_is_no_answer(lie):
    with pytest.raises(GatewayUnreachable):
        await canned(signed({**IPN, "vpc_DRExists": "Y", **lie})).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_no_answer(body):
    for status in (200, 201, 302, 404, 429, 500, 503):
        gateway = OnePayVPC(settings(), CannedWire(Reply(status, body)))

        with pytest.raises(GatewayUnreachable):
            await gateway.fetch_verdict(ATTEMPT)


async def test_a_transaction_that_does_not_exist_is_not_known():
    verdict = await canned({"vpc_DRExists": "N"}).fetch_verdict(ATTEMPT)

    assert (verdict.known, verdict.claim, verdict.credits) == (False, Claim.PENDING, ())


async def test_less_than_is_due_is_counted_and_is_not_success():
    told = {**IPN, "vpc_DRExists": "Y", "vpc_Amount": "100"}

    verdict = await canned(signed(told)).fetch_verdict(ATTEMPT)

    assert verdict.claim is Claim.PENDING
    assert [credit.minor for credit in verdict.credits] == [1]


# The payer's address


async def test_the_address_carries_what_onepay_wants():
    gateway = OnePayVPC(settings(base_url="https://mtf.onepay.vn"), NOWHERE)
    order, _ = TestOnePayVPC().wish(gateway)

    url = urlsplit((await gateway.open_checkout(order)).checkout_url or "")

    told = dict(parse_qsl(url.query, strict_parsing=True))
    assert (url.netloc, url.path) == ("mtf.onepay.vn", "/paygate/vpcpay.op")
    assert told["vpc_SecureHash"] == secure_hash(told, KEY)
    assert told["vpc_Amount"] == "5000000"
    assert told["vpc_MerchTxnRef"] == order.our_ref
    assert len(order.our_ref) <= 34
    assert told["vpc_OrderInfo"] == order.memo


@pytest.mark.parametrize(
    "url", ["https://shop.example/" + "x" * 250, "https://shop.example/?a=1&vpc_Amount=1"]
)
async def test_a_return_address_that_onepay_cannot_take_is_refused(url):
    gateway = OnePayVPC(settings(), NOWHERE)
    order, _ = TestOnePayVPC().wish(gateway)

    with pytest.raises(GatewayRefused):
        await gateway.open_checkout(replace(order, return_url=url))


def test_a_reference_says_when_it_was_drawn():
    assert drawn_at(REF) == NOW
    assert drawn_at("HUB-0001-1") is None
    assert drawn_at("TS" + "Z" * 26) is None


# Settings


@pytest.mark.parametrize(
    "wrong",
    [{"merchant": ""}, {"access_code": ""}, {"user": ""}, {"password": ""}, {"hash_keys": ()},
     {"hash_keys": ("",)}, {"hash_keys": (KEY, "")}, {"hash_keys": ("not hex at all!!",)},
     {"hash_keys": ("ABC",)}, {"hash_keys": ("AB",)}],
)  # fmt: skip
def test_a_missing_secret_refuses_to_start(wrong):
    with pytest.raises(NotConfigured):
        OnePayVPC(settings(**wrong), NOWHERE)


async def test_a_refused_access_is_ours_to_mend():
    with pytest.raises(GatewayUnavailable) as rejected:
        await canned({}, 403).fetch_verdict(ATTEMPT)

    assert not isinstance(rejected.value, GatewayUnreachable)


@pytest.mark.parametrize("ref", ["", "x" * 35, "a b", "a&b", "é"])
async def test_only_references_that_onepay_takes_are_asked_about(ref):
    with pytest.raises(Invalid):
        await canned({"vpc_DRExists": "N"}).fetch_verdict(replace(ATTEMPT, our_ref=ref))
