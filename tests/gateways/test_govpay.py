"""The GovPay+ gateway: the recorded exchanges, who may call, exact money, and its simulator."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import (
    Conflict,
    DatabaseUnavailable,
    GatewayRefused,
    GatewayUnavailable,
    HubError,
    Invalid,
    NotConfigured,
    NotFound,
    NoticeNotAuthentic,
    Refused,
    TooLarge,
)
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money
from tallystick.gateways.base import Gateway, Notice, RawNotice, Standing, Wire
from tallystick.gateways.govpay import GovPay, GovPayAccount, callers
from tallystick.gateways.govpay.forms import plain
from tallystick.sandbox.simulators.govpay import GovPayKeys, govpay
from tests.gateways.conformance import NOW, GatewayConformance
from tests.gateways.hub_stand_in import hub_stand_in as opened

# OpenNSW/nsw-srilanka, external-integration/payment/govpay (a9f99a64), and its official test.
EXCHANGES = json.loads((Path(__file__).parent / "vectors" / "govpay.json").read_text())
STEPS = {row["step"]: row["body"] for row in EXCHANGES["exchange_1"]}
PRESENTMENT = STEPS["presentment request"]
UPDATE = STEPS["update request (same transactionID)"]
REQUEST = EXCHANGES["exchange_2"][0]["request"]
KEYS = GovPayKeys("govpay-1", "client-secret-1", "k" * 31 + "1", "001", "002")
DUE = Money(150_000, "LKR")
OFFER = Standing("TNSWPYRMTWMY", DUE, "Renewal Fee", payable=True, paid=False)


@pytest.fixture
async def hub(tmp_path: Path):
    """The hub's stand-in, with GovPay+ beside it."""
    async with opened(tmp_path, govpay(KEYS)) as here:
        yield here


class TestGovPay(GatewayConformance):
    """All of the suite that can be where nothing is called and nothing is signed."""

    name = "govpay"
    secret = KEYS.transaction_key
    amount = DUE
    lacks = frozenset({"asks", "cancels", "creates", "signs", "grows"})
    gives = ("instructions", "transfer_content")

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return adapter(transaction_key=secrets)

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "authorization"}
        if signature is not None:
            headers["authorization"] = f"Bearer {signature}"
        return replace(raw, headers=headers)

    def senseless(self) -> RawNotice:
        token = callers.issue(KEYS.client_id, KEYS.client_secret, NOW)
        headers = {"authorization": f"Bearer {token}", "transactionkey": self.secret}
        return RawNotice(headers, b'{"data":"SETTLED"}', "", NOW)


def adapter(**changes: Any) -> GovPay:
    """The adapter as a merchant has it."""
    account = GovPayAccount(
        KEYS.client_id, KEYS.client_secret, (KEYS.transaction_key,), KEYS.subinst_id,
        KEYS.service_id, "inquiry-1",
    )  # fmt: skip
    return GovPay(replace(account, **changes))


def basic(name: str = KEYS.client_id, secret: str = KEYS.client_secret) -> dict[str, str]:
    """How a client proves itself at the token endpoint."""
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def token(
    gateway: GovPay,
    at: datetime = NOW,
    client_id: str = KEYS.client_id,
    client_secret: str = KEYS.client_secret,
) -> str:
    """A token as GovPay+ gets it."""
    proof = basic(client_id, client_secret)
    raw = RawNotice(proof, b"grant_type=client_credentials", "", at)
    answer = gateway.answer_question(gateway.read_question("token", raw, at), None)
    told = json.loads(answer.body)
    assert (told["scope"], told["token_type"], told["expires_in"]) == ("default", "Bearer", 3600)
    return str(told["access_token"])


def call(body: Any, gateway: GovPay | None = None, **headers: str) -> RawNotice:
    """A call with everything right, but for the headers that are given."""
    proof = {
        "authorization": f"Bearer {token(gateway or adapter())}",
        "transactionkey": KEYS.transaction_key,
    }
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawNotice({**proof, **headers}, raw, "", NOW)


def read(body: Any) -> Notice:
    """What the adapter makes of an update."""
    return adapter().read_notice(call(body))


