"""The payOS gateway: its official vectors, its ambiguities, and its simulator."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    Invalid,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim
from tallystick.domain.ids import memo_code
from tallystick.domain.money import Money
from tallystick.domain.vietqr import VietQR
from tallystick.gateways.base import AttemptRef, Gateway, Notice, RawNotice, Reply, Wire
from tallystick.gateways.payos import PayOS, PayOSAccount, body_signature, create_signature
from tests.gateways.conformance import NOW, CannedWire, GatewayConformance
from tests.gateways.hub_stand_in import PAYOS

# payOS docs and SDK test file, see the `note` of each; the SDKs for Python and Node agree on them.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "payos.json").read_text())
SIGNERS = {"create": create_signature, "body": body_signature}
KEY = "checksum-key-1"
ORDER_CODE = 2026112000017
LINK = "3c1d5e7f9a0b4c2d8e6f1a2b3c4d5e6f"
WEBHOOK: dict[str, Any] = {
    "orderCode": ORDER_CODE, "amount": 150000, "description": "CS7K2M9QX HB7K2M9QX",
    "accountNumber": "0123456789", "reference": "FT26324123456789",
    "transactionDateTime": "2026-11-20 09:15:07", "currency": "VND", "paymentLinkId": LINK,
    "code": "00", "desc": "success", "counterAccountBankId": "970422",
    "counterAccountBankName": None, "counterAccountName": "TRẦN THỊ BÌNH & CO",
    "counterAccountNumber": "0987654321", "virtualAccountName": None,
    "virtualAccountNumber": "CAS0123456789",
}  # fmt: skip
BOOKS: dict[str, Any] = {
    "id": LINK, "orderCode": ORDER_CODE, "amount": 150000, "amountPaid": 0,
    "amountRemaining": 150000, "status": "PENDING", "createdAt": "2026-11-20T09:15:07+07:00",
    "transactions": [], "canceledAt": None, "cancellationReason": None,
}  # fmt: skip
ATTEMPT = AttemptRef("att_1", str(ORDER_CODE), LINK, Money(150_000, "VND"), NOW)


class TestPayOS(GatewayConformance):
    """The whole suite."""

    name = "payos"
    secret = PAYOS.checksum_key

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        address = f"{url}/_sim/payos"
        account = PayOSAccount(PAYOS.client_id, PAYOS.api_key, secrets, address, address)
        return PayOS(account, wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        keys = (PAYOS.checksum_key,)
        return PayOS(PayOSAccount(PAYOS.client_id, "wrong", keys, f"{url}/_sim/payos"), wire)

    def senseless(self) -> RawNotice:
        data = {"orderCode": 7, "news": "of a kind that nobody knows"}
        body = {"data": data, "signature": body_signature(data, self.secret)}
        return RawNotice({}, json.dumps(body).encode(), "", NOW)

    def signed_part(self, body: bytes) -> range:
        return range(body.index(b'"data":') + 7, body.index(b',"signature"'))

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        body = json.loads(raw.body)
        del body["signature"]
        if signature is not None:
            body["signature"] = signature
        return replace(raw, body=json.dumps(body).encode())


def adapter(body: Mapping[str, Any] | None = None, status: int = 200) -> PayOS:
    """The adapter, at a payOS that gives one answer to everything."""
    account = PayOSAccount("client-1", "api-key-1", (KEY,))
    return PayOS(account, CannedWire(Reply(status, json.dumps(body).encode())))


def answer(data: Mapping[str, Any]) -> dict[str, Any]:
    """A reply as payOS signs it."""
    signature = body_signature(data, KEY)
    return {"code": "00", "desc": "success", "data": data, "signature": signature}


def no(code: str, desc: str = "no") -> dict[str, Any]:
    """A business error, which comes with HTTP 200."""
    return {"code": code, "desc": desc, "data": None, "signature": None}


def read(data: Mapping[str, Any], signature: str | None = None) -> Notice:
    """What the adapter makes of a webhook; signed rightly where nothing else is said."""
    signature = body_signature(data, KEY) if signature is None else signature
    body = {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}
    raw = json.dumps(body, ensure_ascii=False).encode()
    return adapter().read_notice(RawNotice({}, raw, "", NOW))


def signed_vectors() -> list[dict[str, Any]]:
    """All but those of the payout header, which nothing here needs."""
    return [vector for vector in VECTORS if vector["alg"] in SIGNERS]


@pytest.mark.parametrize("vector", signed_vectors(), ids=lambda v: v["id"])
def test_our_signature_is_the_official_one(vector):
    assert SIGNERS[vector["alg"]](vector["data"], vector["key"]) == vector["expect"]


def test_an_empty_object_is_signed_as_the_empty_text():
    assert body_signature({}, "k") == hmac.new(b"k", b"", "sha256").hexdigest()


def test_numbers_are_signed_as_they_came():
    text = 'a=1.50&rows=[{"a":2,"b":0.1}]'
    signature = hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest()
    raw = f'{{"data":{{"rows":[{{"b":0.1,"a":2}}],"a":1.50}},"signature":"{signature}"}}'

    # Authentic, and then of no use: the fields that we need are missing.
    with pytest.raises(Invalid, match="makes no sense"):
        adapter().read_notice(RawNotice({}, raw.encode(), "", NOW))


# Notices


def test_the_test_ping_of_the_docs_is_authentic_and_about_nothing():
    ping = next(vector for vector in VECTORS if vector["id"] == "docs-webhook")
    account = PayOSAccount("client-1", "api-key-1", (ping["key"],))
    gateway = PayOS(account, CannedWire(Reply(500, b"")))
    body = {"code": "00", "desc": "success", "data": ping["data"], "signature": ping["expect"]}

    notice = gateway.read_notice(RawNotice({}, json.dumps(body).encode(), "", NOW))

    assert notice.about_nothing
    assert gateway.acknowledge(notice).body == b'{"success":true}'


def test_a_notice_is_about_one_transfer_and_not_about_the_order():
    notice = read(WEBHOOK)

    assert notice.event_id == f"{LINK}:FT26324123456789"
    assert notice.refs == (str(ORDER_CODE), LINK)
    assert notice.claim is Claim.PENDING
    [credit] = notice.credits
    assert (credit.account, credit.transaction_id) == ("client-1", "FT26324123456789")
    assert credit.money == Money(150_000, "VND")
    assert credit.at == datetime(2026, 11, 20, 2, 15, 7, tzinfo=UTC)


def test_a_transfer_that_did_not_succeed_brings_no_money():
    assert read({**WEBHOOK, "code": "99"}).credits == ()


def test_a_transfer_of_nothing_brings_no_money():
    assert read({**WEBHOOK, "amount": 0}).credits == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": ""}, {"reference": "null"}, {"reference": "undefined"},
        {"paymentLinkId": ""}, {"paymentLinkId": None}, {"currency": "XXX"}, {"currency": "vnd"},
        {"transactionDateTime": "yesterday"}, {"transactionDateTime": "0001-01-01 00:00:00"},
        {"reference": "F" * 129},
    ],
)  # fmt: skip
def test_an_authentic_notice_that_makes_no_sense_is_invalid(wrong):
    with pytest.raises(Invalid, match="makes no sense"):
        read({**WEBHOOK, **wrong})


@pytest.mark.parametrize("missing", ["orderCode", "amount", "reference", "paymentLinkId", "code"])
def test_an_authentic_notice_with_a_field_missing_is_invalid(missing):
    with pytest.raises(Invalid, match=missing):
        read({name: value for name, value in WEBHOOK.items() if name != missing})


def test_unknown_fields_of_any_kind_are_under_the_signature():
    strange = {"zNewFlag": True, "aNewList": [{"b": "2", "a": "đ/1"}], "an": {"object": 1}, "n": 7}
    signature = body_signature({**WEBHOOK, **strange}, KEY)

    assert read({**WEBHOOK, **strange}).refs
    with pytest.raises(NoticeNotAuthentic):
        read({**WEBHOOK, **strange, "zNewFlag": False}, signature)
    with pytest.raises(NoticeNotAuthentic):
        read(WEBHOOK, signature)


# The body signature escapes nothing, so that other data can spell the very same text. Each of
# these is signed "rightly" with a signature that payOS made for the data on the left.


def without(*names: str) -> dict[str, Any]:
    """The webhook with some fields gone."""
    return {name: value for name, value in WEBHOOK.items() if name not in names}


COLLISIONS = {
    "a number as text": (WEBHOOK, {**WEBHOOK, "amount": "150000"}),
    "an order code as text": (WEBHOOK, {**WEBHOOK, "orderCode": str(ORDER_CODE)}),
    "a name that swallows the next field": (
        WEBHOOK,
        {**without("currency"), "counterAccountNumber": "0987654321&currency=VND"},
    ),
    "a text that swallows the next fields": (
        WEBHOOK,
        {**without("description"), "desc": "success&description=CS7K2M9QX HB7K2M9QX"},
    ),
    "a payer's text that brings fields of its own": (
        {**WEBHOOK, "description": "TS0000001&orderCode=5"},
        {**WEBHOOK, "description": "TS0000001", "orderCode": f"5&orderCode={ORDER_CODE}"},
    ),
    "a payer's text that pushes the true fields into an unknown one": (
        {
            **WEBHOOK,
            "description": f"A&orderCode=5&paymentLinkId={LINK}&reference=R"
            "&transactionDateTime=2026-11-20 09:15:07&virtualAccountName=",
        },
        {
            **without("virtualAccountNumber"), "description": "A", "orderCode": 5,
            "reference": "R", "virtualAccountName": f"&orderCode={ORDER_CODE}&paymentLinkId={LINK}"
            "&reference=FT26324123456789&transactionDateTime=2026-11-20 09:15:07"
            "&virtualAccountName=&virtualAccountNumber=CAS0123456789",
        },
    ),
    "a key with an equals sign in it": (
        WEBHOOK,
        {**without("amount", "code"), "amount=150000&code": "00"},
    ),
    "an id with a control character": (
        {**WEBHOOK, "reference": "FT\u000126324"},
        {**WEBHOOK, "reference": "FT\u000126324"},
    ),
    "a list as the text of it": (
        {**WEBHOOK, "accountNumber": []},
        {**WEBHOOK, "accountNumber": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COLLISIONS)
def test_data_that_spells_the_same_signed_text_is_refused(case):
    signed, sent = COLLISIONS[case]
    signature = body_signature(signed, KEY)
    assert body_signature(sent, KEY) == signature, "the case is not the collision that it says"

    with pytest.raises(NoticeNotAuthentic, match="cannot be checked"):
        read(sent, signature)


def test_an_ampersand_in_a_payers_name_is_no_offence():
    assert read({**WEBHOOK, "counterAccountName": "A & B = C; x&y=z"}).refs


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"null", b'{"data":null}', b'{"data":[]}', b'{"data":{}}',
        b'{"data":{},"data":{}}', b'{"data":{"orderCode":1e3}}', b'{"data":{"amount":true}}',
        b'{"data":{"amount":9007199254740992}}', b'{"data":{"description":5}}', b"\xff",
        b'{"data":{"desc":"\\ud800"}}', b'{"data":{"desc":"\\u0000"}}', b'{"data":' + b"[" * 99,
        b'{"data":{}}' + b" " * 65_536,
    ],
)  # fmt: skip
def test_a_body_of_another_form_is_not_authentic(body):
    with pytest.raises(NoticeNotAuthentic):
        adapter().read_notice(RawNotice({}, body, "", NOW))


def test_a_signature_in_capitals_or_of_a_lone_number_is_refused():
    signature = body_signature(WEBHOOK, KEY)

    for wrong in (signature.upper(), signature + " ", signature[:-1], "", 7, None, [signature]):
        body = json.dumps({"data": WEBHOOK, "signature": wrong}).encode()
        with pytest.raises(NoticeNotAuthentic):
            adapter().read_notice(RawNotice({}, body, "", NOW))


# Answers


@pytest.mark.parametrize(
    ("status", "claim"),
    [
        ("PENDING", Claim.PENDING), ("PROCESSING", Claim.PROCESSING), ("PAID", Claim.SUCCEEDED),
        ("UNDERPAID", Claim.PENDING), ("CANCELLED", Claim.CANCELED), ("EXPIRED", Claim.EXPIRED),
        ("FAILED", Claim.FAILED), ("ON_THE_MOON", Claim.PENDING),
    ],
)  # fmt: skip
async def test_the_words_of_payos_are_translated(status, claim):
    verdict = await adapter(answer({**BOOKS, "status": status})).fetch_verdict(ATTEMPT)

    assert (verdict.claim, verdict.credits, verdict.known) == (claim, (), True)
    assert verdict.raw


def transaction(**more: Any) -> dict[str, Any]:
    """One row of an order's transactions."""
    return {
        "reference": "FT1", "amount": 150000, "accountNumber": "0123456789",
        "description": "x", "transactionDateTime": "2026-11-20T09:15:07+07:00",
        "virtualAccountName": None, "virtualAccountNumber": None, "counterAccountBankId": None,
        "counterAccountBankName": None, "counterAccountName": None, "counterAccountNumber": None,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "told",
    ["2026-11-20T09:15:07+07:00", "2026-11-20 09:15:07", "2026-11-20T09:15:07",
     "2026-11-20T02:15:07Z", "2026-11-20T02:15:07.000Z"],
)  # fmt: skip
async def test_a_time_without_a_zone_is_vietnams(told):
    data = {**BOOKS, "transactions": [transaction(transactionDateTime=told)]}

    verdict = await adapter(answer(data)).fetch_verdict(ATTEMPT)

    assert verdict.credits[0].at == datetime(2026, 11, 20, 2, 15, 7, tzinfo=UTC)


