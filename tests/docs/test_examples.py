"""The example answers in the docs have the fields that the server's answers have."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from tests.test_tidy import ROOT

PAGES = ("api.md", "errors.md")
PAYMENT = {"amount": 50_000, "currency": "VND", "gateway": "payos", "description": "Order 1001"}
TASK = {"amount": 150_000, "currency": "LKR", "callbackUrl": "https://shop.example/paid"}
GIFT_CARD = {"email": "lan@example.com", "amount": 50_000}
LINK = {"amount": 50_000, "currency": "VND", "description": "Two coffees"}


@cache
def examples() -> list[tuple[str, dict]]:
    """Every JSON block of the pages, with the name of what it shows."""
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text()
        for name, body in re.findall(r"^```json ?(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found.append((name, json.loads(body)))
    return found


def fields(value: object, prefix: str = "") -> set[str]:
    """The paths of all fields, without what an ellipsis leaves out."""
    if isinstance(value, dict) and "…" not in value:
        return {f"{prefix}{name}" for name in value}.union(
            *(fields(one, f"{prefix}{name}.") for name, one in value.items())
        )
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return fields(value[0], prefix)
    return set()


@pytest.fixture
def answers(live_server):
    """A real answer of each kind."""
    server = live_server()

    def post(path: str, body: object = None) -> dict:
        return server.post(path, json=body, token=server.secret_key).json

    def get(path: str) -> dict:
        return server.get(path, token=server.secret_key).json

    payment, link = post("/api/payments", PAYMENT), post("/api/payment-links", LINK)
    paid = payment["data"]["id"]
    attempt = post(f"/pay/{link['data']['shortCode']}/attempts", {"gateway": "payos"})
    for reference in (link["data"]["id"], paid):
        key = "paymentId" if reference == paid else "reference"
        post("/_sim/act", {key: reference, "act": "pay"})
    cron = {"x-cron-secret": server.cron_secret}
    run = server.post("/api/jobs/expired-links", headers=cron).json
    topup = post("/api/topup/init", {"amount": 50_000, "ownerId": "user-7"})
    task = post("/api/tasks", TASK)
    session = post(f"/api/tasks/{task['data']['id']}/actions",
                   {"action": "INITIATE_PAYMENT", "gateway": "govpay"})  # fmt: skip
    return {
        "topup": topup,
        "topup_status": get(f"/api/topup/status?tx_ref={topup['data']['tx_ref']}"),
        "task": task,
        "session": session,
        "payment": payment,
        "link": link,
        "attempt": attempt,
        "status": get(f"/api/payments/{paid}/status"),
        "why": get(f"/api/payments/{paid}/why"),
        "link_status": eventually_paid(get, link["data"]["id"]),
        "run": run,
        "jobs": server.get("/api/jobs", headers=cron).json,
        "job": server.get("/api/jobs/expired-links", headers=cron).json,
        "gateways": get("/api/gateways"),
        "problem": post("/api/payments", {**PAYMENT, "amount": 1.5}),
        **gift_card_answers(post, get),
    }


def gift_card_answers(post, get) -> dict[str, dict]:
    """The answers about a gift card that is bought, paid, and spent in part."""
    sale = post("/api/gift-cards", GIFT_CARD)
    order = {"onePayOrderId": sale["onePayOrderId"]}
    post("/_sim/act", {"reference": sale["id"], "act": "pay"})
    payment = post("/checkGiftCardPayment", order)
    while "code" not in payment:
        post(f"/api/payments/{sale['paymentId']}/check")
        payment = post("/checkGiftCardPayment", order)
    path = f"/api/gift-cards/{payment['code']}"
    return {
        "gift_card_sale": sale,
        "gift_card_payment": payment,
        "gift_card_redemption": post(f"{path}/redeem", {"amount": 20_000, "reference": "o1"}),
        "gift_card_hold": post(f"{path}/holds", {"amount": 10_000, "reference": "o2"}),
        "gift_card": get(path),
        "gift_cards": get(f"/api/gift-cards?payment={sale['paymentId']}"),
    }


def eventually_paid(get, link: str) -> dict:
    """The status of the link once the money is settled."""
    told = get(f"/api/payment-links/{link}/status")
    while not told["data"]["final"]:
        told = get(f"/api/payment-links/{link}/status")
    return told


def test_the_examples_have_the_fields_of_the_answers(answers):
    for name, example in examples():
        if name and name != "problem":
            assert fields(example) - {"data.…"} <= fields(answers[name]), name
            assert fields(answers[name]) - fields(example) <= LEFT_OUT.get(name, set()), name


def test_an_example_of_a_problem_is_a_problem(answers):
    for name, example in examples():
        if name == "problem":
            assert fields(example) <= fields(answers["problem"])


def test_every_kind_of_answer_is_shown(answers):
    assert {name for name, _ in examples()} == {"", *answers}


CHECKOUT = {
    f"data.checkout.{name}"
    for name in ("checkoutUrl", "qrCode", "bankName", "bankBin", "accountNumber", "accountName",
                 "transferContent", "vaNumber", "instructions")
}  # fmt: skip
# What an ellipsis in the example stands for.
LEFT_OUT = {
    "job": {
        f"recentExecutions.{name}"
        for name in ("startTime", "endTime", "duration", "success", "result", "error")
    } | {f"recentExecutions.result.{name}" for name in ("looked_at", "expired", "paid", "left")},
    "attempt": CHECKOUT,
    "topup": CHECKOUT,
    "session": CHECKOUT,
}  # fmt: skip
