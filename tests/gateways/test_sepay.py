"""The SePay gateway: its vectors, its two ways to prove a notice, and its simulator."""

import json
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
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.money import Money
from tallystick.domain.vietqr import VietQR
from tallystick.gateways.abilities import AccountPage
from tallystick.gateways.base import AttemptRef, Gateway, Notice, RawNotice, Reply, Wire
from tallystick.gateways.sepay import SePay, SePayAccount, notice_signature
from tallystick.sandbox.simulators.sepay import SePayKeys, outgoing, sealed, sepay
from tests.gateways.conformance import GARBAGE, NOW, CannedWire, GatewayConformance
from tests.gateways.hub_with_browser import OwnSimulatorConformance, hub_with_browser

# Computed with the documented formula; there is no official SDK to compare with.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "sepay.json").read_text())
KEYS = SePayKeys("token-1", "sepay_whsec_1", calls_per_s=1000)
SECRET = "sepay_whsec_7pLk29"
NOWHERE = CannedWire(Reply(500, b""))
# The sample of the docs, with a code of ours in it.
WEBHOOK: dict[str, Any] = {
    "id": 1500001, "gateway": "MBBank", "transactionDate": "2026-11-20 09:15:07",
    "accountNumber": "0123456789", "code": "TS7K2M9QX",
    "content": "MBVCB.9911.TS7K2M9QX.CT tu 0451 TRAN THI BINH", "transferType": "in",
    "transferAmount": 150000, "accumulated": 0, "subAccount": "VQRQABCDE1234",
    "referenceCode": "FT26324123456789",
    "description": "BankAPINotify MBVCB.9911.TS7K2M9QX.CT tu 0451 TRAN THI BINH",
}  # fmt: skip
ROW: dict[str, Any] = {
    "id": "07ad3dc9-0000-4000-8000-0afffe87053b", "transaction_date": "2026-11-20 16:15:07",
    "account_number": "0123456789", "va": "", "transfer_type": "in", "amount_in": 150000,
    "amount_out": 0, "accumulated": 0, "transaction_content": "TS7K2M9QX CT tu 0451",
    "reference_number": "FT26324123456789", "code": "TS7K2M9QX", "bank_brand_name": "MBBank",
    "bank_account_id": "d6719d04-0000-4000-8000-a6006ab65aca", "va_id": None, "webhook_success": 1,
}  # fmt: skip
ATTEMPT = AttemptRef("att_1", "TS7K2M9QX", None, Money(150_000, "VND"), NOW)


