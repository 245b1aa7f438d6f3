"""Exchange rates over HTTP: the literal answer, its four layers, and the floor."""

from __future__ import annotations

import pytest

from tests.http.shop import Shop


def rates(shop: Shop) -> dict:
    answer = shop.get("/api/exchange-rates", token=None)
    assert answer.status == 200, answer.text
    return answer.json


def market(shop: Shop, **words) -> None:
    answer = shop.post("/_sim/rates", json=words)
    assert answer.status == 200, answer.text


def test_the_answer_names_its_layer(shop):
    market(shop, rates={"VND": "25412.37"}, fault="none")
    shop.advance(7_200)
    first, second = rates(shop), rates(shop)

    assert set(first) == {"base", "rates", "source", "asOf"}
    assert (first["base"], first["rates"]["USD"], first["rates"]["VND"]) == ("USD", 1, 25412.37)
    assert first["source"] in {"api", "cached"}
    assert (second["source"], second["asOf"]) == ("cached", first["asOf"])


@pytest.mark.parametrize("fault", ["error_500", "garbage"])
def test_a_source_that_fails_leaves_the_expired_cache(shop, fault):
    market(shop, rates={"VND": "25500"}, fault="none")
    shop.advance(7_200)
    before = rates(shop)
    market(shop, rates={"VND": "99999"}, fault=fault)
    shop.advance(7_200)

    after = rates(shop)

    assert (after["source"], after["rates"]["VND"]) == ("expired", before["rates"]["VND"])
    market(shop, fault="none")
    shop.advance(120)


def test_a_hub_whose_source_never_answered_has_the_floor(open_shop):
    shop = open_shop(TALLYSTICK_EXCHANGE_RATE_URL="http://127.0.0.1:1/latest")

    told = rates(shop)

    assert (told["source"], told["rates"]["VND"]) == ("fallback", 24_500)


def test_the_job_refreshes(shop):
    secret = {"x-cron-secret": shop.server.cron_secret}

    run = shop.line.post("/api/jobs/refresh-rates", headers=secret)

    assert run.status == 200, run.text
    assert run.json["success"], run.json


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rates": {"VND": 25_000}}, "rates.VND"),
        ({"rates": {"VND": "-1"}}, "rates"),
        ({"fault": "sulk"}, None),
        ({"rates": {"XXY": "1"}}, None),
    ],
)
def test_a_market_that_makes_no_sense_is_refused(shop, body, field):
    answer = shop.post("/_sim/rates", json=body)

    assert answer.status == 400
    assert field in {None, *(one["field"] for one in answer.json.get("errors", []))}


def test_only_an_admin_moves_the_market(shop):
    assert shop.post("/_sim/rates", json={}, token=None).status == 401
