"""Each adapter sends what the gateway's own SDK would send; both are recorded and compared.

What differs on purpose stands beside the test that says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tallystick.domain.money import Money
from tallystick.gateways.abilities import RefundOrder
from tallystick.gateways.base import AttemptRef, Checkout, CheckoutOrder, Gateway, Wire
from tallystick.gateways.onepay_vpc import OnePayVPC, OnePayVPCAccount
from tallystick.gateways.payos import PayOS, PayOSAccount
from tallystick.gateways.polar import Polar, PolarAccount
from tallystick.gateways.sepay_pg import SePayPG, SePayPGAccount
from tallystick.gateways.wire import HttpWire
from tests.infra.sdks import NODE
from tests.sdks.stand import ONEPAY_VPC, PAYOS, POLAR, SEPAY_PG, Call, Stand

pytestmark = pytest.mark.slow

MATTER = ("authorization", "content-type", "x-client-id", "x-api-key", "polar-version")
DONG = Money(50_000, "VND")
BACK, THANKS = "https://shop.example/back", "https://shop.example/thanks?lang=vi"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Our own connection."""
    connection = HttpWire()
    yield connection
    await connection.close()


def order_for(gateway: Gateway, amount: Money) -> CheckoutOrder:
    """A wish to be paid, within the next 15 minutes."""
    now = datetime.now(UTC)
    return CheckoutOrder(
        attempt_id="att_1", our_ref=gateway.new_ref(now), memo="HB7K2M9QX", amount=amount,
        description="Hai ly cà phê", return_url=THANKS, cancel_url=BACK,
        expires_at=now + timedelta(minutes=15), form_url="https://shop.example/form",
    )  # fmt: skip


def attempt_of(order: CheckoutOrder, checkout: Checkout | None = None) -> AttemptRef:
    """The names by which we ask about it."""
    number = checkout.provider_id if checkout else None
    return AttemptRef(order.attempt_id, order.our_ref, number, order.amount, datetime.now(UTC))


def told(call: Call) -> dict[str, Any]:
    """What of a call matters: how, where, by whom, and what."""
    # What a body is made of matters only where there is one.
    names = [name for name in MATTER if call.body or name != "content-type"]
    headers = {name: call.headers[name] for name in names if name in call.headers}
    # An SDK spells out what is not given.
    body = {name: value for name, value in (call.document or {}).items() if value is not None}
    return {
        "method": call.method, "path": call.path, "query": call.query, "headers": headers,
        "body": body,
    }  # fmt: skip


def agree(ours: Iterable[Call], theirs: Iterable[Call]) -> None:
    """The same calls in the same order."""
    for our, their in zip(ours, theirs, strict=True):
        assert told(our) == told(their)


async def test_payos_is_asked_as_its_sdk_would_ask(stand: Stand, walk, wire):
    keys = (PAYOS.checksum_key,)
    address = stand.recorder("our-payos", "payos")
    account = PayOSAccount(PAYOS.client_id, PAYOS.api_key, keys, address, address)
    gateway = PayOS(account, wire)
    order = order_for(gateway, DONG)

    attempt = attempt_of(order, await gateway.open_checkout(order))
    await gateway.fetch_verdict(attempt)
    await gateway.cancel(attempt, "Khách đổi ý")
    await gateway.confirm_webhook(f"{stand.url}/webhooks/payos")
    wish = {
        "order_code": int(order.our_ref), "amount": 50_000, "description": order.memo,
        "cancel_url": BACK, "return_url": THANKS, "expired_at": int(order.expires_at.timestamp()),
    }  # fmt: skip
    walk(
        "payos_calls", "payos-1.1.0", address=stand.mute("its-payos"), wish=wish,
        reason="Khách đổi ý", webhook_url=f"{stand.url}/webhooks/payos",
    )  # fmt: skip

    agree(stand.calls["our-payos"], stand.calls["its-payos"])


async def test_polar_is_asked_as_its_sdk_would_ask(stand: Stand, walk, wire):
    account = PolarAccount(
        POLAR.access_token, (POLAR.webhook_secret,),
        base_url=f"{stand.recorder('our-polar', 'polar')}/v1",
    )  # fmt: skip
    gateway = Polar(account, wire)
    order = order_for(gateway, Money(2_200, "USD"))

    checkout = await gateway.open_checkout(order)
    attempt = attempt_of(order, checkout)
    await stand.act("polar", order.our_ref, "pay")
    verdict = await gateway.fetch_verdict(attempt)
    number = verdict.credits[0].transaction_id
    await gateway.refund(RefundOrder("rf_1", attempt, number, order.amount, "duplicate"))
    await gateway.list_disputes(datetime.now(UTC) - timedelta(days=1))
    await gateway.discounts.fetch("d-1")
    await gateway.discounts.limit("d-1", 4)
    await gateway.discounts.delete("d-1")
    walk(
        "polar_calls", "polar-sdk-1.0.2", address=stand.mute("its-polar"),
        calls=polar_calls(order, str(checkout.provider_id), number),
    )  # fmt: skip

    agree(stand.calls["our-polar"], stand.calls["its-polar"])