async def test_a_transfer_that_is_listed_twice_counts_once():
    data = {**BOOKS, "transactions": [transaction(), transaction(), transaction(reference="FT2")]}

    verdict = await adapter(answer(data)).fetch_verdict(ATTEMPT)

    assert [credit.transaction_id for credit in verdict.credits] == ["FT1", "FT2"]


async def test_rows_without_money_are_no_credits():
    data = {**BOOKS, "transactions": [transaction(amount=0), transaction(amount=-5)]}

    assert (await adapter(answer(data)).fetch_verdict(ATTEMPT)).credits == ()


async def test_paid_without_a_transfer_is_only_a_word():
    verdict = await adapter(answer({**BOOKS, "status": "PAID"})).fetch_verdict(ATTEMPT)

    assert (verdict.claim, verdict.credits) == (Claim.SUCCEEDED, ())


LIES: dict[str, dict[str, Any]] = {
    "another order": {"orderCode": ORDER_CODE + 1},
    "another amount": {"amount": 150001},
    "another link": {"id": "f" * 32},
    "an amount as text": {"amount": "150000"},
    "an amount that is true": {"amount": True},
    "no status": {"status": None},
    "no list": {"transactions": {}},
    "a row that is none": {"transactions": [7]},
    "money as text": {"transactions": [transaction(amount="150000")]},
    "money without a name": {"transactions": [transaction(reference="")]},
    "money at no time": {"transactions": [transaction(transactionDateTime="soon")]},
    "one name for two transfers": {"transactions": [transaction(), transaction(amount=1)]},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_signed_answer_that_makes_no_sense_is_no_answer(lie):
    with pytest.raises(GatewayUnreachable):
        await adapter(answer({**BOOKS, **LIES[lie]})).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize("signature", [None, "", "0" * 64, 7, "A" * 64])
async def test_an_answer_with_a_wrong_signature_is_not_authentic(signature):
    wrong = {**answer({**BOOKS, "status": "PAID"}), "signature": signature}

    with pytest.raises(GatewayUnreachable, match="not authentic"):
        await adapter(wrong).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize("code", ["201", "214", "401"])
async def test_codes_about_our_keys_are_ours_to_mend(code):
    with pytest.raises(GatewayUnavailable, match="rejects our keys: no") as rejected:
        await adapter(no(code)).fetch_verdict(ATTEMPT)

    assert not isinstance(rejected.value, GatewayUnreachable)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_overload_is_unreachable_whatever_the_body_says(status):
    with pytest.raises(GatewayUnreachable):
        await adapter(answer({**BOOKS, "status": "PAID"}), status).fetch_verdict(ATTEMPT)


async def test_an_error_nobody_knows_tells_nothing_about_the_order():
    with pytest.raises(GatewayUnreachable):
        await adapter(no("999")).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize("ref", ["", "0", "-1", "1_000", " 1", "１２３", "../1", "9" * 16, "1?x=1"])
async def test_only_whole_numbers_are_order_codes(ref):
    with pytest.raises(Invalid):
        await adapter(no("101")).fetch_verdict(replace(ATTEMPT, our_ref=ref))


@pytest.mark.parametrize(
    ("client_id", "api_key", "keys"),
    [
        ("", "a", ("k",)),
        ("c", "", ("k",)),
        ("c", "a", ()),
        ("c", "a", ("",)),
        ("c", "a", ("k", "")),
    ],
)
def test_a_missing_secret_refuses_to_start(client_id, api_key, keys):
    with pytest.raises(NotConfigured):
        PayOS(PayOSAccount(client_id, api_key, keys), CannedWire(Reply(500, b"")))


def test_order_codes_are_numbers_that_payos_takes():
    gateway = adapter()

    first = int(gateway.new_ref(NOW))
    in_2059 = int(gateway.new_ref(datetime(2059, 1, 1, tzinfo=UTC)))

    assert 0 < first < in_2059 <= 9_007_199_254_740_991


# The simulator


class TestAtTheSimulator:
    """What only payOS does, over HTTP."""

    amount = Money(50_000, "VND")

    @pytest.fixture
    def gateway(self, hub, wire) -> PayOS:
        """The adapter as in the suite."""
        address = f"{hub.url}/_sim/payos"
        account = PayOSAccount(
            PAYOS.client_id, PAYOS.api_key, (PAYOS.checksum_key,), address, address
        )
        hub.gateways["payos"] = PayOS(account, wire)
        return hub.gateways["payos"]

    async def test_the_payer_gets_an_account_and_a_code_that_banks_can_read(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        checkout = await gateway.open_checkout(order)

        qr = VietQR.parse(checkout.qr_code)
        assert (qr.bank_bin, qr.account) == (checkout.bank_bin, checkout.account_number)
        assert (qr.amount, qr.memo) == (50_000, checkout.transfer_content)
        assert checkout.bank_name == "MB"
        # payOS puts a code of its own in front of ours.
        assert checkout.transfer_content.startswith("CS")
        assert checkout.transfer_content.endswith(" " + order.memo)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"memo": memo_code() + "X" * 17}, "Mô tả tối đa 25 kí tự"),
            ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expired_at can not before now"),
            ({"amount": Money(0, "VND")}, "amount must be a positive number"),
        ],
    )
    async def test_a_refusal_carries_the_words_of_payos(self, hub, gateway, change, words):
        order = replace(hub.order(gateway, self.amount), **change)

        with pytest.raises(GatewayRefused, match=words):
            await gateway.open_checkout(order)

        assert hub.simulators.book("payos").orders == ()

    async def test_a_far_deadline_still_fits_into_32_bits(self, hub, gateway):
        order = replace(
            hub.order(gateway, self.amount), expires_at=datetime(2100, 1, 1, tzinfo=UTC)
        )

        assert (await gateway.open_checkout(order)).provider_id

    async def test_a_wrong_checksum_key_is_ours_to_mend(self, hub, wire):
        account = PayOSAccount(
            PAYOS.client_id, PAYOS.api_key, ("another",), f"{hub.url}/_sim/payos"
        )
        gateway = PayOS(account, wire)

        with pytest.raises(GatewayUnavailable, match="Mã kiểm tra"):
            await gateway.open_checkout(hub.order(gateway, self.amount))

    async def test_two_transfers_make_it_paid(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        less = await hub.simulators.act("payos", attempt.our_ref, "underpay", amount=20_000)
        rest = await hub.simulators.act("payos", attempt.our_ref, "pay")

        assert (less["order"]["status"], rest["order"]["status"]) == ("UNDERPAID", "PAID")
        verdict = await gateway.fetch_verdict(attempt)
        assert [credit.minor for credit in verdict.credits] == [20_000, 30_000]

    async def test_a_transfer_after_cancel_is_in_the_books_and_changes_no_status(
        self, hub, gateway
    ):
        attempt = await hub.open(gateway, self.amount)
        await gateway.cancel(attempt, "changed their mind")

        played = await hub.simulators.act("payos", attempt.our_ref, "pay_late")

        verdict = await gateway.fetch_verdict(attempt)
        assert played["order"]["status"] == "CANCELLED"
        assert verdict.claim is Claim.CANCELED
        assert [credit.minor for credit in verdict.credits] == [50_000]

    async def test_the_reason_of_a_cancel_is_kept(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await gateway.cancel(attempt, "Khách đổi ý")

        [order] = hub.simulators.book("payos").orders
        assert order.terms["cancellationReason"] == "Khách đổi ý"

    async def test_a_mangled_memo_is_matched_by_the_order_code(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act("payos", attempt.our_ref, "mangle_memo")

        assert attempt.our_ref in gateway.read_notice(hub.heard[0]).refs

    async def test_confirming_the_webhook_answers_the_test_ping(self, hub, gateway):
        await gateway.confirm_webhook(f"{hub.url}/webhooks/payos")

        [ping] = hub.heard
        assert gateway.read_notice(ping).about_nothing

    async def test_a_webhook_that_does_not_answer_is_not_confirmed(self, hub, gateway):
        hub.answers.append(404)

        with pytest.raises(GatewayRefused, match="Webhook url invalid"):
            await gateway.confirm_webhook(f"{hub.url}/webhooks/payos")
        with pytest.raises(GatewayRefused, match="Webhook url invalid"):
            await gateway.confirm_webhook("http://127.0.0.1:9/nobody")

    async def test_an_order_is_found_by_either_name(self, hub, gateway, wire):
        attempt = await hub.open(gateway, self.amount)
        headers = {"x-client-id": PAYOS.client_id, "x-api-key": PAYOS.api_key}

        replies = [
            await wire.send(
                "GET", f"{hub.url}/_sim/payos/v2/payment-requests/{name}", headers=headers
            )
            for name in (attempt.our_ref, attempt.provider_id)
        ]

        assert replies[0].body == replies[1].body

    async def test_an_offer_is_over_when_its_time_is(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        hub.simulators.clock.advance(timedelta(minutes=15).total_seconds())

        assert (await gateway.fetch_verdict(attempt)).claim is Claim.EXPIRED