class TestSePay(OwnSimulatorConformance, GatewayConformance):
    """The suite, in HMAC mode with an API token."""

    name = "sepay"
    secret = KEYS.webhook_secret
    simulator = sepay(KEYS)

    # Nothing is made at SePay, and nothing can be taken back; a reference is drawn by chance.
    lacks = frozenset({"cancels", "creates", "grows"})
    leaves_out = frozenset(
        {
            # A bank account is always known, and has no deadline.
            "test_an_offer_that_never_arrived_is_not_known",
            "test_money_after_expiry_is_told_in_notice_and_books",
            # 200 and nothing at all is how the old API rejects a token.
            "test_a_senseless_answer_is_no_answer",
        }
    )

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return SePay(self.settings(url, secrets), wire)

    def settings(self, url: str, secrets: tuple[str, ...]) -> SePayAccount:
        return SePayAccount(
            KEYS.account_number, KEYS.bank_bin, "TALLYSTICK DEMO", secrets,
            api_token=KEYS.api_token, base_url=f"{url}/_sim/sepay/v2",
            page_url=f"{url}/_sim/sepay/bank",
        )  # fmt: skip

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return SePay(replace(self.settings(url, ("k",)), api_token="wrong"), wire)

    def calls(self, gateway, order, attempt):
        """Drawing a code asks nobody, so that it cannot fail for want of an answer."""
        yield gateway.fetch_verdict(attempt)

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "x-sepay-signature"}
        if signature is not None:
            headers["x-sepay-signature"] = signature
        return replace(raw, headers=headers)

    def senseless(self) -> RawNotice:
        stamp, body = str(int(NOW.timestamp())), json.dumps({**WEBHOOK, "id": "7"}).encode()
        signature = notice_signature(stamp, body, self.secret)
        headers = {"x-sepay-timestamp": stamp, "x-sepay-signature": signature}
        return RawNotice(headers, body, "", NOW)

    def test_it_takes_what_an_instant_transfer_takes(self, hub, gateway):
        capabilities = gateway.capabilities

        assert not capabilities.takes(Money(500_000_000, "VND"))
        assert not capabilities.takes(Money(50_000, "LKR"))
        assert capabilities.refunds == "manual"
        assert capabilities.listens_for == timedelta(days=30)

    async def test_the_payer_gets_an_account_and_a_code_that_banks_can_read(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        checkout = await gateway.open_checkout(order)

        qr = VietQR.parse(checkout.qr_code)
        assert (qr.bank_bin, qr.account) == (checkout.bank_bin, checkout.account_number)
        assert (qr.amount, qr.memo) == (50_000, order.our_ref)
        assert checkout.transfer_content == order.our_ref
        assert checkout.bank_name == "Vietcombank"
        assert checkout == await gateway.open_checkout(order)

    async def test_nobody_is_asked_to_draw_a_code(self):
        gateway = self.build("http://127.0.0.1:9", NOWHERE, "k")
        order, _ = self.wish(gateway)

        assert (await gateway.open_checkout(order)).qr_code

    async def test_an_account_is_always_known(self, hub, gateway):
        attempt = hub.attempt(hub.order(gateway, self.amount))

        verdict = await gateway.fetch_verdict(attempt)

        assert verdict.known
        assert verdict.credits == ()
        assert verdict.checkout.transfer_content == attempt.our_ref

    async def test_money_a_month_later_is_told_in_notice_and_books(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        hub.simulators.clock.advance(29 * 86_400)
        before = await gateway.fetch_verdict(attempt)

        await hub.simulators.act(self.name, attempt.our_ref, "pay_late")

        after = await gateway.fetch_verdict(attempt)
        assert (before.claim, before.credits) == (Claim.PENDING, ())
        assert [credit.money for credit in after.credits] == [self.amount]
        assert gateway.read_notice(hub.heard[0]).credits[0].money == self.amount

    async def test_the_account_cannot_be_taken_back(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        with pytest.raises(GatewayRefused):
            await gateway.cancel(attempt, "changed their mind")

    async def test_a_rejected_token_is_ours_to_mend(self, hub, wire):
        settings = self.settings(hub.url, ("k",))
        base_url = f"{hub.url}/_sim/sepay/userapi/transactions/list?"

        for wrong in (
            replace(settings, api_token="x"),
            replace(settings, api_token="x", base_url=base_url),
        ):
            with pytest.raises(GatewayUnavailable) as rejected:
                await SePay(wrong, wire).fetch_verdict(ATTEMPT)
            assert not isinstance(rejected.value, GatewayUnreachable)

    @pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
    async def test_a_senseless_answer_is_unreachable(self, body):
        # 200 and nothing at all is how the old API rejects a token.
        for status in (200, 201, 302, 404, 429, 500, 503) if body else (201, 404, 500):
            gateway = self.build("http://127.0.0.1:9", CannedWire(Reply(status, body)), "k")

            with pytest.raises(GatewayUnreachable):
                await gateway.fetch_verdict(ATTEMPT)

    async def test_a_mangled_memo_is_found_in_notice_and_books(self, hub, gateway):
        for seed in range(12):
            attempt = await hub.open(gateway, self.amount)
            await hub.simulators.act(self.name, attempt.our_ref, "mangle_memo", seed=seed)

            assert attempt.our_ref in gateway.read_notice(hub.heard[-1]).refs
            verdict = await gateway.fetch_verdict(attempt)
            assert [credit.money for credit in verdict.credits] == [self.amount]

    async def test_another_payments_transfer_is_not_counted(self, hub, gateway):
        paid, other = [await hub.open(gateway, self.amount) for _ in range(2)]
        await hub.simulators.act(self.name, paid.our_ref, "pay")

        assert (await gateway.fetch_verdict(other)).credits == ()

    async def test_a_notice_that_is_not_taken_comes_again_after_fibonacci_minutes(
        self, hub, gateway
    ):
        attempt = await hub.open(gateway, self.amount)
        hub.answers.extend([500] * 7)
        played = await hub.simulators.act(self.name, attempt.our_ref, "pay")

        waits = []
        while due := hub.simulators.next_due():
            waits.append((due - hub.simulators.clock.now()).total_seconds())
            hub.simulators.clock.advance(waits[-1] + 0.001)
            await hub.simulators.deliver_due(hub.simulators.clock.now())

        assert played["deliveries"][0]["status"] == 500
        assert [round(wait / 60) for wait in waits] == [1, 1, 2, 3, 5, 8, 13]
        assert len({gateway.read_notice(raw).event_id for raw in hub.heard}) == 1

    async def test_notice_ids_are_numbers_and_do_not_join_with_those_of_the_api(
        self, hub, gateway, wire
    ):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        reply = await wire.send(
            "GET", f"{hub.url}/_sim/sepay/v2/transactions",
            headers={"Authorization": f"Bearer {KEYS.api_token}"},
        )  # fmt: skip

        [row] = json.loads(reply.body)["data"]
        told = json.loads(hub.heard[0].body)
        assert type(told["id"]) is int
        assert row["id"].count("-") == 4
        assert row["reference_number"] == told["referenceCode"]

    async def test_a_second_transfer_whose_code_the_bank_split_is_found_too(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        told = attempt.our_ref
        for seed in range(100):
            played = await hub.simulators.act(self.name, attempt.our_ref, "mangle_memo", seed=seed)
            told = played["transfers"][0]["content"].upper()
            if attempt.our_ref not in told:
                break

        verdict = await gateway.fetch_verdict(attempt)

        assert attempt.our_ref not in told
        assert len(verdict.credits) == seed + 2

    async def test_the_account_is_read_to_its_end_with_every_code(self, hub, gateway):
        attempts = [await hub.open(gateway, self.amount) for _ in range(3)]
        for attempt in attempts:
            await hub.simulators.act(self.name, attempt.our_ref, "pay")
        since = hub.simulators.clock.now() - timedelta(hours=1)

        page = await gateway.read_account("", since)

        assert {ref for one in page.credits for ref in one.refs} >= {a.our_ref for a in attempts}
        assert (len(page.credits), page.more) == (3, False)
        later = await gateway.read_account("", hub.simulators.clock.now() + timedelta(hours=1))
        assert later.credits == ()

    async def test_reading_goes_on_behind_the_mark_until_everything_is_read(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "strangers", times=330, seed=3)
        since = hub.simulators.clock.now() - timedelta(hours=1)

        pages: list[AccountPage] = []
        mark = ""
        while not pages or pages[-1].more:
            pages.append(await gateway.read_account(mark, since))
            mark = pages[-1].mark
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        last = await gateway.read_account(mark, since)

        read = [one.name for page in pages for one in page.credits]
        assert len(set(read)) == 330
        assert len(pages) == 4
        assert len(last.credits) == 21
        assert last.credits[-1].money == self.amount

    async def test_a_line_that_is_gone_does_not_stop_the_reading(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "strangers", times=40, seed=3)
        since = hub.simulators.clock.now() - timedelta(hours=1)
        mark = (await gateway.read_account("", since)).mark

        gone = f"00000000-0000-4000-8000-000000000000 {mark.split()[1]} 1"
        page = await gateway.read_account(gone, since)

        assert len(page.credits) >= 20

    async def test_odd_lines_stop_nothing_but_themselves(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "odd_lines", seed=1)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        since = hub.simulators.clock.now() - timedelta(hours=1)

        page = await gateway.read_account("", since)

        assert [one.minor for one in page.credits] == [1_234, 1_234, 50_000]
        assert any(one.transaction_id.startswith("unnamed-") for one in page.credits)
        [odd] = page.unread
        assert "adjustment" in odd.why
        assert json.loads(odd.raw)["transfer_type"] == "adjustment"


async def test_the_user_api_takes_three_calls_a_second(tmp_path, wire):
    async with hub_with_browser(tmp_path, [sepay(replace(KEYS, calls_per_s=3))]) as hub:
        settings = TestSePay().settings(hub.url, ("k",))
        gateway = SePay(settings, wire)
        # Each is two calls, because nothing is found.
        await gateway.fetch_verdict(ATTEMPT)
        with pytest.raises(GatewayUnreachable, match="429"):
            await gateway.fetch_verdict(ATTEMPT)

        hub.simulators.clock.advance(1.1)

        assert (await gateway.fetch_verdict(ATTEMPT)).known


@pytest.mark.parametrize("multipart", [False, True])
async def test_api_key_mode_and_forms_are_read_alike(tmp_path, wire, multipart):
    keys = replace(KEYS, api_key="s3cr3t", multipart=multipart)
    async with hub_with_browser(tmp_path, [sepay(keys)]) as hub:
        settings = TestSePay().settings(hub.url, ())
        gateway = SePay(replace(settings, webhook_api_keys=("s3cr3t",)), wire)
        hub.gateways["sepay"] = gateway
        attempt = await hub.open(gateway, Money(50_000, "VND"))

        await hub.simulators.act("sepay", attempt.our_ref, "forge_webhook")
        await hub.simulators.act("sepay", attempt.our_ref, "pay")

        forged, _, paid = hub.heard
        [credit] = gateway.read_notice(paid).credits
        assert credit.minor == 50_000
        assert paid.headers["content-type"].startswith("multipart" if multipart else "app")
        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(forged)


# Notices


def account(**more: Any) -> SePayAccount:
    """Settings in HMAC mode, without a token where nothing else is said."""
    return SePayAccount(**{
        "account_number": "0123456789", "bank_bin": "970422",
        "webhook_secrets": (SECRET,), **more,
    })  # fmt: skip


def read(event: Any, **more: Any) -> Notice:
    """What the adapter makes of a rightly signed webhook."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    stamp = str(int(NOW.timestamp()))
    headers = {
        "x-sepay-timestamp": stamp,
        "x-sepay-signature": notice_signature(stamp, body, SECRET),
    }
    return SePay(account(**more), NOWHERE).read_notice(RawNotice(headers, body, "", NOW))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_the_vectors_are_authentic_within_five_minutes_both_ways(vector):
    stamp, body = vector["timestamp"], vector["raw_body"].encode()
    headers = {"x-sepay-timestamp": stamp, "x-sepay-signature": vector["signature"]}
    gateway = SePay(account(webhook_secrets=("next", vector["secret"])), NOWHERE)
    sent = datetime.fromtimestamp(int(stamp), UTC)

    for drift in (-300, 0, 300):
        at = sent + timedelta(seconds=drift)
        assert gateway.read_notice(RawNotice(headers, body, "", at)).event_id
    for drift in (-301, 301, 86_400):
        at = sent + timedelta(seconds=drift)
        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(RawNotice(headers, body, "", at))
    later = {**headers, "x-sepay-timestamp": str(int(stamp) + 1)}
    with pytest.raises(NoticeNotAuthentic):
        gateway.read_notice(RawNotice(later, body, "", sent))


@pytest.mark.parametrize(
    "stamp", ["", "0", "-1", "1e9", "１７９５１４０９０７", "9" * 13, " 1795140907"]
)
def test_a_time_that_is_none_is_not_authentic(stamp):
    signature = notice_signature(stamp, b"{}", SECRET)
    headers = {"x-sepay-timestamp": stamp, "x-sepay-signature": signature}

    with pytest.raises(NoticeNotAuthentic):
        SePay(account(), NOWHERE).read_notice(RawNotice(headers, b"{}", "", NOW))


@pytest.mark.parametrize(
    "header",
    ["ApiKey s3cr3t", "Bearer s3cr3t", "Apikey  s3cr3t", "apikey s3cr3t", "Apikey s3cr3t ", None,
     "Apikey", "Apikey s3cr3", "Apikey é", "s3cr3t", ""],
)  # fmt: skip
def test_an_api_key_is_told_in_one_way_only(header):
    settings = account(webhook_secrets=(), webhook_api_keys=("s3cr3t",), api_token="t")
    body = json.dumps(WEBHOOK).encode()

    with pytest.raises(NoticeNotAuthentic):
        SePay(settings, NOWHERE).read_notice(
            RawNotice({} if header is None else {"authorization": header}, body, "", NOW)
        )
    right = RawNotice({"authorization": "Apikey s3cr3t"}, body, "", NOW)
    assert SePay(settings, NOWHERE).read_notice(right).refs


def test_a_notice_is_about_one_transfer_and_names_its_codes():
    notice = read(WEBHOOK)

    [credit] = notice.credits
    assert (notice.event_id, notice.refs) == ("1500001", ("TS7K2M9QX",))
    assert notice.claim is Claim.PENDING
    assert notice.memo == WEBHOOK["content"]
    assert credit.name == ("sepay", "0123456789", "FT26324123456789")
    assert credit.money == Money(150_000, "VND")
    assert credit.at == datetime(2026, 11, 20, 2, 15, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [{"code": None}, {"code": ""}, {"code": None, "content": ""}, {"description": None},
     {"code": None, "content": "x", "description": "ts-7k2m 9qx"}],
)  # fmt: skip
def test_the_code_is_found_wherever_it_stands(change):
    assert read({**WEBHOOK, **change}).refs == ("TS7K2M9QX",)


@pytest.mark.parametrize(
    "change", [{"transferType": "out"}, {"accountNumber": "999"}, {"transferAmount": 0}]
)
def test_what_is_no_money_for_us_is_kept_and_about_no_payment(change):
    notice = read({**WEBHOOK, **change})

    assert (notice.event_id, notice.refs, notice.credits) == ("1500001", (), ())


def test_money_without_a_code_is_told_so_that_a_person_finds_its_owner():
    words = "IB LE NGOC TAI chuyen khoan"

    notice = read({**WEBHOOK, "code": None, "content": words, "description": ""})

    assert notice.refs == ()
    assert notice.memo == words
    assert [credit.minor for credit in notice.credits] == [150_000]


def test_an_outgoing_transfer_of_the_simulator_is_about_no_payment():
    gone = outgoing(replace(KEYS, webhook_secret=SECRET), 70_000, NOW)
    message = sealed(replace(KEYS, webhook_secret=SECRET), gone, NOW, rightly=True)
    headers = {name.lower(): value for name, value in message.headers.items()}
    gateway = SePay(account(account_number=KEYS.account_number), NOWHERE)

    notice = gateway.read_notice(RawNotice(headers, message.body, "", NOW))

    assert (notice.refs, notice.credits) == ((), ())
    assert gateway.acknowledge(notice).body == b'{"success":true}'


def test_a_transfer_without_a_bank_reference_is_named_by_its_facts():
    [credit] = read({**WEBHOOK, "referenceCode": ""}).credits

    assert credit.transaction_id.startswith("unnamed-")


@pytest.mark.parametrize(
    "wrong",
    [{"id": "7"}, {"id": True}, {"id": None}, {"transferAmount": "150000"},
     {"transferAmount": True}, {"transactionDate": "soon"}, {"content": None}, {"code": 7},
     {"transferType": None}, {"accountNumber": 123456789}],
)  # fmt: skip
def test_an_authentic_notice_that_makes_no_sense_is_invalid(wrong):
    with pytest.raises(Invalid, match="makes no sense"):
        read({**WEBHOOK, **wrong})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b'{"id":1,"id":2}', b'{"transferAmount":1.0}', b"[" * 99]
)
def test_an_authentic_body_that_is_no_object_is_invalid(body):
    with pytest.raises(Invalid, match="makes no sense"):
        read(body)


# Answers


def canned(*rows: object, has_more: bool = False) -> SePay:
    """The adapter, at an account with these transfers."""
    body = {"status": "success", "data": rows, "meta": {"pagination": {"has_more": has_more}}}
    reply = Reply(200, json.dumps(body).encode())
    return SePay(account(api_token="t"), CannedWire(reply))


async def test_a_line_that_is_listed_twice_counts_once():
    other = {**ROW, "id": "another", "reference_number": "FT2"}

    verdict = await canned(ROW, ROW, other).fetch_verdict(ATTEMPT)

    assert [credit.transaction_id for credit in verdict.credits] == ["FT26324123456789", "FT2"]
    assert verdict.claim is Claim.SUCCEEDED
    assert verdict.credits[0].at == datetime(2026, 11, 20, 9, 15, 7, tzinfo=UTC)


async def test_two_lines_with_one_reference_are_two_transfers():
    verdict = await canned(ROW, {**ROW, "id": "another", "amount_in": 1}).fetch_verdict(ATTEMPT)

    assert [credit.minor for credit in verdict.credits] == [150_000, 1]
    assert len({credit.row for credit in verdict.credits}) == 2


async def test_an_answer_is_cut_to_the_lines_of_the_payment():
    stranger = {**ROW, "id": "another", "transaction_content": "NGUYEN VAN A", "code": None}

    verdict = await canned(stranger, ROW).fetch_verdict(ATTEMPT)

    assert b"NGUYEN" not in verdict.raw
    assert json.loads(verdict.raw)["id"] == ROW["id"]


@pytest.mark.parametrize(
    "change",
    [{"transfer_type": "out"}, {"account_number": "999"}, {"amount_in": 0}, {"amount_in": -5},
     {"transaction_content": "TS7K2M9QY", "code": None}],
)  # fmt: skip
async def test_rows_that_are_not_for_the_payment_are_no_credits(change):
    assert (await canned({**ROW, **change}).fetch_verdict(ATTEMPT)).credits == ()


@pytest.mark.parametrize(
    "lie",
    [{"amount_in": "150000"}, {"amount_in": True}, {"transaction_date": "soon"},
     {"reference_number": 7}, {"account_number": None}, {"transfer_type": "reversal"},
     {"id": None}],
)  # fmt: skip
async def test_a_line_that_makes_no_sense_spoils_no_other(lie):
    gateway = canned({**ROW, "id": "odd", **lie}, ROW)

    page = await gateway.read_account("", NOW)

    assert [credit.row for credit in page.credits] == [f"list:{ROW['id']}"]
    assert len(page.unread) == 1
    assert len((await gateway.fetch_verdict(ATTEMPT)).credits) == 1


@pytest.mark.parametrize("lines", [[None], ["x"], [7], [[]]])
async def test_a_line_that_is_no_object_spoils_no_other(lines):
    page = await canned(*lines, ROW).read_account("", NOW)

    assert (len(page.credits), len(page.unread)) == (1, 1)


async def test_money_without_memo_or_reference_is_one_credit_by_notice_and_by_list():
    bare = {**ROW, "transaction_content": None, "reference_number": None, "code": None}
    told = {
        **WEBHOOK, "transactionDate": ROW["transaction_date"], "content": "", "code": None,
        "referenceCode": "",
    }  # fmt: skip

    [listed] = (await canned(bare).read_account("", NOW)).credits
    [noticed] = read(told).credits

    assert listed.name == noticed.name


# Settings


@pytest.mark.parametrize(
    "wrong",
    [{"webhook_secrets": ()}, {"webhook_secrets": ("",)}, {"webhook_secrets": ("k", "")},
     {"webhook_api_keys": ("",)}, {"bank_bin": "97"}, {"account_number": "0 1"},
     {"memo_words": "a very long memo in front"}],
)  # fmt: skip
def test_a_missing_secret_or_account_refuses_to_start(wrong):
    with pytest.raises(NotConfigured):
        SePay(account(**wrong), NOWHERE)


def test_an_api_key_alone_does_not_count_money():
    with pytest.raises(NotConfigured, match="API token"):
        SePay(account(webhook_secrets=(), webhook_api_keys=("k",)), NOWHERE)


def test_without_a_token_the_signed_notice_counts():
    assert SePay(account(), NOWHERE).capabilities.verifies is Trust.SIGNED
    assert not SePay(account(), NOWHERE).capabilities.asks


def test_references_are_memo_codes_that_differ():
    gateway = SePay(account(), NOWHERE)

    refs = {gateway.new_ref(NOW) for _ in range(2000)}

    assert len(refs) == 2000
    assert all(len(ref) == 9 and ref.startswith("TS") and ref.isalnum() for ref in refs)


async def test_a_bank_that_wants_words_in_the_memo_gets_them():
    gateway = SePay(account(memo_words="SEVQR"), NOWHERE)
    order, _ = TestSePay().wish(gateway)

    checkout = await gateway.open_checkout(order)

    assert checkout.transfer_content == f"SEVQR {order.our_ref}"
    assert VietQR.parse(checkout.qr_code or "").memo == checkout.transfer_content
    assert checkout.checkout_url is None