def ask(body: Any, standing: Standing | None = OFFER) -> tuple[int, Any]:
    """What the bank app is told."""
    gateway = adapter()
    try:
        question = gateway.read_question("presentment", call(body), NOW)
        answer = gateway.answer_question(question, standing)
    except Refused as refusal:
        answer = gateway.refuse(refusal)
    return answer.status, json.loads(answer.body, object_pairs_hook=list)


def pairs(document: Any) -> Any:
    """A document with the order of its keys, for comparing field for field."""
    return json.loads(json.dumps(document), object_pairs_hook=list)


def with_values(**values: Any) -> dict[str, Any]:
    """The recorded update with some values changed, added, or (None) left out."""
    rows = {row["paramName"]: row["value"] for row in UPDATE["data"]} | values
    told = {name: value for name, value in rows.items() if value is not None}
    data = [
        {"seq": str(number), "paramName": name, "value": value}
        for number, (name, value) in enumerate(told.items(), 1)
    ]
    return {**UPDATE, "data": data}


# The recorded exchanges


def test_the_bank_app_is_told_what_is_due():
    assert ask(PRESENTMENT) == (200, pairs(STEPS["presentment reply 200"]))


def test_what_is_paid_or_over_is_not_payable():
    told = ask(PRESENTMENT, replace(OFFER, payable=False))

    assert told == (409, pairs(STEPS["presentment after payment, reply 409"]))


def test_an_unknown_reference_and_a_wrong_service_are_answered_alike():
    wanted = (404, pairs(STEPS["presentment unknown ref or wrong subinstId/serviceid, reply 404"]))

    assert ask(PRESENTMENT, None) == wanted
    assert ask({**PRESENTMENT, "subinstId": "002"}) == wanted
    assert ask({**PRESENTMENT, "serviceid": "001"}) == wanted


def test_the_recorded_update_is_the_full_payment():
    notice = read(UPDATE)

    [credit] = notice.credits
    assert (notice.refs, notice.claim) == (("TNSWPYRMTWMY",), Claim.SUCCEEDED)
    assert (credit.money, credit.transaction_id) == (DUE, "123456789012345678")
    assert (credit.account, credit.at) == ("001/002", NOW)


def test_the_receipt_is_the_recorded_one():
    gateway = adapter(subinst_id="s1", service_id="sv1")

    notice = gateway.read_notice(call(REQUEST))
    answer = gateway.acknowledge(notice, replace(OFFER, our_ref="TNSW1", paid=True))

    [credit] = notice.credits
    assert (credit.money, credit.transaction_id) == (DUE, "gw-tx-1")
    assert answer.status == 200
    told = json.loads(answer.body, object_pairs_hook=list)
    assert told == pairs(EXCHANGES["exchange_2"][1]["reply_200"])


def test_a_repeat_is_the_same_event_and_gets_the_same_receipt():
    gateway, paid = adapter(), replace(OFFER, payable=False, paid=True)
    first, again = gateway.read_notice(call(UPDATE)), gateway.read_notice(call(UPDATE))

    assert first.event_id == again.event_id
    assert gateway.acknowledge(first, paid) == gateway.acknowledge(again, paid)


def test_another_amount_than_due_gets_no_receipt():
    answer = adapter().acknowledge(read(UPDATE), replace(OFFER, agrees=False))

    assert answer.status == 422
    assert json.loads(answer.body)["message"] == "1500 LKR was due"


def test_money_for_a_reference_that_we_do_not_know_gets_no_receipt():
    answer = adapter().acknowledge(read(UPDATE), None)

    assert answer.status == 404
    assert json.loads(answer.body)["error"] == "invalid_reference"


# Spellings


@pytest.mark.parametrize(
    "body",
    [
        {**UPDATE, "transactionID": 123456789012345678},
        {"transactionId" if k == "transactionID" else k: v for k, v in UPDATE.items()},
        {"suinstId" if k == "subinstId" else k: v for k, v in UPDATE.items()},
        {"serviceId" if k == "serviceid" else k: v for k, v in UPDATE.items()},
        {"serviced" if k == "serviceid" else k: v for k, v in UPDATE.items()},
        with_values(amount=1500), with_values(amount="1500.00"), with_values(currency="lkr"),
        with_values(status=" success "), with_values(status="Paid"),
        with_values(status="COMPLETED"),
        with_values(status=None, paymentStatus="SUCCESS"), with_values(refNo=" tnswpyrmtwmy "),
        with_values(gatewayTransactionId="123456789012345678"), with_values(more=7),
        {**UPDATE, "newField": [{"a": None}]},
        {**UPDATE, "data": [{**r, "paramName": r["paramName"].upper()} for r in UPDATE["data"]]},
        {**UPDATE, "data": UPDATE["data"][::-1]},
    ],
)  # fmt: skip
def test_every_spelling_of_one_update_is_the_same_payment(body):
    notice = read(body)

    assert replace(notice.credits[0], transaction_id="") == replace(
        read(UPDATE).credits[0], transaction_id=""
    )
    assert notice.credits[0].transaction_id == "123456789012345678"
    assert notice.refs == ("TNSWPYRMTWMY",)


