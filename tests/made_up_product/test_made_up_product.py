"""A made-up product sells, delivers and gives back, and nothing of the program had to know it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tallystick
from tallystick.products import PRODUCTS
from tallystick.store.connect import open_database
from tests.http.conftest import DATABASES
from tests.http.shop import Shop, eventually
from tests.http.test_gift_cards import letters
from tests.made_up_product.product import DONATIONS
from tests.made_up_product.server import ROOT, Gift, donation_shop

SRC = Path(tallystick.__file__).parent
HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=DATABASES)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that sells donations too, on each database."""
    with donation_shop(request, request.param, tmp_path_factory.mktemp("donations")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _balanced(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each story all invariants hold, those of donations too."""
    yield
    if "shop" in request.fixturenames:
        request.getfixturevalue("shop").audit()


def test_a_donation_is_paid_and_gets_one_certificate_however_often_the_gateway_says_so(shop):
    gift = Gift(shop)
    before = gift.read()

    gift.act("repeat_webhook", times=5)
    given = eventually(gift.read, lambda seen: seen["registerEntry"] is not None)

    assert gift.becomes("paid")["purpose"] == "donation"
    assert (before["status"], before["certificate"]) == ("PLEDGED", None)
    assert given["status"] == "CERTIFIED"
    assert re.fullmatch(r"DC-\d{4}-[0-9A-Z]{10}", given["certificate"])
    assert gift.counted("fulfilments") == 1
    assert len(eventually(lambda: events_of(shop, gift), bool)) == 1


def test_the_same_request_again_gets_the_same_donation(shop):
    wish = {"amount": 20_000, "gateway": "sandbox", "email": "mai@example.vn"}
    key = {"idempotency-key": "donation-of-today"}

    first, second = (shop.post("/api/donations", json=wish, headers=key) for _ in range(2))

    assert (first.status, first.json) == (second.status, second.json) == (201, second.json)


@pytest.mark.parametrize(
    "wrong",
    [{"amount": 0}, {"amount": "a lot"}, {"email": "nobody"}, {"gateway": "x"}, {"more": 1}],
    ids=str,
)
def test_a_wrong_wish_is_refused_with_words(shop, wrong):
    wish = {"amount": 20_000, "gateway": "sandbox", "email": "mai@example.vn", **wrong}

    answer = shop.post("/api/donations", json=wish)

    assert 400 <= answer.status < 500
    assert answer.json["detail"]


def test_a_refund_by_the_donations_own_id_revokes_the_certificate(shop):
    gift = Gift(shop)
    certificate = gift.given()["certificate"]

    part = shop.post(f"/api/payments/{gift.donation_id}/refunds", json={"amount": 20_000})
    in_part = gift.read()
    rest = shop.post(f"/api/payments/{gift.donation_id}/refunds", json={})

    assert (part.status, part.data["state"]) == (201, "succeeded")
    assert (in_part["status"], in_part["givenBack"]) == ("CERTIFIED", 20_000)
    assert (rest.status, rest.data["amount"]) == (201, 30_000)
    after = gift.read()
    assert (after["status"], after["certificate"]) == ("REVOKED", certificate)


def test_the_event_is_told_and_described(shop):
    gift = Gift(shop)
    certificate = gift.given()["certificate"]

    told = eventually(lambda: events_of(shop, gift), bool)
    described = shop.get("/openapi.json", token=None).json

    assert [one["data"]["certificate"] for one in told] == [certificate]
    body = described["webhooks"]["donation.certified"]["post"]["requestBody"]
    shape = body["content"]["application/json"]["schema"]["properties"]["data"]
    assert shape == {"$ref": "#/components/schemas/DonationNews"}
    assert set(described["components"]["schemas"]["DonationNews"]["required"]) <= {*told[0]["data"]}
    assert {"/api/donations", "/api/donations/{donation_id}"} <= described["paths"].keys()


def events_of(shop: Shop, gift: Gift) -> list[dict[str, Any]]:
    """What the feed has about a donation."""
    feed = shop.get("/api/events?type=donation.*&limit=200").data
    return [one for one in feed if one["subject"] == gift.donation_id]


def test_the_certificate_goes_to_its_donor_by_e_mail_in_his_language(shop):
    gift = Gift(shop, email="lan@example.vn", language="vi")
    certificate = gift.given()["certificate"]

    [letter] = eventually(lambda: letters(shop, "lan@example.vn"), bool)

    assert certificate in letter.get_content()
    assert "50.000 VND" in letter["Subject"]


def test_its_effect_and_its_job_are_listed_and_run_like_any_other(shop):
    gift = Gift(shop)
    given = gift.given()
    secret = {"x-cron-secret": shop.server.cron_secret}

    def states() -> list[str]:
        found = shop.get("/api/effects?kind=register_certificate&limit=200").data
        return [one["state"] for one in found if gift.donation_id in one["about"]]

    listed = {one["jobName"] for one in shop.line.get("/api/jobs", headers=secret).json["data"]}
    run = shop.line.post("/api/jobs/clear-pledges", headers=secret).json

    eventually(states, lambda found: found == ["done"])
    assert "clear-pledges" in listed
    assert (run["success"], run["result"]) == (True, {"cleared": 0})
    entries = [row[0] for row in shop.rows("SELECT entry FROM donations WHERE entry IS NOT NULL")]
    assert sorted(entries) == list(range(1, len(entries) + 1))
    assert given["registerEntry"] in entries


def test_a_certificate_that_somebody_took_away_by_hand_is_found_by_the_audit(shop):
    gift = Gift(shop)
    gift.given()
    secret = {"x-cron-secret": shop.server.cron_secret}
    mine = f"WHERE id = '{gift.donation_id}'"
    [(number, at)] = shop.rows(f"SELECT certificate, certified_at FROM donations {mine}")
    taken = "state = 'PLEDGED', certificate = NULL, certified_at = NULL"
    whole = f"state = 'CERTIFIED', certificate = '{number}', certified_at = '{at}'"

    by_hand(shop, f"UPDATE donations SET {taken} {mine}")
    run = shop.line.post("/api/jobs/audit", headers=secret).json
    by_hand(shop, f"UPDATE donations SET {whole} {mine}")

    assert not run["success"]
    assert "D1" in str(run)
    assert gift.id in str(run)


def by_hand(shop: Shop, statement: str) -> None:
    """What an operator should not do."""

    async def change() -> None:
        opened = open_database(shop.server.database)
        await opened.write(lambda tx: tx.exec_driver_sql(statement))
        await opened.close()

    asyncio.run(change())


def test_the_money_stands_in_the_books(shop):
    def earned() -> int:
        balances = shop.get("/api/books/balances").data
        return sum(one["balance"] for one in balances if one["account"] == "revenue")

    before = earned()
    Gift(shop, amount=70_000).given()

    assert abs(earned() - before) == 70_000


# What it took


def test_no_file_of_the_program_knows_it():
    knowing = [
        path for path in SRC.rglob("*.py") if re.search(r"\bdonat", path.read_text(), re.IGNORECASE)
    ]

    assert knowing == []
    assert DONATIONS.name not in {one.name for one in PRODUCTS}


def test_the_page_names_the_files_that_it_has():
    page = (ROOT / "docs" / "adding-a-product.md").read_text()
    own = {path.name for path in HERE.glob("*.py")} - {"__main__.py", "server.py"}

    assert {name for name in own if not name.startswith("test_")} == files_in(page)


def files_in(page: str) -> set[str]:
    """The files in the first column of the page's table."""
    return set(re.findall(r"^\| `([a-z_]+\.py)`", page, re.MULTILINE))


def test_the_page_shows_the_product_as_it_stands_here():
    product = (HERE / "product.py").read_text().partition("DONATIONS: Final = ")[2]

    assert product
    assert product in (ROOT / "docs" / "adding-a-product.md").read_text()
