"""SePay's payment gateway: the form's signature, notices that prove little, and its simulator."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tallystick.domain.errors import (
    GatewayUnreachable,
    Invalid,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money
from tallystick.gateways.base import AttemptRef, Gateway, Notice, RawNotice, Reply, Wire
from tallystick.gateways.sepay_pg import SePayPG, SePayPGAccount, form_signature
from tallystick.sandbox.simulators.sepay_pg import SePayPGKeys, sepay_pg
from tests.gateways.conformance import GARBAGE, NOW, CannedWire, GatewayConformance
from tests.gateways.hub_with_browser import OwnSimulatorConformance, hub_with_browser

# From the official sepay-pg-node; the fields are in the order of the form.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "sepay_pg.json").read_text())
KEYS = SePayPGKeys("SP-TEST-HUB01", "spsk_test_1")
NOWHERE = CannedWire(Reply(500, b""))
ATTEMPT = AttemptRef("att_1", "INV-1", None, Money(50_000, "VND"), NOW)
TRANSACTION: dict[str, Any] = {
    "id": "tr-1", "payment_method": "BANK_TRANSFER", "transaction_type": "PAYMENT",
    "transaction_amount": "50000", "transaction_currency": "VND",
    "transaction_status": "APPROVED", "transaction_date": "2026-11-20 09:15:07",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": "o-1", "order_id": "ORD-1", "order_invoice_number": "INV-1",
    "order_status": "CAPTURED", "order_amount": "50000.00", "order_currency": "VND",
    "order_description": "Tea", "created_at": "2026-11-20 09:00:00",
    "updated_at": "2026-11-20 09:15:07",
}  # fmt: skip
IPN: dict[str, Any] = {
    "timestamp": 1795140907, "notification_type": "ORDER_PAID", "order": ORDER,
    "transaction": {**TRANSACTION, "transaction_id": "tr-1"}, "customer": None, "agreement": None,
}  # fmt: skip


def settings(url: str = "http://127.0.0.1:9", **more: Any) -> SePayPGAccount:
    """The test merchant, at the simulator."""
    here = f"{url}/_sim/sepay_pg"
    return SePayPGAccount(**{
        "merchant_id": KEYS.merchant_id, "secret_keys": (KEYS.secret_key,),
        "base_url": f"{here}/v1",
        "checkout_url": f"{here}/v1/checkout/init", **more,
    })  # fmt: skip


class TestSePayPG(OwnSimulatorConformance, GatewayConformance):
    """The suite; the payer's browser makes the order, and a notice is proven by a key alone."""

    name = "sepay_pg"
    secret = KEYS.secret_key
    simulator = sepay_pg(KEYS)
    lacks = frozenset({"creates", "signs"})
    gives = ("checkout_url",)

    leaves_out = frozenset(
        {
            # An order has no deadline at SePay.
            "test_money_after_expiry_is_told_in_notice_and_books",
            # Sending the payer there asks nobody, so only questions can be answered with nonsense.
            "test_a_senseless_answer_is_no_answer",
        }
    )

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return SePayPG(settings(url, secret_keys=secrets), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return SePayPG(settings(url, secret_keys=("wrong",)), wire)

    def calls(self, gateway, order, attempt):
        """Sending the payer there asks nobody."""
        yield gateway.fetch_verdict(attempt)
        yield gateway.cancel(attempt, "why not")

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "x-secret-key"}
        if signature is not None:
            headers["x-secret-key"] = signature
        return replace(raw, headers=headers)

    def senseless(self) -> RawNotice:
        return RawNotice({"x-secret-key": self.secret}, b'{"order":null}', "", NOW)

    async def test_the_browsers_form_opens_the_page_once(self, hub, gateway):
        order = hub.order(gateway, self.amount)
        form = gateway.checkout_form(order)
        other = gateway.checkout_form(replace(order, amount=Money(1, "VND")))

        async def post(fields):
            body = urlencode(fields).encode()
            return await hub.browser.send("POST", form.action, headers={}, body=body)

        opened, reloaded = [await post(form.fields) for _ in range(2)]
        taken = await post(other.fields)
        turned = await post(dict(reversed(form.fields.items())))

        [kept] = hub.simulators.book(self.name).orders
        assert opened.status == reloaded.status == 303
        assert opened.headers["Location"] == reloaded.headers["Location"]
        assert (kept.ref, kept.amount) == (order.our_ref, 50_000)
        assert (taken.status, turned.status) == (400, 400)
        assert b"signature is wrong" in turned.body

    async def test_money_after_a_cancel_is_told_in_notice_and_books(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await gateway.cancel(attempt, "changed their mind")

        await hub.simulators.act(self.name, attempt.our_ref, "pay_late")

        verdict = await gateway.fetch_verdict(attempt)
        assert [credit.money for credit in verdict.credits] == [self.amount]
        assert gateway.read_notice(hub.heard[0]).credits[0].money == self.amount


async def test_notices_without_a_key_only_say_where_to_look(tmp_path, wire):
    async with hub_with_browser(tmp_path, [sepay_pg(replace(KEYS, keyed=False))]) as hub:
        gateway = SePayPG(settings(hub.url, keyed_notices=False), wire)
        hub.gateways["sepay_pg"] = gateway
        attempt = await hub.open(gateway, Money(50_000, "VND"))

        await hub.simulators.act("sepay_pg", attempt.our_ref, "forge_webhook")

        assert attempt.our_ref in gateway.read_notice(hub.heard[0]).refs
        assert (await gateway.fetch_verdict(attempt)).credits == ()
        with pytest.raises(NoticeNotAuthentic):
            SePayPG(settings(hub.url), wire).read_notice(hub.heard[0])


# Forms


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_our_signature_is_the_official_one(vector):
    assert form_signature(vector["fields"], vector["secret"]) == vector["signature"]


async def test_the_form_has_the_order_that_is_signed_and_nothing_ambiguous():
    gateway = SePayPG(settings(payment_method="CARD"), NOWHERE)
    order, _ = TestSePayPG().wish(gateway)
    order = replace(
        order, description="Trà, 2 = hai\nly", cancel_url="https://shop.example/?a=1,b=2"
    )

    form = gateway.checkout_form(order)

    assert list(form.fields) == [
        "merchant", "operation", "payment_method", "order_amount", "currency",
        "order_invoice_number", "order_description", "success_url", "error_url", "cancel_url",
        "signature",
    ]  # fmt: skip
    assert form.fields["order_description"] == f"{order.memo} Trà 2 hai ly"
    assert not any("," in value for value in form.fields.values())
    assert form_signature(form.fields, KEYS.secret_key) == form.fields["signature"]


# Notices


def read(event: Any, key: str | None = KEYS.secret_key, **more: Any) -> Notice:
    """What the adapter makes of a notice with this key in its header."""
    headers = {} if key is None else {"x-secret-key": key}
    raw = RawNotice(headers, json.dumps(event).encode(), "", NOW)
    return SePayPG(settings(**more), NOWHERE).read_notice(raw)


def test_a_notice_names_its_order_and_its_transaction():
    notice = read(IPN)

    [credit] = notice.credits
    assert (notice.event_id, notice.refs) == ("ORDER_PAID:INV-1:tr-1", ("INV-1",))
    assert credit.name == ("sepay_pg", "SP-TEST-HUB01", "tr-1")
    assert credit.money == Money(50_000, "VND")
    assert credit.at == datetime(2026, 11, 20, 2, 15, 7, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["RENEWAL_ORDER_PAID", "TRANSACTION_VOID"])
def test_other_news_bring_no_money(kind):
    notice = read({**IPN, "notification_type": kind})

    assert (notice.refs, notice.credits) == (("INV-1",), ())


def test_a_wrong_key_is_refused_also_where_none_is_needed():
    with pytest.raises(NoticeNotAuthentic):
        read(IPN, "wrong", keyed_notices=False)
    assert read(IPN, None, keyed_notices=False).refs


@pytest.mark.parametrize(
    "wrong",
    [{"order": None}, {"transaction": []}, {"notification_type": ""},
     {"order": {**ORDER, "order_invoice_number": None}},
     {"transaction": {**TRANSACTION, "transaction_amount": "50000.50"}},
     {"transaction": {**TRANSACTION, "transaction_amount": 50000}},
     {"transaction": {**TRANSACTION, "transaction_currency": "USD"}},
     {"transaction": {**TRANSACTION, "id": None}}],
)  # fmt: skip
def test_a_notice_that_makes_no_sense_is_invalid_or_nobodys(wrong):
    with pytest.raises(Invalid, match="makes no sense"):
        read({**IPN, **wrong})
    with pytest.raises(NoticeNotAuthentic):
        read({**IPN, **wrong}, None, keyed_notices=False)


# Answers


def canned(order: dict[str, Any], *rows: dict[str, Any]) -> SePayPG:
    """The adapter, at a SePay that has this order."""
    body = json.dumps({"data": {**order, "transactions": rows}}).encode()
    return SePayPG(settings(), CannedWire(Reply(200, body)))


@pytest.mark.parametrize(
    ("status", "claim"),
    [("CAPTURED", Claim.SUCCEEDED), ("AUTHENTICATION_NOT_NEEDED", Claim.PENDING),
     ("CANCELLED", Claim.CANCELED), ("ON_THE_MOON", Claim.PENDING)],
)  # fmt: skip
async def test_the_words_of_sepay_are_translated(status, claim):
    verdict = await canned({**ORDER, "order_status": status}).fetch_verdict(ATTEMPT)

    assert (verdict.claim, verdict.credits) == (claim, ())


@pytest.mark.parametrize(
    "change",
    [{"transaction_status": "DECLINED"}, {"transaction_type": "REFUND"},
     {"transaction_amount": "0"}],
)  # fmt: skip
async def test_rows_that_brought_no_money_are_no_credits(change):
    assert (await canned(ORDER, {**TRANSACTION, **change}).fetch_verdict(ATTEMPT)).credits == ()


async def test_a_row_without_a_time_bears_the_orders():
    row = {name: value for name, value in TRANSACTION.items() if name != "transaction_date"}

    [credit] = (await canned(ORDER, row, row).fetch_verdict(ATTEMPT)).credits

    assert credit.at == datetime(2026, 11, 20, 2, 15, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "lie",
    [{"order_invoice_number": "INV-2"}, {"order_amount": "50001.00"}, {"order_amount": 50000},
     {"order_currency": "USD"}, {"order_status": None}, {"order_amount": "5e4"}],
)  # fmt: skip
async def test_an_answer_that_makes_no_sense_is_no_answer(lie):
    with pytest.raises(GatewayUnreachable):
        await canned({**ORDER, **lie}, TRANSACTION).fetch_verdict(ATTEMPT)


async def test_one_name_for_two_amounts_is_no_answer():
    with pytest.raises(GatewayUnreachable, match="two things"):
        await canned(ORDER, TRANSACTION, {**TRANSACTION, "transaction_amount": "1"}).fetch_verdict(
            ATTEMPT
        )


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_no_answer(body):
    for status in (200, 201, 302, 404, 429, 500, 503):
        gateway = SePayPG(settings(), CannedWire(Reply(status, body)))

        with pytest.raises(GatewayUnreachable):
            await gateway.fetch_verdict(ATTEMPT)


# Settings


@pytest.mark.parametrize(
    "wrong", [{"merchant_id": ""}, {"secret_keys": ()}, {"secret_keys": ("",)},
              {"secret_keys": ("k", "")}],
)  # fmt: skip
def test_a_missing_secret_refuses_to_start(wrong):
    with pytest.raises(NotConfigured):
        SePayPG(settings(**wrong), NOWHERE)


@pytest.mark.parametrize("ref", ["", "a/b", "../x", "x" * 101, "a b", "é"])
async def test_only_invoice_numbers_are_asked_about(ref):
    with pytest.raises(Invalid):
        await canned(ORDER).fetch_verdict(replace(ATTEMPT, our_ref=ref))
