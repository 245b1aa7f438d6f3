"""A seventh gateway passes the suite and takes money, and nothing else had to know of it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import tallystick
from tallystick.domain.errors import GatewayUnreachable, NoticeNotAuthentic
from tallystick.domain.money import Money
from tallystick.gateways.base import AttemptRef, Gateway, RawNotice, Reply, Wire
from tallystick.sandbox.catalogue import SIMULATED
from tests.gateways.conformance import NOW, CannedWire, GatewayConformance
from tests.gateways.hub_with_browser import OwnSimulatorConformance
from tests.http.conftest import DATABASES, PLAIN, database
from tests.http.every_gateway import under_test
from tests.http.shop import Sale, Shop, eventually
from tests.infra.live import LiveServer
from tests.seventh import SEVENTH
from tests.seventh.adapter import Stonebank, StonebankAccount
from tests.seventh.simulator import StonebankKeys, stonebank

ROOT = Path(__file__).resolve().parents[2]
SRC = Path(tallystick.__file__).parent
KEYS = StonebankKeys("key-1", "secret-1")


class TestStonebank(OwnSimulatorConformance, GatewayConformance):
    """The whole suite; it lacks nothing."""

    name = "stonebank"
    secret = KEYS.webhook_secret
    simulator = stonebank(KEYS)

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        return Stonebank(StonebankAccount(KEYS.api_key, secrets, f"{url}/_sim/stonebank"), wire)

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        return Stonebank(StonebankAccount("wrong", ("wrong",), f"{url}/_sim/stonebank"), wire)

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        headers = {k: v for k, v in raw.headers.items() if k != "stonebank-signature"}
        given = {} if signature is None else {"stonebank-signature": signature}
        return replace(raw, headers={**headers, **given})

    def senseless(self) -> RawNotice:
        at, body = str(int(NOW.timestamp())), b'{"eventNo":7}'
        signature = hmac.digest(self.secret.encode(), f"{at}\n".encode() + body, "sha256").hex()
        return RawNotice({"stonebank-time": at, "stonebank-signature": signature}, body, "", NOW)

    async def test_the_same_bytes_an_hour_later_are_refused(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = hub.heard

        with pytest.raises(NoticeNotAuthentic, match="too long ago"):
            gateway.read_notice(replace(raw, received_at=raw.received_at + timedelta(hours=1)))


# Against the running program


@pytest.fixture(scope="module", params=DATABASES)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop at `tallystick dev` with the seventh gateway in its catalogue, on each database."""
    folder = tmp_path_factory.mktemp("seventh")
    environment = {**PLAIN, "PYTHONPATH": str(ROOT)}
    with database(request, request.param, folder) as url:
        server = LiveServer(folder, url, (), environment, program="tests.seventh")
        server.start()
        shop = Shop(server)
        yield shop
        shop.leave()


@pytest.fixture
def sale(shop: Shop) -> Iterator[Sale]:
    """An offer at Stonebank for an hour; afterwards the books balance."""
    yield shop.payment(**under_test(SEVENTH).wish, expiresIn=3600)
    shop.audit()


def paid_once(sale: Sale) -> bool:
    """One receipt of all the money, one fulfilment, told once."""
    sale.becomes("paid", amountState="exact", received=50_000, review=None)
    counted = (sale.counted("receipts"), sale.counted("fulfilments"))
    return counted == (1, 1) and sale.events().count("payment.paid") == 1


def test_a_payer_pays_and_the_gateway_says_so(sale: Sale):
    told = sale.act("pay")["deliveries"]

    assert paid_once(sale)
    assert [delivery["status"] for delivery in told] == [200]


def test_the_notice_is_lost_and_the_money_is_found_by_asking(sale: Sale, shop: Shop):
    sale.act("lose_webhook")
    shop.advance(60)

    assert paid_once(sale)
    assert sale.counted("inbox") == 0


def test_forged_notices_move_nothing(sale: Sale, shop: Shop):
    wrongly, lie = sale.act("forge_webhook")["deliveries"]
    shop.advance(60)

    assert (wrongly["status"], lie["status"]) == (401, 200)
    seen = sale.show()
    assert (seen["phase"], seen["received"], sale.counted("receipts")) == ("open", 0, 0)


def test_the_same_notice_ten_times_pays_once(sale: Sale):
    told = sale.act("repeat_webhook", times=10)["deliveries"]

    assert paid_once(sale)
    assert [delivery["status"] for delivery in told] == [200] * 10


def test_two_transfers_pay_one_order(sale: Sale):
    sale.act("underpay", amount=20_000)
    sale.becomes("open", amountState="partial", received=20_000)
    sale.act("pay")

    sale.becomes("paid", amountState="exact", received=50_000)
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (2, 1)


def test_money_in_the_other_currency_that_it_moves_is_for_a_person(sale: Sale):
    sale.act("wrong_currency")

    sale.becomes("open", amountState="none", received=0, review="wrong_currency")


def test_a_canceled_offer_is_void_at_the_gateway(sale: Sale):
    assert sale.cancel().status == 200

    assert eventually(sale.order, lambda order: order["status"] == "void")


def test_the_payer_of_a_link_can_choose_it(shop: Shop):
    link = shop.chosen_link("stonebank")
    link.act("pay")

    assert paid_once(link)


# What it took


LIES: list[dict[str, Any]] = [
    {"merchantRef": "another"}, {"orderNo": "another"}, {"amountMinor": 49_999},
    {"amountMinor": "50000"}, {"currency": "LKR"}, {"payments": {}}, {"state": None},
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_an_answer_on_other_terms_is_no_answer(lie: dict[str, Any]):
    attempt = AttemptRef("att_1", "SB_1", "O1", Money(50_000, "VND"), NOW)
    order = {
        "merchantRef": "SB_1", "orderNo": "O1", "amountMinor": 50_000, "currency": "VND",
        "state": "settled", "payments": [], "payUrl": "https://stonebank.example/O1",
    }  # fmt: skip

    def asked(answer: dict[str, Any]) -> Stonebank:
        wire = CannedWire(Reply(200, json.dumps(answer).encode()))
        return Stonebank(StonebankAccount("k", ("s",), "https://stonebank.example"), wire)

    assert (await asked(order).fetch_verdict(attempt)).known
    with pytest.raises(GatewayUnreachable):
        await asked({**order, **lie}).fetch_verdict(attempt)


def test_no_file_of_the_program_knows_it():
    knowing = [
        path for path in SRC.rglob("*")
        if path.is_file() and SEVENTH.name.encode() in path.read_bytes().lower()
    ]  # fmt: skip

    assert knowing == []
    assert SEVENTH.name not in {one.name for one in SIMULATED}


def test_the_page_shows_the_entry_as_it_stands_here():
    source = (ROOT / "tests/seventh/__init__.py").read_text()
    entry = source.partition("SEVENTH: Final = ")[2]

    assert entry
    assert entry in (ROOT / "docs/gateways/new.md").read_text()
