"""A hub whose secrets are not set: the part that needs one refuses, and never fails open."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx2
import pytest

from tallystick.products import WEB_PARTS
from tallystick.web.app import build_app
from tests.http.callers import FAR_OFF, signed_token
from tests.store.conftest import database, house

__all__ = ["database", "house"]


@pytest.fixture
async def caller(house):
    """Somebody who calls a hub without a cron secret and without a JWT secret."""

    @asynccontextmanager
    async def lifespan():
        yield

    app = build_app(house.hub, house.hub.live, parts=WEB_PARTS, lifespan=lifespan)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


@pytest.mark.parametrize("headers", [
    {}, {"x-cron-secret": ""}, {"x-cron-secret": "None"}, {"x-cron-secret": "x"},
    {"authorization": "Bearer "}, {"authorization": "Bearer x"},
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_cron_secret_no_job_runs_for_anybody(caller, method, headers):
    answer = await caller.request(method, "/api/jobs/expired-links", headers=headers)

    assert answer.status_code == 503
    assert answer.json()["code"] == "not_configured"
    assert "CRON_SECRET" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "None", "null"])
async def test_without_a_jwt_secret_no_token_opens_anything(caller, house, key):
    payment_id, _ = await house.open(owner_id="alice")
    token = signed_token({"sub": "alice", "exp": FAR_OFF}, key)

    answer = await caller.get(
        f"/api/payments/{payment_id}", headers={"authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 401


async def test_a_fault_of_ours_is_told_without_our_insides(caller, house):
    house.hub.gateways = None

    answer = await caller.get("/pay/ABC/attempts", headers={"accept": "application/json"})
    broken = await caller.post("/api/webhooks/till", content=b"{}")

    assert answer.status_code == 405
    assert broken.status_code == 500
    assert broken.json()["code"] == "internal"
    assert broken.json()["requestId"] in broken.json()["detail"]
    assert "NoneType" not in broken.text
