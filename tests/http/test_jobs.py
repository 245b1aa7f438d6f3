"""The named jobs as cron and the replaced payment-link service's clients meet them."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from tallystick.flows.schedule import SCHEDULE
from tallystick.products import EXTENSIONS
from tests.http.shop import Shop, eventually
from tests.infra.live import Answer

NAMES = ["expired-links", "stuck-payments", "poll-gateways", "retry-inbox", "deliver-events",
         "audit"]  # fmt: skip
# Both leave a trace of every run, and nothing else here rests on them.
OFF = ["refresh-rates", "reconcile"]
ENVIRONMENT = {"TALLYSTICK_JOBS_OFF": " refresh-rates, reconcile ,"}


@pytest.fixture(params=["x-cron-secret", "authorization"])
def cron(request: pytest.FixtureRequest, shop: Shop) -> dict[str, str]:
    """The secret, in either of the two forms."""
    secret = shop.server.cron_secret
    given = secret if request.param == "x-cron-secret" else f"Bearer {secret}"
    return {request.param: given}


@pytest.mark.parametrize("name", NAMES)
def test_cron_runs_a_job_and_reads_how_it_fared(shop, cron, name):
    before = shop.get(f"/api/jobs/{name}", token=None, headers=cron).json

    run = shop.post(f"/api/jobs/{name}", token=None, headers=cron)
    after = shop.get(f"/api/jobs/{name}", token=None, headers=cron).json

    assert run.status == 200
    assert run.json["success"] is True
    assert after["stats"]["totalExecutions"] == before["stats"]["totalExecutions"] + 1


def test_the_history_has_the_shape_of_system_s1(shop, cron):
    shop.post("/api/jobs/expired-links", token=None, headers=cron)

    told = shop.get("/api/jobs/expired-links", token=None, headers=cron).json

    stats = told["stats"]
    assert told.keys() == {"jobName", "stats", "recentExecutions"}
    assert told["jobName"] == "expired-links"
    assert stats.keys() == {
        "totalExecutions", "successCount", "failureCount", "averageDuration", "successRate",
        "lastExecution",
    }  # fmt: skip
    assert stats["lastExecution"].keys() == {"startTime", "endTime", "success"}
    assert (stats["successRate"], stats["failureCount"]) == (100.0, 0)
    assert stats["averageDuration"] >= 0
    assert re.fullmatch(r"\d{4}-.*Z", stats["lastExecution"]["startTime"])
    assert told["recentExecutions"][0]["success"] is True


@pytest.mark.parametrize("wrong", [
    {}, {"x-cron-secret": ""}, {"x-cron-secret": "wrong"}, {"authorization": "Bearer wrong"},
    {"authorization": "Basic wrong"}, {"x-cron-secret": "ééé"},
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_secret_nothing_runs_and_nothing_is_told(shop, method, wrong):
    headers = {name: value.encode() for name, value in wrong.items()}
    before = runs(shop)

    answer = shop.send(method, "/api/jobs/tidy", token=None, headers=headers)

    assert answer.status == 401
    assert runs(shop) == before


def test_a_merchants_key_is_not_the_cron_secret(shop):
    assert shop.post("/api/jobs/expired-links").status == 401


def test_an_unknown_job_is_a_404_that_names_the_known_ones(shop, cron):
    answers = [shop.send(method, "/api/jobs/dance", token=None, headers=cron)
               for method in ("GET", "POST")]  # fmt: skip

    assert [answer.status for answer in answers] == [404, 404]
    assert "expired-links" in answers[0].json["detail"]


def test_of_two_runs_at_once_one_is_told_that_the_other_is_at_it(shop):
    sale = shop.payment(gateway="sandbox", expiresIn=60)
    sale.act("error_500", times=1000)
    shop.advance(70)
    sale.act("error_500", times=0)
    sale.act("time_out_after_success", times=3)
    answers: list[Answer] = []
    first = threading.Thread(target=lambda: answers.append(run_expiry(shop)))

    first.start()
    eventually(lambda: held(shop), bool)
    second = run_expiry(shop)
    first.join()

    assert answers[0].status == 200
    assert second.status == 409
    assert second.json["code"] == "still_running"
    assert second.headers["retry-after"]
    sale.act("time_out_after_success", times=0)
    sale.becomes("expired")


def test_the_schedule_runs_without_any_cron(shop, cron):
    before = shop.get("/api/jobs/expired-links", token=None, headers=cron).json["stats"]

    shop.advance(1300)

    after = shop.get("/api/jobs/expired-links", token=None, headers=cron).json["stats"]
    assert after["totalExecutions"] >= before["totalExecutions"] + 4


def test_idempotency_keys_are_forgotten_after_a_week(shop):
    wish = {"amount": 50_000, "currency": "VND", "description": "Tea", "expiresIn": 60}
    key = {"idempotency-key": "week-1"}
    first = shop.post("/api/payment-links", json=wish, headers=key)

    shop.advance(8 * 86_400)

    again = shop.post("/api/payment-links", json=wish, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert again.data["id"] != first.data["id"]


def test_the_job_expires_what_its_timer_would_expire(shop, cron):
    sale = shop.payment(gateway="sandbox", expiresIn=60)
    shop.advance(70)

    shop.post("/api/jobs/expired-links", token=None, headers=cron)

    sale.becomes("expired")


def runs(shop: Shop) -> int:
    """How many runs of all jobs are in the history."""
    return int(shop.rows("SELECT count(*) FROM job_runs WHERE job_name = 'tidy'")[0][0])


def run_expiry(shop: Shop) -> Answer:
    """Run the job that closes offers."""
    secret = {"x-cron-secret": shop.server.cron_secret}
    return shop.server.post("/api/jobs/expired-links", headers=secret)


def held(shop: Shop) -> bool:
    """Whether somebody runs the job now."""
    where = "name = 'expired-links' AND holder IS NOT NULL"
    return bool(shop.rows(f"SELECT name FROM schedules WHERE {where}"))


def test_a_link_that_hangs_open_since_its_notice_was_lost_is_found_counted_and_logged(shop, cron):
    link, idle = shop.chosen_link("sandbox"), shop.link()
    shop.advance(3600)
    link.act("lose_webhook")

    run = shop.post("/api/jobs/stuck-payments", token=None, headers=cron).json

    assert run["result"]["found"] >= 1
    assert run["result"]["freed"] >= 1
    assert run["result"]["found"] == run["result"]["freed"] + run["result"]["left"]
    assert link.show()["phase"] == "paid"
    logged = [json.loads(line) for line in shop.server.stderr.splitlines()
              if '"stuck_payment_links"' in line]  # fmt: skip
    assert (logged[-1]["level"], logged[-1]["count"]) == ("warning", run["result"]["found"])
    assert not any(idle.id in one["links"] for one in logged)


def test_a_cron_service_that_calls_by_get_runs_nothing(shop, cron):
    before = shop.get("/api/jobs/expired-links", token=None, headers=cron).json["stats"]

    after = shop.get("/api/jobs/expired-links", token=None, headers=cron).json["stats"]

    assert after == before


def test_a_job_that_was_switched_off_does_not_run_and_says_so(shop, cron):
    shop.advance(2 * 1800)

    told = shop.get("/api/jobs/refresh-rates", token=None, headers=cron).json
    listed = every_job(shop, cron)

    assert (told["enabled"], told["stats"]["totalExecutions"]) == (False, 0)
    assert [name for name, job in listed.items() if not job["enabled"]] == OFF
    assert {listed[name]["nextRunAt"] for name in OFF} == {None}
    assert shop.rows("SELECT count(*) FROM job_runs WHERE job_name = 'refresh-rates'") == [(0,)]


def test_cron_that_calls_a_job_that_is_off_is_told_how_to_switch_it_on(shop, cron):
    answer = shop.post("/api/jobs/reconcile", token=None, headers=cron)

    assert (answer.status, answer.json["code"]) == (409, "conflict")
    assert "TALLYSTICK_JOBS_OFF" in answer.json["detail"]
    assert shop.get("/api/jobs/reconcile", token=None, headers=cron).json["recentExecutions"] == []


def test_all_jobs_are_listed_with_when_they_run_and_how_they_fared(shop, cron):
    shop.advance(301)
    shop.post("/api/jobs/audit", token=None, headers=cron)

    listed = every_job(shop, cron)

    assert list(listed) == [*SCHEDULE, *EXTENSIONS.jobs]
    assert (listed["audit"]["every"], listed["audit"]["running"]) == (86_400, False)
    assert listed["audit"]["stats"]["lastExecution"]["success"] is True
    assert listed["audit"]["stats"]["totalExecutions"] > 0
    assert listed["audit"]["lastRunAt"] < listed["audit"]["nextRunAt"]
    # It ran, found nothing to do, and left no history of that.
    assert listed["retry-inbox"]["lastRunAt"] is not None


def test_a_job_that_is_on_is_listed_as_it_is_told_by_itself(shop, cron):
    told = shop.get("/api/jobs/expired-links", token=None, headers=cron).json

    assert every_job(shop, cron)["expired-links"]["stats"].keys() == told["stats"].keys()
    assert "enabled" not in told


@pytest.mark.parametrize("wrong", [{}, {"x-cron-secret": "wrong"}])
def test_the_list_of_jobs_is_for_cron_alone(shop, wrong):
    assert shop.get("/api/jobs", token=None, headers=wrong).status == 401
    assert shop.get("/api/jobs").status == 401


def every_job(shop: Shop, cron: dict[str, str]) -> dict[str, dict[str, Any]]:
    """All jobs by their names, as they are listed."""
    answer = shop.get("/api/jobs", token=None, headers=cron).json
    assert answer["pagination"] == {
        "limit": len(answer["data"]), "nextCursor": None, "hasMore": False
    }  # fmt: skip
    return {job["jobName"]: job for job in answer["data"]}
