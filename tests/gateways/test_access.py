"""Letting buyers in at GitHub: our adapter against the simulated GitHub, call by call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from tallystick.access import GitHub
from tallystick.domain.access import GrantState, Place
from tallystick.domain.errors import GatewayRefused, GatewayUnavailable, GatewayUnreachable
from tallystick.gateways.abilities import DiscountTold
from tallystick.gateways.base import Reply
from tallystick.gateways.polar.calls import Calls
from tallystick.gateways.polar.discounts import PolarDiscounts
from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.polar import PolarKeys, polar

TEAM = Place("us", "customers", is_team=True)
REPOSITORY = Place("us", "plugins", is_team=False)
KEYS = PolarKeys("polar_oat_1", "whsec_polarSecret1polarSecret1", "product-1")
HERE = "http://here"


@dataclass
class InsideWire:
    """A wire to the simulators in this process; `answers` are given in their place."""

    app: Starlette
    answers: list[Reply] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def send(self, method, url, *, headers, body=None):
        self.calls.append(f"{method} {url.removeprefix(HERE)}")
        if self.answers:
            return self.answers.pop(0)
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url=HERE) as http:
            got = await http.request(method, url, headers=headers, content=body)
        return Reply(got.status_code, got.content, dict(got.headers))


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[InsideWire]:
    simulators = Simulators([polar(KEYS)], base_url=HERE, webhook_url=lambda name: f"{HERE}/{name}",
                  books_path=tmp_path / "books", github_token="ghp_1")  # fmt: skip
    yield InsideWire(Starlette(routes=simulators.routes()))
    await simulators.close()


@pytest.fixture
def github(wire: InsideWire) -> GitHub:
    return GitHub("ghp_1", f"{HERE}/_sim/github", wire)


@pytest.mark.parametrize("where", [TEAM, REPOSITORY])
async def test_somebody_is_invited_and_let_out_and_both_may_be_repeated(github, where):
    invited = [await github.invite(where, "octo-cat") for _ in range(2)]
    for _ in range(2):
        await github.remove(where, "Octo-Cat")

    assert invited == [GrantState.INVITED] * 2
    assert await github.invite(where, "octo-cat") is GrantState.INVITED


async def test_an_open_invitation_to_a_repository_is_taken_back(github, wire):
    await github.invite(REPOSITORY, "somebody")
    await github.invite(REPOSITORY, "octo-cat")

    await github.remove(REPOSITORY, "OCTO-CAT")

    assert "DELETE /_sim/github/repos/us/plugins/invitations/2" in wire.calls


async def test_a_name_that_nobody_has_is_the_buyers_to_mend(github):
    with pytest.raises(GatewayRefused, match="nobody-here"):
        await github.invite(TEAM, "nobody-here")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Reply(404, b"{}", {}), Reply(200, b"{}", {})], GatewayUnavailable),
        ([Reply(401, b"{}", {})], GatewayUnavailable),
        ([Reply(403, b"{}", {})], GatewayUnreachable),
        ([Reply(429, b"{}", {})], GatewayUnreachable),
        ([Reply(500, b"", {})], GatewayUnreachable),
        ([Reply(302, b"", {})], GatewayUnreachable),
        ([Reply(200, b"<html>", {})], GatewayUnreachable),
    ],
)
async def test_what_is_not_the_buyers_fault_is_tried_again(github, wire, answers, error):
    wire.answers = answers

    with pytest.raises(error):
        await github.invite(TEAM, "octo-cat")


async def test_who_is_in_already_is_a_member(github, wire):
    wire.answers = [Reply(204, b"", {}), Reply(200, b'{"state": "active"}', {})]

    assert await github.invite(REPOSITORY, "octo-cat") is GrantState.MEMBER
    assert await github.invite(TEAM, "octo-cat") is GrantState.MEMBER


async def test_a_name_cannot_leave_its_place_in_the_address(github, wire):
    wire.answers = [Reply(200, b"{}", {})]

    await github.invite(TEAM, "../../x?y#z")

    assert wire.calls == [
        "PUT /_sim/github/orgs/us/teams/customers/memberships/..%2F..%2Fx%3Fy%23z"
    ]


async def test_a_discount_at_polar_is_read_limited_and_deleted(wire):
    calls = Calls(f"{HERE}/_sim/polar/v1", KEYS.access_token, wire)
    there = PolarDiscounts(calls)
    ten = {"type": "percentage", "basis_points": 1_000, "duration": "once"}
    made = await calls.make("/discounts/", {"name": "Ten", "max_redemptions": 3, **ten})
    number = made.fields.name("id")

    assert await there.fetch(number) == DiscountTold(3, 0)
    assert await there.limit(number, 2)
    assert await there.fetch(number) == DiscountTold(2, 0)
    with pytest.raises(GatewayRefused, match="greater than or equal to 1"):
        await there.limit(number, 0)
    assert await there.delete(number)

    assert await there.fetch(number) is None
    assert not await there.delete(number)
    assert not await there.limit(number, 1)
