"""Chaos: random payers, lying gateways, lost and doubled notices, a clock and sudden deaths."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from tallystick.cli.server import ServerClient
from tallystick.domain.errors import Refused, Unavailable
from tallystick.sandbox.dev_process import DevProcess

PAYERS_AT_ONCE: Final = 4
BATCH: Final = 40
CROWDED: Final = "sepay"
MOST_AT_ONCE: Final = 1000
DAY_S: Final = 86_400
# What payers and gateways do, and how often. Not `hang`: it only waits.
ACTS: Final = {
    "pay": 20, "lose_webhook": 12, "repeat_webhook": 8, "reorder_webhooks": 5,
    "replay_webhook": 5, "truncate_webhook": 5, "unknown_field": 4, "mangle_memo": 5,
    "underpay": 6, "overpay": 6, "pay_twice": 5, "pay_late": 5, "wrong_currency": 3,
    "decline": 5, "cancel": 5, "forge_webhook": 5, "time_out_after_success": 3, "error_500": 3,
}  # fmt: skip


CURRENCIES: Final = ("VND", "USD", "LKR", "JPY", "BHD")


@dataclass(slots=True)
class ChaosResult:
    """What happened, by kind."""

    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    days: float = 0.0


def run(dev: DevProcess, seed: int, payments: int, strangers: int = 0) -> ChaosResult:
    """Make so many payments from a seed, then let 45 days pass so that everything is heard.

    `strangers` are transfers of other people on the bank account that payers pay to.
    """
    rng = Random(f"chaos/{seed}")  # noqa: S311 - not a secret: to be repeated
    result = ChaosResult()
    dev.start()
    gateways = dev.server.get("/api/gateways")["data"]
    _crowd(dev.server, seed, strangers)
    with ThreadPoolExecutor(PAYERS_AT_ONCE) as payers:
        for first in range(0, payments, BATCH):
            numbers = range(first, min(first + BATCH, payments))
            one = partial(_one, dev.server, seed, gateways)
            for done in payers.map(one, numbers):
                result.acts.update(done[0])
                result.refused.update(done[1])
            if rng.random() < 0.5:
                dev.kill()
                result.deaths += 1
                dev.start()
            _pass(dev.server, rng.choice((60, 600, 3600, 6 * 3600)), result)
    for _ in range(5):
        _pass(dev.server, 9 * DAY_S, result)
    result.phases = _phases(dev.server)
    dev.stop()
    return result


def _crowd(server: ServerClient, seed: int, strangers: int) -> None:
    """Other people's money comes to the account too."""
    for first in range(0, strangers, MOST_AT_ONCE):
        wish = {"amount": 50_000, "currency": "VND", "gateway": CROWDED,
                "reference": f"crowd-{seed}-{first}"}  # fmt: skip
        payment = server.post("/api/payments", wish)["data"]["id"]
        some = min(MOST_AT_ONCE, strangers - first)
        server.post(
            "/_sim/act", {"paymentId": payment, "act": "strangers", "times": some, "seed": first}
        )


def _one(
    server: ServerClient, seed: int, gateways: list[dict[str, Any]], number: int
) -> tuple[Counter[str], Counter[str]]:
    """All that one payer does. What is refused in words is part of it; a 5xx is not."""
    rng = Random(f"chaos/{seed}/{number}")  # noqa: S311 - not a secret: to be repeated
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    gateway = rng.choice(gateways)
    currencies = sorted({*(gateway["currencies"] or CURRENCIES)} & {*CURRENCIES})
    wish: dict[str, Any] = {
        "amount": rng.randrange(20_000, 5_000_000),
        "currency": rng.choice(currencies),
        "gateway": gateway["name"],
        "reference": f"chaos-{seed}-{number}",
        "expiresIn": rng.choice((600, 3600, DAY_S)),
    }
    try:
        payment = server.post("/api/payments", wish)["data"]["id"]
    except Refused as error:
        refused[_short(error)] += 1
        return done, refused
    acts = {act: weight for act, weight in ACTS.items() if _can_end_well(act, gateway)}
    for act in rng.choices(list(acts), list(acts.values()), k=rng.choice((1, 1, 1, 2, 3))):
        asked = {"paymentId": payment, "act": act, "seed": rng.randrange(2**31)}
        if act in {"time_out_after_success", "error_500"}:
            asked["times"] = 1
        try:
            server.post("/_sim/act", asked)
            done[act] += 1
            if rng.random() < 0.2:
                server.post(f"/api/payments/{payment}/check", {})
        except Refused as error:
            refused[f"{act}: {_short(error)}"] += 1
    return done, refused


def _can_end_well(act: str, gateway: dict[str, Any]) -> bool:
    """Money of which nobody can tell the hub is for reconciliation, not for chaos.

    Its only notice is lost or cut short, which a person sees as unreadable, and there is nobody
    to ask; or it is a part whose size is not told.
    """
    unheard = act in {"lose_webhook", "truncate_webhook"} and gateway["verifies"] != "fetch"
    return not (unheard or (act == "underpay" and not gateway["tellsParts"]))


def _pass(server: ServerClient, seconds: float, result: ChaosResult) -> None:
    server.post("/_sim/clock", {"advance": seconds}, timeout_s=300)
    result.days += seconds / DAY_S


def _phases(server: ServerClient) -> Counter[str]:
    counted: Counter[str] = Counter()
    cursor = ""
    while True:
        page = server.get(f"/api/payments?limit=200{cursor}")
        for one in page["data"]:
            counted[f"{one['phase']}, {one['amountState']}{', late' if one['late'] else ''}"] += 1
        if not page["pagination"]["hasMore"]:
            return counted
        cursor = f"&cursor={page['pagination']['nextCursor']}"


def _short(error: Refused | Unavailable) -> str:
    return error.detail.partition(".")[0][:60]