def polar_calls(order: CheckoutOrder, checkout: str, number: str) -> list[Any]:
    """The same questions and wishes in the SDK's words."""
    noted = {"tallystick_ref": order.our_ref}
    price = {
        "amount_type": "fixed", "price_amount": 2_200, "price_currency": "usd",
        "tax_behavior": "inclusive",
    }  # fmt: skip
    wish = {
        "products": [POLAR.product_id], "prices": {POLAR.product_id: [price]}, "currency": "usd",
        "allow_discount_codes": False, "metadata": noted, "success_url": THANKS,
        "return_url": BACK,
    }  # fmt: skip
    refund = {
        "order_id": number, "reason": "duplicate", "amount": 2_000, "comment": "duplicate",
        "revoke_benefits": False, "metadata": {"tallystick_refund": "rf_1", **noted},
    }  # fmt: skip
    newest = {"sorting": ["-created_at"]}
    one_time = {"is_archived": "false", "is_recurring": "false", "sorting": ["created_at"]}
    return [
        ("checkouts", "list", newest),
        ("products", "list", one_time),
        ("checkouts", "create", wish),
        ("checkouts", "get", {"id": checkout}),
        ("orders", "list", {"metadata": noted}),
        ("orders", "get", {"id": number}),
        ("refunds", "list", {"order_id": number}),
        ("refunds", "create", refund),
        ("disputes", "list", newest),
        ("discounts", "get", {"id": "d-1"}),
        ("discounts", "update", {"id": "d-1", "max_redemptions": 4}),
        ("discounts", "delete", {"id": "d-1"}),
    ]


async def test_sepay_pg_is_asked_and_its_form_signed_as_its_sdk_would(stand: Stand, walk, wire):
    address = f"{stand.recorder('our-sepay-pg', 'sepay_pg')}/v1"
    gateway = SePayPG(
        SePayPGAccount(
            SEPAY_PG.merchant_id, (SEPAY_PG.secret_key,), address, payment_method="BANK_TRANSFER"
        ),
        wire,
    )
    order = order_for(gateway, DONG)
    form = dict(gateway.checkout_form(order).fields)

    await gateway.fetch_verdict(attempt_of(order))
    await stand.open_form("sepay_pg", form)
    await gateway.cancel(attempt_of(order), "changed their mind")
    signed = walk(
        "sepay_pg_calls", NODE, address=f"{stand.mute('its-sepay-pg')}/v1", invoice=order.our_ref,
        fields={name: value for name, value in form.items() if name != "signature"},
    )  # fmt: skip

    assert form == signed
    # After a cancel we ask what became of the order.
    agree(stand.calls["our-sepay-pg"][:2], stand.calls["its-sepay-pg"])


def test_sepay_pg_forms_are_signed_alike_by_an_sdk_that_has_an_order_of_its_own(walk):
    account = SePayPGAccount(SEPAY_PG.merchant_id, (SEPAY_PG.secret_key,), payment_method="CARD")
    gateway = SePayPG(account, HttpWire())

    form = dict(gateway.checkout_form(order_for(gateway, DONG)).fields)

    assert walk("sepay_pg_sign", "sepay-pg-1.0.0", fields=form) == form["signature"]


async def test_onepay_sends_the_payer_where_its_library_would(stand: Stand, walk, wire):
    gateway = OnePayVPC(
        OnePayVPCAccount(
            ONEPAY_VPC.merchant, ONEPAY_VPC.access_code, (ONEPAY_VPC.hash_key,), ONEPAY_VPC.user,
            ONEPAY_VPC.password,
        ),
        wire,
    )  # fmt: skip
    order = order_for(gateway, DONG)

    ours = urlsplit(str((await gateway.open_checkout(order)).checkout_url))
    given = dict(parse_qsl(ours.query))
    wish = {
        "amount": 50_000, "clientIp": given["vpc_TicketNo"], "locale": "vn", "currency": "VND",
        "orderId": order.memo, "transactionId": order.our_ref, "returnUrl": THANKS,
        "title": "Tallystick", "againLink": BACK,
    }  # fmt: skip
    theirs = urlsplit(
        walk("vn_payments_calls", NODE, gateway=ours._replace(query="").geturl(), wish=wish)
    )

    assert (ours.netloc, ours.path) == (theirs.netloc, theirs.path)
    assert given == dict(parse_qsl(theirs.query))
