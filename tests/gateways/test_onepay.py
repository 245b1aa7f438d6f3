"""The OnePay order API: asked about, compared, and never believed by a word that nobody knows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

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
from tallystick.domain.vietqr import VietQR
from tallystick.gateways.base import AttemptRef, Gateway, RawNotice, Reply, Wire
from tallystick.gateways.onepay import STATUSES, OnePay, OnePayAccount
from tallystick.sandbox.simulators.onepay import OnePayKeys, onepay
from tests.gateways.conformance import NOW, CannedWire, GatewayConformance
from tests.gateways.hub_with_browser import OwnSimulatorConformance

KEYS = OnePayKeys("client-1", "api-key-1")
NOWHERE = CannedWire(Reply(500, b""))
# What the one known user of this API reads of an order.
ORDER: dict[str, Any] = {"id": "ord-1", "status": "Paid", "amount": 150_000}
ATTEMPT = AttemptRef("att_1", "TS01ABCDEFGH0123456789ABCDEF", "ord-1", Money(150_000, "VND"), NOW)


class TestOnePay(OwnSimulatorConformance, GatewayConformance):
    """The suite, without what is about notices: none come."""

    name = "onepay"
    secret = "none"
    simulator = onepay(KEYS)
    lacks = frozenset({"cancels", "signs"})
    gives = ("qr_code", "account_number", "va_number", "checkout_url")

    leaves_out = frozenset(
        {
            "test_a_notice_names_its_payment_and_its_transfer",
            "test_a_notice_with_a_wrong_signature_is_refused",
            "test_a_notice_without_a_proper_signature_is_refused",
            "test_a_field_that_nobody_knows_is_accepted",
            "test_every_copy_of_a_notice_has_the_same_event_id",
            "test_two_transfers_have_two_event_ids_and_two_transaction_ids",
            "test_a_notice_about_an_unknown_payment_is_authentic_all_the_same",
            "test_both_secrets_are_valid_while_keys_are_rotated",
            "test_a_notice_and_the_books_name_a_transfer_alike",
            "test_an_authentic_notice_that_we_cannot_read_is_kept_and_thanked_for",
            "test_a_notice_that_was_proven_is_read_again_without_its_signature",
            "test_whatever_a_proven_notice_holds_it_is_read_or_senseless",
            # OnePay tells no transfers: a paid order is one credit, with the order's own name.
            "test_a_wrong_amount_can_be_seen",
            "test_the_credits_are_those_in_the_gateways_books",
            "test_money_after_expiry_is_told_in_notice_and_books",
        }
    )

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return OnePay(OnePayAccount(KEYS.client_id, KEYS.api_key, f"{url}/_sim/onepay"), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return OnePay(OnePayAccount(KEYS.client_id, "wrong", f"{url}/_sim/onepay"), wire)

    @pytest.mark.parametrize("acts", [["pay"], ["underpay", "pay"], ["lose_webhook"]])
    async def test_a_paid_order_is_one_credit(self, hub, gateway, acts):
        attempt = await hub.open(gateway, self.amount)

        for act in acts:
            await hub.simulators.act(self.name, attempt.our_ref, act)

        verdict = await gateway.fetch_verdict(attempt)
        [credit] = verdict.credits
        assert verdict.claim is Claim.SUCCEEDED
        assert credit.name == ("onepay", "client-1", attempt.provider_id)
        assert credit.minor == hub.simulators.book(self.name).total("VND") == 50_000

    async def test_a_part_of_the_money_is_seen_and_not_counted(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, "underpay", amount=1234)

        verdict = await gateway.fetch_verdict(attempt)
        assert (verdict.claim, verdict.credits) == (Claim.PROCESSING, ())

    @pytest.mark.parametrize("act", ["overpay", "pay_twice"])
    async def test_the_account_takes_no_more_than_is_due(self, hub, gateway, act):
        attempt = await hub.open(gateway, self.amount)

        with pytest.raises(Conflict, match="takes no more"):
            await hub.simulators.act(self.name, attempt.our_ref, act)

        assert hub.simulators.book(self.name).total("VND") == 0

    async def test_money_after_expiry_bears_its_own_time(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        hub.simulators.clock.advance(3600)
        before = await gateway.fetch_verdict(attempt)

        await hub.simulators.act(self.name, attempt.our_ref, "pay_late")

        [credit] = (await gateway.fetch_verdict(attempt)).credits
        assert (before.claim, before.credits) == (Claim.EXPIRED, ())
        assert credit.at - attempt.created_at > timedelta(minutes=59)

    async def test_the_order_lives_as_long_as_the_offer(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        await gateway.open_checkout(order)

        [kept] = hub.simulators.book(self.name).orders
        assert abs(kept.expires_at - order.expires_at) < timedelta(seconds=3)

    async def test_the_code_is_for_the_orders_own_account(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        checkout = await gateway.open_checkout(order)

        qr = VietQR.parse(checkout.qr_code)
        assert (qr.account, qr.amount) == (checkout.va_number, 50_000)

    async def test_a_refusal_carries_the_words_of_onepay(self, hub, gateway):
        order = replace(hub.order(gateway, self.amount), amount=Money(0, "VND"))

        with pytest.raises(GatewayRefused, match="amount must be a positive number"):
            await gateway.open_checkout(order)

    async def test_no_notice_ever_comes(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        played = await hub.simulators.act(self.name, attempt.our_ref, "repeat_webhook")

        assert (played["deliveries"], hub.heard) == ([], [])
        assert not gateway.capabilities.webhooks
        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(RawNotice({}, json.dumps(ORDER).encode(), "", NOW))


def canned(body: Any, status: int = 200, **more: Any) -> OnePay:
    """The adapter, at an API that gives one answer to everything."""
    account = OnePayAccount("client-1", "api-key-1", **more)
    return OnePay(account, CannedWire(Reply(status, json.dumps(body).encode())))


@pytest.mark.parametrize(
    ("word", "claim"),
    [
        ("Paid", Claim.SUCCEEDED), ("PAID", Claim.SUCCEEDED), ("completed", Claim.SUCCEEDED),
        ("Success", Claim.SUCCEEDED), ("Pending", Claim.PENDING), ("Unpaid", Claim.PENDING),
        ("Created", Claim.PENDING), ("Partially", Claim.PROCESSING),
        ("Cancelled", Claim.CANCELED), ("canceled", Claim.CANCELED), ("Expired", Claim.EXPIRED),
        ("Rejected", Claim.FAILED), ("", Claim.PENDING), ("paid?", Claim.PENDING),
    ],
)  # fmt: skip
async def test_the_words_are_translated_and_unknown_ones_change_nothing(word, claim):
    verdict = await canned({**ORDER, "status": word}).fetch_verdict(ATTEMPT)

    assert verdict.claim is claim
    assert bool(verdict.credits) is (claim is Claim.SUCCEEDED)


async def test_the_amount_is_the_one_that_onepay_names_and_not_ours():
    verdict = await canned({**ORDER, "amount": 1000}).fetch_verdict(ATTEMPT)

    assert [credit.minor for credit in verdict.credits] == [1000]
    assert verdict.claim is Claim.PENDING


async def test_money_without_a_time_bears_the_offers():
    [credit] = (await canned(ORDER).fetch_verdict(ATTEMPT)).credits

    assert credit.at == NOW


@pytest.mark.parametrize(
    "lie",
    [{"id": "another"}, {"id": None}, {"amount": "150000"}, {"amount": True}, {"amount": 1.5},
     {"amount": 0}, {"amount": -5}, {"status": None}, {"paid_at": "soon"}],
)  # fmt: skip
async def test_an_answer_that_makes_no_sense_is_no_answer(lie):
    with pytest.raises(GatewayUnreachable):
        await canned({**ORDER, **lie}).fetch_verdict(ATTEMPT)


async def test_an_answer_to_a_create_about_another_amount_is_no_answer():
    order, _ = TestOnePay().wish(canned(ORDER))

    with pytest.raises(GatewayUnreachable, match="another amount"):
        await canned({**ORDER, "amount": 1}, 201).open_checkout(order)


async def test_a_picture_is_no_code_to_draw():
    order, _ = TestOnePay().wish(canned(ORDER))
    told = {**ORDER, "amount": 50_000, "qr_code": "data:image/png;base64,AAAA", "va_number": "9630"}

    checkout = await canned(told, 201).open_checkout(order)

    assert (checkout.qr_code, checkout.va_number) == (None, "9630")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", 7])
async def test_an_address_that_is_none_is_no_answer(url):
    order, _ = TestOnePay().wish(canned(ORDER))

    with pytest.raises(GatewayUnreachable):
        await canned({**ORDER, "amount": 50_000, "checkout_url": url}, 201).open_checkout(order)


async def test_everything_that_is_guessed_can_be_set():
    class Recording(CannedWire):
        async def send(self, method, url, *, headers, body=None):
            self.asked = (method, url, dict(headers))
            return self.reply

    wire = Recording(Reply(200, json.dumps({**ORDER, "status": "Settled"}).encode()))
    account = OnePayAccount(
        "c", "k", "https://onepay.example/", "X-App", "X-Secret", "/orders", "/orders/{id}/state",
        {**STATUSES, "settled": Claim.SUCCEEDED},
    )  # fmt: skip

    verdict = await OnePay(account, wire).fetch_verdict(replace(ATTEMPT, provider_id="ord-1"))

    method, url, headers = wire.asked
    assert (method, url) == ("GET", "https://onepay.example/orders/ord-1/state")
    assert (headers["X-App"], headers["X-Secret"]) == ("c", "k")
    assert verdict.claim is Claim.SUCCEEDED


@pytest.mark.parametrize("name", ["../admin", "a/b", "a?b=c", "a#b", "a%2fb"])
async def test_a_name_never_leaves_its_place_in_the_path(name):
    class Recording(CannedWire):
        async def send(self, method, url, *, headers, body=None):
            self.url = url
            return self.reply

    wire = Recording(Reply(404, b'{"message":"no"}'))
    await OnePay(OnePayAccount("c", "k", "https://x"), wire).fetch_verdict(
        replace(ATTEMPT, provider_id=name)
    )

    assert wire.url.startswith("https://x/v2/order/")
    assert not set(wire.url.removeprefix("https://x/v2/order/")) & set("/?#")


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": ""}, {"api_key": ""}, {"order_path": "/v2/order"},
     {"statuses": {"Paid": Claim.SUCCEEDED}}],
)  # fmt: skip
def test_a_missing_or_senseless_setting_refuses_to_start(wrong):
    with pytest.raises(NotConfigured):
        OnePay(OnePayAccount(**{"client_id": "c", "api_key": "k", **wrong}), NOWHERE)


@pytest.mark.parametrize("ref", ["", "TS1", "../x", "TS" + "U" * 26, "TS" + "Z" * 26])
async def test_only_our_own_references_are_order_codes(ref):
    order, _ = TestOnePay().wish(canned(ORDER))

    with pytest.raises(Invalid):
        await canned(ORDER).open_checkout(replace(order, our_ref=ref))


async def test_rejected_keys_are_told_apart_from_no_answer():
    with pytest.raises(GatewayUnavailable) as rejected:
        await canned({}, 403).fetch_verdict(ATTEMPT)

    assert not isinstance(rejected.value, GatewayUnreachable)


def test_a_reference_says_when_it_was_drawn():
    at = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)

    assert canned(ORDER).new_ref(at) > canned(ORDER).new_ref(NOW)
