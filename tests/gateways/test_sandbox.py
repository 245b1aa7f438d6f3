"""The sandbox gateway against its simulator."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tallystick.domain.errors import GatewayUnreachable, Invalid, NotConfigured, NoticeNotAuthentic
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money
from tallystick.gateways.base import AttemptRef, Gateway, RawNotice, Reply, Wire
from tallystick.sandbox.adapter import Sandbox, SandboxAccount
from tests.gateways.conformance import NOW, CannedWire, GatewayConformance
from tests.gateways.hub_stand_in import SANDBOX


class TestSandbox(GatewayConformance):
    """The whole suite, in dong."""

    name = "sandbox"
    secret = SANDBOX.webhook_secret

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return Sandbox(SandboxAccount(SANDBOX.api_key, secrets, f"{url}/_sim/sandbox"), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return Sandbox(SandboxAccount("wrong", ("wrong",), f"{url}/_sim/sandbox"), wire)

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "sandbox-signature"}
        return replace(
            raw,
            headers=headers if signature is None else {**headers, "sandbox-signature": signature},
        )

    def senseless(self) -> RawNotice:
        return signed(b'{"id":7,"payment":"gone"}')


class TestSandboxInRupees(TestSandbox):
    """A currency with two decimals."""

    amount = Money(150_000, "LKR")


def signed(body: bytes, at: datetime = NOW, *secrets: str) -> RawNotice:
    """A notice as the sandbox signs it, received at NOW."""
    stamp = str(int(at.timestamp()))
    parts = [f"t={stamp}"]
    for secret in secrets or (SANDBOX.webhook_secret,):
        digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        parts.append(f"v1={digest.hexdigest()}")
    return RawNotice({"sandbox-signature": ",".join(parts)}, body, "", NOW)


def gateway(*secrets: str) -> Sandbox:
    """The adapter with nobody at the other end."""
    account = SandboxAccount("k", secrets or (SANDBOX.webhook_secret,), "http://127.0.0.1:9")
    return Sandbox(account, CannedWire(Reply(500, b"")))


PING = json.dumps({"id": "ev_ping"}).encode()


@pytest.mark.parametrize("minutes", [-4, 0, 4])
def test_a_notice_signed_within_five_minutes_is_read(minutes):
    assert gateway().read_notice(signed(PING, NOW + timedelta(minutes=minutes))).refs == ()


@pytest.mark.parametrize("minutes", [-60 * 24 * 30, -6, 6, 60 * 24 * 30])
def test_a_notice_signed_long_ago_or_ahead_is_refused(minutes):
    with pytest.raises(NoticeNotAuthentic, match="too long ago"):
        gateway().read_notice(signed(PING, NOW + timedelta(minutes=minutes)))


def test_a_notice_with_two_signatures_needs_one_that_fits():
    both = signed(PING, NOW, "the-next-secret", SANDBOX.webhook_secret)

    assert gateway().read_notice(both).event_id == "ev_ping"
    with pytest.raises(NoticeNotAuthentic):
        gateway("a-third-secret").read_notice(both)


def test_another_time_in_the_header_breaks_the_signature():
    raw = signed(PING)
    header = raw.headers["sandbox-signature"].replace("t=179", "t=189")

    with pytest.raises(NoticeNotAuthentic):
        gateway().read_notice(replace(raw, headers={"sandbox-signature": header}))


def transfer(**wrong: object) -> bytes:
    """A notice of a transfer, with something wrong in it."""
    payment = {"reference": "r", "id": "i", "status": "pending"}
    right = {"id": "t", "amount": 5, "currency": "VND", "createdAt": "2026-11-20T00:00:00Z"}
    return json.dumps({"id": "e", "payment": payment, "transfer": {**right, **wrong}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"id":7}', b'{"id":"e","payment":[]}', b'{"id":"e","id":"f"}',
        transfer(currency="XXX"), transfer(amount=5.0), transfer(amount=0), transfer(amount=True),
        transfer(createdAt="yesterday"), transfer(createdAt="0001-01-01T00:00:00+14:00"),
        transfer(id=""), transfer(id="null"), transfer(id="\u0007"),
    ],
)  # fmt: skip
def test_an_authentic_notice_that_makes_no_sense_is_invalid(body):
    with pytest.raises(Invalid):
        gateway().read_notice(signed(body))


@pytest.mark.parametrize(
    ("status", "claim"),
    [
        ("pending", Claim.PENDING), ("processing", Claim.PROCESSING), ("failed", Claim.FAILED),
        ("succeeded", Claim.SUCCEEDED), ("canceled", Claim.CANCELED),
        ("expired", Claim.EXPIRED), ("on_the_moon", Claim.PENDING),
    ],
)  # fmt: skip
def test_the_sandboxs_words_are_translated(status, claim):
    payment = {"reference": "r", "id": "sp_1", "status": status}
    body = json.dumps({"id": "ev_1", "payment": payment}).encode()

    notice = gateway().read_notice(signed(body))

    assert (notice.claim, notice.refs, notice.credits) == (claim, ("r", "sp_1"), ())


BOOKS = {
    "id": "sp_1", "reference": "r", "amount": 150_000, "currency": "VND", "status": "succeeded",
    "transfers": [], "amountRefunded": 0, "checkoutUrl": "https://sandbox.example/pay/sp_1",
    "qrCode": "x",
}  # fmt: skip
ATTEMPT = AttemptRef("att_1", "r", "sp_1", Money(150_000, "VND"), NOW)


def books(**wrong: object) -> Sandbox:
    """The adapter, at a sandbox whose only answer has something wrong in it."""
    account = SandboxAccount("k", ("s",), "http://127.0.0.1:9")
    return Sandbox(account, CannedWire(Reply(200, json.dumps({**BOOKS, **wrong}).encode())))


async def test_an_answer_about_our_payment_is_believed():
    assert (await books().fetch_verdict(ATTEMPT)).claim is Claim.SUCCEEDED


@pytest.mark.parametrize(
    "lie",
    [
        {"reference": "another"}, {"id": "sp_2"}, {"amount": 150_001}, {"currency": "USD"},
        {"transfers": None}, {"transfers": [1]}, {"checkoutUrl": "javascript:alert(1)"},
        {"status": 7}, {"amountRefunded": "0"},
    ],
)  # fmt: skip
async def test_an_answer_that_does_not_fit_our_payment_is_no_answer(lie):
    with pytest.raises(GatewayUnreachable, match="makes no sense"):
        await books(**lie).fetch_verdict(ATTEMPT)


@pytest.mark.parametrize(
    ("key", "secrets"), [("", ("s",)), ("k", ()), ("k", ("",)), ("k", ("s", ""))]
)
def test_a_missing_secret_refuses_to_start(key, secrets):
    with pytest.raises(NotConfigured):
        Sandbox(SandboxAccount(key, secrets, "http://127.0.0.1:9"), CannedWire(Reply(500, b"")))
