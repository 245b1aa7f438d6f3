"""A small game of chaos on both databases; the large one is `tallystick sim chaos`."""

from __future__ import annotations

import pytest

from tallystick.cli.audit import findings_of
from tallystick.domain.errors import Invalid
from tallystick.sandbox import chaos, scenario
from tallystick.sandbox.dev_process import DevProcess

pytestmark = pytest.mark.server


@pytest.fixture
def dev(tmp_path, database_url, monkeypatch):
    """A server of its own, ended whatever happens."""
    monkeypatch.chdir(tmp_path)
    dev = DevProcess(tmp_path, database_url)
    yield dev
    dev.kill()


def test_after_chaos_the_books_are_equal_to_the_gateways_own(dev):
    tally = chaos.run(dev, seed=11, payments=18, strangers=150)

    assert findings_of(dev.database) == []
    assert dev.difference() == []
    assert sum(tally.phases.values()) >= 15
    assert not [why for why in tally.refused if "side" in why]


@pytest.mark.parametrize(
    ("act", "gateway", "played"),
    [("underpay", {"verifies": "fetch", "tellsParts": False}, False),
     ("underpay", {"verifies": "fetch", "tellsParts": True}, True),
     ("lose_webhook", {"verifies": "signed", "tellsParts": True}, False),
     ("truncate_webhook", {"verifies": "signed", "tellsParts": True}, False),
     ("lose_webhook", {"verifies": "fetch", "tellsParts": False}, True)],
)  # fmt: skip
def test_money_of_which_nobody_can_tell_the_hub_is_not_played(act, gateway, played):
    assert chaos._can_end_well(act, gateway) is played


def test_a_scenario_of_two_hours_goes_as_it_is_written(dev):
    document = {
        "seed": 3,
        "step": [
            {"do": "pay", "name": "tea", "amount": 50_000, "currency": "VND", "gateway": "payos",
             "expiresIn": 3600},
            {"do": "act", "on": "tea", "act": "lose_webhook"},
            {"do": "wait", "hours": 2},
            {"do": "expect", "on": "tea", "phase": "paid", "late": False},
            {"do": "expect", "on": "tea", "received": 1},
        ],
    }  # fmt: skip

    timeline = scenario.run(dev, document)

    assert len(timeline.lines) == 5
    assert timeline.failed == ["✗ tea: received is 50000, not 1"]
    assert dev.difference() == []


@pytest.mark.parametrize(
    ("step", "words"),
    [({"do": "dance"}, "do is one of"), ({"do": "act", "on": "nobody"}, "it needs")],
)
def test_a_step_that_makes_no_sense_is_named(dev, step, words):
    with pytest.raises(Invalid, match=words):
        scenario.run(dev, {"step": [step]})