def test_the_gateways_own_transaction_id_goes_first():
    notice = read(with_values(gatewayTransactionId="GW-7"))

    assert notice.credits[0].transaction_id == "GW-7"


@pytest.mark.parametrize(
    ("told", "minor"),
    [("1499.99", 149_999), (b"1499.99", 149_999), (b"0.01", 1), ("1500.5", 150_050),
     (b"1500.10", 150_010), ("1500.0000", 150_000), (b"9007199254740.99", 900719925474099)],
)  # fmt: skip
def test_money_is_read_exactly(told, minor):
    text = json.dumps(with_values(amount="@" if isinstance(told, bytes) else told))
    body = text.encode().replace(b'"@"', told if isinstance(told, bytes) else b"")

    assert read(body).credits[0].minor == minor


@given(minor=st.integers(1, 10**12))
def test_any_amount_comes_back_as_it_was_shown(minor):
    money = Money(minor, "LKR")

    assert Money.parse(plain(money), "LKR") == money
    assert not plain(money).endswith(".")
    assert "E" not in plain(money)


@pytest.mark.parametrize(
    "amount",
    ["1500.001", "-1500", "0", "0.00", "1,500.00", "1e3", "１５００", "NaN", "Infinity", "", " ",
     "1_500", "0x10", True, None, [1500], {"a": 1}, "9" * 14],
)  # fmt: skip
def test_money_that_is_not_exact_is_refused(amount):
    with pytest.raises(Invalid):
        read(with_values(amount=amount))


@pytest.mark.parametrize(
    ("status", "claim"),
    [("FAILED", Claim.FAILED), ("declined", Claim.FAILED), ("Rejected", Claim.FAILED),
     ("PENDING", Claim.PENDING), ("initiated", Claim.PENDING)],
)  # fmt: skip
def test_what_is_not_a_success_brings_no_money(status, claim):
    notice = read(with_values(status=status))

    assert (notice.claim, notice.credits) == (claim, ())
    assert notice.event_id != read(UPDATE).event_id


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"null", b"\xff", b'{"data":[]}', b'{"a":1,"a":2}', b"[" * 99,
        {**UPDATE, "data": None}, {**UPDATE, "data": [1]}, {**UPDATE, "data": [{}]},
        {**UPDATE, "data": []}, {**UPDATE, "data": UPDATE["data"] * 11},
        {**UPDATE, "transactionID": ""}, {**UPDATE, "transactionID": " "},
        {**UPDATE, "transactionID": None}, {**UPDATE, "transactionID": True},
        {**UPDATE, "transactionID": "1" * 129}, {**UPDATE, "transactionId": "another"},
        {**UPDATE, "suinstId": "002"}, {**UPDATE, "serviceName": ["x"]},
        with_values(refNo=None), with_values(refNo=""), with_values(refNo="TS-1"),
        with_values(refNo="T" * 51), with_values(refNo="ＴＳ1"), with_values(status=None),
        with_values(status="ON_THE_MOON"), with_values(currency=None), with_values(currency="XXX"),
        with_values(timestamp="yesterday"), with_values(paymentMethod="a\u0000b"),
        with_values(paymentMethod="x" * 129),
    ],
)  # fmt: skip
def test_an_update_that_makes_no_sense_is_a_bad_request(body):
    with pytest.raises(Invalid) as wrong:
        read(body)

    answer = adapter().refuse(wrong.value)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "bad_request")


def test_a_time_without_a_zone_is_sri_lankas_and_never_ahead_of_ours():
    early = read(with_values(timestamp="2026-11-20T14:00:00")).credits[0]
    late = read(with_values(timestamp="2027-01-01T00:00:00Z")).credits[0]

    assert early.at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    assert late.at == NOW


