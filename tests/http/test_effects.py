"""What could not be done outside for three days is listed, done again, and audits clean."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from aiosmtpd.controller import Controller

from tests.http.callers import key_of
from tests.http.conftest import OpenShop
from tests.http.shop import Sale, Shop, eventually
from tests.test_mail import Postman, free_port

GIFT_CARD = {"email": "lan@example.com", "amount": 50_000, "gateway": "sandbox"}


def run_audit(shop: Shop) -> dict:
    """One run of the job, as cron makes it."""
    secret = {"x-cron-secret": shop.server.cron_secret}
    return dict(shop.line.post("/api/jobs/audit", headers=secret).json)


def three_days_pass(shop: Shop) -> None:
    """In steps, for a machine that is busy. The daily audit fails meanwhile, and logs why."""
    shop.server.tracebacks_expected = True
    for _ in range(10):
        shop.advance(8 * 3_600)


def dead(shop: Shop) -> list[dict]:
    """The effects that wait for a person."""
    return list(shop.get("/api/effects?state=dead").data)


@pytest.fixture
def silent(open_shop: OpenShop) -> tuple[Shop, int]:
    """A shop whose mail server has been away since before its first letter; and its port."""
    port = free_port()
    return open_shop(TALLYSTICK_SMTP_URL=f"smtp://127.0.0.1:{port}"), port


@pytest.fixture
def buried(silent: tuple[Shop, int]) -> tuple[Shop, int, dict]:
    """A gift card's letter that could not be sent for three days."""
    shop, port = silent
    made = shop.post("/api/gift-cards", json=GIFT_CARD).json
    payment = shop.rows(f"SELECT payment_id FROM gift_cards WHERE id = '{made['id']}'")[0][0]
    sale = Sale(shop, payment, made["clientToken"])
    sale.act("pay")
    sale.becomes("paid")
    three_days_pass(shop)
    [letter] = eventually(lambda: dead(shop), lambda found: len(found) == 1)
    return shop, port, letter


def test_a_letter_that_nobody_took_for_three_days_is_sent_on_a_persons_word(buried):
    shop, port, letter = buried
    broken = run_audit(shop)
    path = f"/api/effects/{letter['id']}/retry"

    postman = Postman()
    office = Controller(postman, hostname="127.0.0.1", port=port)
    office.start()
    try:
        by_a_reader = shop.post(path, token=key_of(shop, "reader"))
        retried = shop.post(path)
        eventually(lambda: postman.came, bool)
        # The letter has come before that is written down.
        eventually(
            lambda: shop.get("/api/effects?state=done&kind=send_mail").data,
            lambda found: letter["id"] in {one["id"] for one in found},
        )
        eventually(lambda: shop.post(path).status, lambda status: status == 409)
    finally:
        office.stop()

    assert (letter["kind"], letter["state"]) == ("send_mail", "dead")
    assert letter["error"]
    assert "lan@example.com" not in str(letter)
    assert not broken["success"]
    assert by_a_reader.status == 403
    assert retried.status == 200, retried.text
    assert letter["id"] not in {one["id"] for one in dead(shop)}
    assert len(postman.came) == 1
    # The job whose run failed is run again, and its history says both.
    assert run_audit(shop)["success"]
    secret = {"x-cron-secret": shop.server.cron_secret}
    stats = shop.line.get("/api/jobs/audit", headers=secret).json["stats"]
    assert stats["failureCount"] >= 1
    assert stats["lastExecution"]["success"]


class Portal(BaseHTTPRequestHandler):
    """A workflow that is called back."""

    def do_POST(self) -> None:
        """Say thanks."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing to the test's output."""


@pytest.fixture
def portal_port() -> int:
    """A port at which nobody listens yet."""
    return free_port()


def test_a_callback_that_never_got_through_is_delivered_when_the_portal_is_back(
    open_shop, portal_port
):
    shop = open_shop()
    address = f"http://127.0.0.1:{portal_port}/paid"
    wish = {"amount": 50_000, "currency": "VND", "callbackUrl": address}
    task = shop.post("/api/tasks", json=wish).data
    go = {"action": "INITIATE_PAYMENT", "gateway": "sandbox"}
    session = shop.post(f"/api/tasks/{task['id']}/actions", json=go).data
    Sale(shop, session["paymentId"], "").act("pay")
    three_days_pass(shop)
    [callback] = eventually(lambda: dead(shop), lambda found: len(found) == 1)

    portal = HTTPServer(("127.0.0.1", portal_port), Portal)
    thread = Thread(target=portal.serve_forever, daemon=True)
    thread.start()
    try:
        shop.post(f"/api/effects/{callback['id']}/retry")
        told = eventually(
            lambda: shop.get(f"/api/tasks/{task['id']}").data["callback"],
            lambda seen: seen["status"] == "delivered",
        )
    finally:
        portal.shutdown()
        portal.server_close()
        thread.join()

    assert told["error"] is None
    assert run_audit(shop)["success"]


def test_an_unknown_effect_and_an_unknown_state_are_refused(shop):
    assert shop.post("/api/effects/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/retry").status == 404
    assert shop.get("/api/effects?state=lost").status == 400
    assert shop.get("/api/effects", token=None).status == 401
    assert shop.get("/api/effects?limit=1").status == 200
