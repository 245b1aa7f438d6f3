"""GovPay+ against the whole hub: it asks, pays, tells, and hears what came of it."""

import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr

from tallystick.domain.money import Money
from tallystick.domain.sealing import Masters
from tallystick.flows.keys import create_key
from tallystick.gateways.govpay import GovPay, GovPayAccount
from tallystick.gateways.wire import HttpWire
from tallystick.products import WEB_PARTS
from tallystick.sandbox.running import RunningSandbox, SandboxClock
from tallystick.sandbox.simulators.govpay import GovPayKeys, govpay
from tallystick.sandbox.simulators.host import Simulators
from tallystick.settings import Settings
from tallystick.store.connect import open_database
from tallystick.store.migrate import migrate
from tallystick.web.app import build_app
from tallystick.wiring import build

KEYS = GovPayKeys("govpay-1", "client-secret-1", "k" * 32, "001", "002")
DUE = Money(150_000, "LKR")


@dataclass
class Counter:
    """A running hub, with a simulated GovPay+ beside it."""

    url: str
    simulators: Simulators
    wire: HttpWire
    key: str

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request with the merchant's key; the status and the document."""
        sent = None if body is None else json.dumps(body).encode()
        proof = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        reply = await self.wire.send(method, self.url + path, headers=proof | headers, body=sent)
        return reply.status, json.loads(reply.body)

    async def open(self) -> tuple[str, str]:
        """A payment over GovPay+: its id, and the reference that the payer types."""
        wish = {"amount": DUE.minor, "currency": DUE.currency, "gateway": "govpay"}
        status, told = await self.send("POST", "/api/payments", wish)
        assert status == 201, told
        return told["data"]["id"], told["data"]["checkout"]["transferContent"]

    async def payment(self, payment_id: str) -> dict[str, Any]:
        """The payment as it stands."""
        return (await self.send("GET", f"/api/payments/{payment_id}"))[1]["data"]


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """The hub on a free port, in the test's own event loop."""
    door = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{door.getsockname()[1]}"
    database_url = f"sqlite:///{tmp_path / 'hub.db'}"
    await migrate(database_url)
    simulators = Simulators(
        [govpay(KEYS)], base_url=url, webhook_url=lambda name: f"{url}/api/webhooks/{name}",
        books_path=tmp_path / "simulators.db",
    )  # fmt: skip
    account = GovPayAccount(
        KEYS.client_id, KEYS.client_secret, (KEYS.transaction_key,), KEYS.subinst_id,
        KEYS.service_id, "inquiry-1",
    )  # fmt: skip
    settings = Settings(base_url=url, secret_key=SecretStr("s" * 32), rate_limits=False)
    wire = HttpWire()
    house = build(
        settings, open_database(database_url), [GovPay(account)], wire, SandboxClock(simulators),
        Masters.of(b"s" * 32),
    )  # fmt: skip
    house.companion = RunningSandbox(simulators, house.worker)
    app = build_app(
        house.hub, house.live, parts=WEB_PARTS, lifespan=house.open,
        more_routes=simulators.routes(),
    )  # fmt: skip
    # The parts of `Server.serve` without its signals and its loop that ticks.
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    browser = HttpWire()
    async with house.open():
        await server.startup([door])
        try:
            yield Counter(url, simulators, browser, await create_key(house.hub, "admin", "test"))
        finally:
            await browser.close()
            server.force_exit = True
            await server.shutdown([door])


async def test_the_receipt_is_given_when_the_payment_is_paid(counter):
    payment_id, ref = await counter.open()

    played = await counter.simulators.act("govpay", ref, "pay")

    assert played["deliveries"][0]["status"] == 200
    # Nothing was waited for: when GovPay+ heard us, it was so.
    payment = await counter.payment(payment_id)
    assert (payment["phase"], payment["amountState"]) == ("paid", "exact")


async def test_ten_updates_at_once_are_one_payment(counter):
    payment_id, ref = await counter.open()

    played = await counter.simulators.act("govpay", ref, "repeat_webhook")

    assert [d["status"] for d in played["deliveries"]] == [200] * 10
    payment = await counter.payment(payment_id)
    assert (payment["phase"], payment["received"]) == ("paid", DUE.minor)


async def test_one_cent_less_is_partial_and_told_so(counter):
    payment_id, ref = await counter.open()

    played = await counter.simulators.act("govpay", ref, "underpay", amount=149_999)

    assert played["deliveries"][0]["status"] == 422
    payment = await counter.payment(payment_id)
    assert (payment["phase"], payment["received"]) == ("open", 149_999)


async def test_a_forged_update_changes_nothing(counter):
    payment_id, ref = await counter.open()

    played = await counter.simulators.act("govpay", ref, "forge_webhook")

    assert [d["status"] for d in played["deliveries"]] == [401]
    assert (await counter.payment(payment_id))["phase"] == "open"


async def test_what_is_paid_is_shown_to_nobody_as_payable(counter):
    _, ref = await counter.open()
    pair = {"Authorization": "Basic Z292cGF5LTE6Y2xpZW50LXNlY3JldC0x"}
    token = await counter.wire.send(
        "POST", f"{counter.url}/api/govpayplus/v1.0/generatetoken",
        headers={**pair, "Content-Type": "application/x-www-form-urlencoded"},
        body=b"grant_type=client_credentials",
    )  # fmt: skip
    bearer = {
        "Authorization": f"Bearer {json.loads(token.body)['access_token']}",
        "TransactionKey": KEYS.transaction_key,
    }
    question = {
        "transactionID": "1", "subinstId": "001", "serviceid": "002", "serviceName": "x",
        "data": [{"seq": "1", "paramName": "refNo", "value": ref}],
    }  # fmt: skip

    before, _ = await counter.send("POST", "/api/v1/payments/govpay/validate", question, **bearer)
    await counter.simulators.act("govpay", ref, "pay")
    after, told = await counter.send("POST", "/api/govpayplus/v1.0/presentment", question, **bearer)
    nobody, refused = await counter.send("POST", "/api/v1/payments/govpay/validate", question)

    assert (before, after, told["error"]) == (200, 409, "not_payable")
    assert (nobody, refused["error"]) == (401, "unauthorized")


async def test_the_inquiry_tells_how_it_stands(counter):
    _, ref = await counter.open()
    path = f"/api/v1/payments/govpay/inquiry?reference={ref}"

    keyless, _ = await counter.send("GET", path)
    status, told = await counter.send("GET", path, **{"X-API-Key": "inquiry-1"})
    unknown, _ = await counter.send("GET", f"{path}X", **{"X-API-Key": "inquiry-1"})
    nowhere, _ = await counter.send("GET", path.replace("govpay", "nobody"))

    assert (keyless, status, unknown, nowhere) == (401, 200, 404, 404)
    assert (told["paymentReference"], told["amount"], told["isPayable"]) == (ref, "1500.00", True)