# Who calls


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "Bearer x"},
        {"authorization": "Basic dTpw"}, {"transactionkey": ""}, {"transactionkey": "é"},
        {"transactionkey": KEYS.transaction_key + " "}, {"transactionkey": "k" * 32},
        {"transactionkey": "\ud800"},
    ],
)  # fmt: skip
def test_a_caller_without_token_and_key_is_refused(headers):
    gateway = adapter()

    for reading in (
        lambda: gateway.read_notice(call(UPDATE, **headers)),
        lambda: gateway.read_question("presentment", call(PRESENTMENT, **headers), NOW),
    ):
        with pytest.raises(NoticeNotAuthentic) as refusal:
            reading()
        answer = gateway.refuse(refusal.value)
        assert (answer.status, json.loads(answer.body)["error"]) == (401, "unauthorized")


@pytest.mark.parametrize("name", ["authorization", "transactionkey"])
def test_a_caller_without_the_header_at_all_is_refused(name):
    raw = call(UPDATE)
    headers = {key: value for key, value in raw.headers.items() if key != name}

    with pytest.raises(NoticeNotAuthentic):
        adapter().read_notice(replace(raw, headers=headers))


def test_a_token_ends_after_an_hour_and_cannot_be_made_longer():
    gateway = adapter()
    text = token(gateway)
    _, end, nonce, seal = text.split("_")
    later = f"tsg_{int(end) + 3600}_{nonce}_{seal}"

    def use(bearer: str, at: datetime) -> Notice:
        raw = call(UPDATE, authorization=f"Bearer {bearer}")
        return gateway.read_notice(replace(raw, received_at=at))

    assert use(text, NOW + timedelta(seconds=3599)).refs
    with pytest.raises(NoticeNotAuthentic, match="expired"):
        use(text, NOW + timedelta(seconds=3601))
    with pytest.raises(NoticeNotAuthentic, match="not one of ours"):
        use(later, NOW)


@pytest.mark.parametrize("change", [{"client_secret": "another"}, {"client_id": "another"}])
def test_a_token_of_another_merchant_is_not_ours(change):
    theirs = token(adapter(**change), **change)

    with pytest.raises(NoticeNotAuthentic, match="not one of ours"):
        adapter().read_notice(call(UPDATE, authorization=f"Bearer {theirs}"))


@pytest.mark.parametrize(
    "headers",
    [{}, basic(secret="wrong"), basic(name="wrong"), basic("", ""), {"authorization": "Basic !"},
     {"authorization": "Basic é"}, {"authorization": "Bearer " + "a" * 20}],
)  # fmt: skip
def test_no_token_without_the_clients_secret(headers):
    raw = RawNotice(headers, b"grant_type=client_credentials", "", NOW)

    with pytest.raises(NoticeNotAuthentic):
        adapter().read_question("token", raw, NOW)


@pytest.mark.parametrize(
    "body", [b"", b"grant_type=password", b"grant_type", b"\xff", b"&".join([b"a=1"] * 11), b"{}"]
)
def test_another_grant_is_a_bad_request(body):
    with pytest.raises(Invalid, match="grant_type"):
        adapter().read_question("token", RawNotice(basic(), body, "", NOW), NOW)


@pytest.mark.parametrize("change", [{"subinstId": "002"}, {"serviceid": "003"}])
def test_an_update_for_another_service_is_not_authentic(change):
    with pytest.raises(NoticeNotAuthentic, match="another institution or service"):
        read({**UPDATE, **change})


@pytest.mark.parametrize(
    "missing", ["client_id", "client_secret", "subinst_id", "service_id", "transaction_key"]
)
def test_a_missing_secret_refuses_to_start(missing):
    with pytest.raises(NotConfigured):
        adapter(**{missing: () if missing == "transaction_key" else ""})
    with pytest.raises(NotConfigured):
        adapter(transaction_key=("k", ""))


# Questions


@pytest.mark.parametrize(
    "data",
    [
        [], [{"seq": "1", "paramName": "amount", "value": "1"}], UPDATE["data"],
        [{"seq": "1", "paramName": "refNo", "value": "TS 1"}],
        [{"seq": "1", "paramName": "refNo", "value": None}],
    ],
)  # fmt: skip
def test_a_presentment_has_exactly_the_reference(data):
    status, _ = ask({**PRESENTMENT, "data": data})

    assert status == 400


def test_the_reference_that_was_typed_is_shown_also_where_a_newer_one_is_there():
    gateway = adapter()
    question = gateway.read_question("presentment", call(PRESENTMENT), NOW)

    answer = gateway.answer_question(question, replace(OFFER, our_ref="TSNEWER00000"))

    shown = json.loads(answer.body)["presentmentData"][0]
    assert shown["initialValue"] == question.ref == "TNSWPYRMTWMY"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("x"), 404, "invalid_reference"), (Conflict("x"), 409, "not_payable"),
        (TooLarge("x"), 400, "bad_request"), (NotConfigured("x"), 500, "configuration_error"),
        (DatabaseUnavailable("x"), 500, "temporarily_unavailable"),
    ],
)  # fmt: skip
def test_every_refusal_has_a_code_that_govpay_knows(error: HubError, status, code):
    answer = adapter().refuse(error)

    assert (answer.status, json.loads(answer.body)["error"]) == (status, code)


def test_nobody_else_can_be_asked():
    with pytest.raises(NotFound):
        adapter().read_question("dance", call(PRESENTMENT), NOW)


async def test_there_is_nothing_to_ask_or_to_cancel(hub):
    attempt = await hub.open(adapter(), DUE)

    with pytest.raises(GatewayUnavailable, match="no API to ask"):
        await adapter().fetch_verdict(attempt)
    with pytest.raises(GatewayRefused):
        await adapter().cancel(attempt, "no")
    with pytest.raises(GatewayRefused):
        await hub.open(adapter(), Money(1, "USD"))


def test_a_reference_fits_into_a_bank_app():
    ref = adapter().new_ref(NOW)

    assert len(ref) == 12
    assert ref.startswith("TS")
    assert ref.isalnum()
    assert ref == ref.upper()


# The older callback, and the inquiry


CALLBACK: Mapping[str, Any] = {
    "reference_number": "TNSWPYRMTWMY", "session_id": "s-1", "gateway_transaction_id": "GW-7",
    "status": "SUCCESS", "amount": 1500.00, "currency": "LKR", "payment_method": "CC",
    "timestamp": "2026-11-20T09:00:00Z", "metadata": {"task_id": "t"},
}  # fmt: skip


def test_the_older_callback_is_the_same_payment():
    gateway = adapter()

    notice = gateway.read_notice(call(CALLBACK))

    [credit] = notice.credits
    assert (notice.refs, credit.money, credit.transaction_id) == (("TNSWPYRMTWMY",), DUE, "GW-7")
    assert json.loads(gateway.acknowledge(notice, OFFER).body) == {"status": "accepted"}
    with pytest.raises(NoticeNotAuthentic):
        gateway.read_notice(call(CALLBACK, transactionkey="wrong"))
    with pytest.raises(Invalid):
        gateway.read_notice(call({**CALLBACK, "gateway_transaction_id": None}))


def test_the_inquiry_needs_its_key_and_tells_how_it_stands():
    gateway = adapter()

    told = json.loads(gateway.inquiry(replace(OFFER, payable=False, paid=True)).body)

    assert gateway.may_inquire("inquiry-1")
    assert not gateway.may_inquire("inquiry-2")
    assert not adapter(inquiry_key="").may_inquire("")
    assert (told["amount"], told["currency"], told["isPaid"]) == ("1500.00", "LKR", True)
    assert gateway.inquiry(None).status == 404


# The simulator


class TestAtTheSimulator:
    """GovPay+ calls over HTTP."""

    @pytest.fixture
    def gateway(self, hub) -> GovPay:
        """The adapter as in the suite."""
        hub.gateways["govpay"] = adapter()
        return hub.gateways["govpay"]

    @pytest.mark.parametrize("seed", range(6))
    async def test_however_it_is_spelled_it_is_the_same_payment(self, hub, gateway, seed):
        attempt = await hub.open(gateway, DUE)

        played = await hub.simulators.act("govpay", attempt.our_ref, "pay", seed=seed)

        [raw] = hub.heard
        [credit] = gateway.read_notice(raw).credits
        assert (credit.money, credit.transaction_id) == (DUE, played["transfers"][0]["reference"])
        assert played["deliveries"][0]["status"] == 200

    async def test_one_cent_less_is_seen(self, hub, gateway):
        attempt = await hub.open(gateway, DUE)

        played = await hub.simulators.act("govpay", attempt.our_ref, "underpay", amount=149_999)

        assert gateway.read_notice(hub.heard[0]).credits[0].minor == 149_999
        assert played["deliveries"][0]["status"] == 422

    async def test_a_decline_brings_no_money(self, hub, gateway):
        attempt = await hub.open(gateway, DUE)

        await hub.simulators.act("govpay", attempt.our_ref, "decline")

        notice = gateway.read_notice(hub.heard[0])
        assert (notice.claim, notice.credits) == (Claim.FAILED, ())

    async def test_an_update_for_another_service_is_refused(self, hub, gateway, wire):
        attempt = await hub.open(gateway, DUE)
        await hub.simulators.act("govpay", attempt.our_ref, "cancel")
        url = f"{hub.url}/_sim/govpay/switch/wrong_subinst?on=1"
        await wire.send("POST", url, headers={})

        played = await hub.simulators.act("govpay", attempt.our_ref, "pay")

        assert played["deliveries"][0]["status"] == 401

    async def test_an_expired_token_is_refused_until_there_is_a_new_one(self, hub, gateway, wire):
        attempt = await hub.open(gateway, DUE)
        await hub.simulators.act("govpay", attempt.our_ref, "cancel")
        switch = f"{hub.url}/_sim/govpay/switch/old_token"
        await wire.send("POST", f"{switch}?on=1", headers={})
        hub.simulators.clock.advance(3601)

        played = await hub.simulators.act("govpay", attempt.our_ref, "pay")
        await wire.send("POST", switch, headers={})
        hub.simulators.clock.advance(10)
        await hub.simulators.deliver_due(hub.simulators.clock.now())

        assert played["deliveries"][0]["status"] == 401
        assert gateway.read_notice(hub.heard[-1]).credits[0].money == DUE

    async def test_an_unknown_reference_is_not_shown(self, hub, gateway):
        with pytest.raises(NotFound, match="invalid_reference"):
            await hub.simulators.act("govpay", "TSAAAAAAAAAA", "pay")

    async def test_what_is_over_is_not_payable(self, hub, gateway):
        attempt = await hub.open(gateway, DUE)
        hub.simulators.clock.advance(3600)

        with pytest.raises(Conflict, match="not_payable"):
            await hub.simulators.act("govpay", attempt.our_ref, "pay")

    async def test_who_was_shown_it_in_time_can_pay_late(self, hub, gateway):
        attempt = await hub.open(gateway, DUE)
        await hub.simulators.act("govpay", attempt.our_ref, "cancel")
        hub.simulators.clock.advance(7200)

        played = await hub.simulators.act("govpay", attempt.our_ref, "pay_late")

        assert played["deliveries"][0]["status"] == 200

    async def test_a_payer_types_the_reference_and_pays(self, hub, gateway, wire):
        attempt = await hub.open(gateway, DUE)
        bank = f"{hub.url}/_sim/govpay/bank"

        empty = await wire.send("GET", bank, headers={})
        typed = f"reference={attempt.our_ref.lower()}".encode()
        shown = await wire.send("POST", bank, headers={}, body=typed)
        page = await wire.send("GET", shown.headers["Location"], headers={})
        paid = await wire.send("POST", shown.headers["Location"], headers={}, body=b"act=pay")
        wrong = await wire.send("POST", bank, headers={}, body=b"reference=%3Cb%3E")

        assert (empty.status, shown.status, page.status, paid.status) == (200, 303, 200, 303)
        assert b"1500.00 LKR" in page.body
        assert gateway.read_notice(hub.heard[0]).credits[0].money == DUE
        assert (wrong.status, b"<b>" in wrong.body) == (404, False)

    async def test_a_wrong_secret_gets_no_token(self, hub):
        hub.gateways["govpay"] = adapter(client_secret="another")
        attempt = await hub.open(hub.gateways["govpay"], DUE)

        with pytest.raises(ConnectionError, match="no token"):
            await hub.simulators.act("govpay", attempt.our_ref, "pay")

    async def test_no_call_to_govpay_can_go_wrong(self, hub, gateway):
        attempt = await hub.open(gateway, DUE)

        with pytest.raises(Conflict, match="Nobody calls"):
            await hub.simulators.act("govpay", attempt.our_ref, "hang")
