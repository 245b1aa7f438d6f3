"""A merchant's shop at a running hub, its sales, and the payer and the gateways that it plays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.http import rows
from tests.http.line import Line
from tests.infra.live import Answer, LiveServer, assert_no_fault

T = TypeVar("T")
PATIENCE_S = 200.0
GLANCE_S = 0.03


def eventually(
    look: Callable[[], T], told: Callable[[T], bool], patience_s: float = PATIENCE_S
) -> T:
    """Look until it is so, with a generous deadline; the last thing that was seen."""
    deadline = time.monotonic() + patience_s
    seen = look()
    while not told(seen):
        assert time.monotonic() < deadline, f"It never happened; last seen: {seen}"
        time.sleep(GLANCE_S)
        seen = look()
    return seen


class Shop:
    """One merchant with an admin key. `token` in each request is that key unless it is given."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.line = Line(lambda: server.url)

    def send(self, method: str, path: str, **words: Any) -> Answer:
        """One request with the merchant's key."""
        return self.line.send(method, path, **{"token": self.server.secret_key, **words})

    def get(self, path: str, **words: Any) -> Answer:
        """GET with the merchant's key."""
        return self.send("GET", path, **words)

    def post(self, path: str, **words: Any) -> Answer:
        """POST with the merchant's key."""
        return self.send("POST", path, **words)

    def payment(self, **wish: Any) -> Sale:
        """A plain payment, of 50.000 ₫ at payOS unless something else is wished."""
        wished = {"amount": 50_000, "currency": "VND", "gateway": "payos", **wish}
        answer = self.post("/api/payments", json=wished)
        assert answer.status == 201, answer.text
        return Sale(self, answer.data["id"], answer.json["clientToken"])

    def link(self, **wish: Any) -> Sale:
        """A payment link that nobody has opened yet, of 50.000 ₫ unless more is wished."""
        wished = {"amount": 50_000, "currency": "VND", "description": "Tea", **wish}
        answer = self.post("/api/payment-links", json=wished)
        assert answer.status == 201, answer.text
        return Sale(self, answer.data["paymentId"], "", answer.data["id"], answer.data["shortCode"])

    def chosen_link(self, gateway: str = "payos", **wish: Any) -> Sale:
        """A payment link whose payer has chosen how to pay."""
        sale = self.link(**wish)
        sale.choose(gateway)
        return sale

    def advance(self, seconds: float) -> dict[str, Any]:
        """Let time pass; everything that comes due on the way has happened when this returns."""
        answer = self.post("/_sim/clock", json={"advance": seconds})
        assert answer.status == 200, answer.text
        return answer.data

    def now(self) -> datetime:
        """The hub's own time."""
        return datetime.fromisoformat(self.advance(0)["now"])

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        return rows.read(self.server.database, statement)

    def offers(self, gateway: str) -> list[str]:
        """The hub's references of all offers that a gateway has in its own books."""
        books = self.own_file(".sandbox")
        told = rows.read(f"sqlite:///{books}", "SELECT ref, gateway FROM orders ORDER BY ref")
        return [ref for ref, name in told if name == gateway]

    def gateway_keys(self, gateway: str) -> dict[str, str]:
        """What this hub and its simulated gateway prove themselves to each other by."""
        keys: dict[str, str] = json.loads(self.own_file(".dev-keys").read_text())[gateway]
        return keys

    def own_file(self, ending: str) -> Path:
        """A file that the program keeps for itself: beside a SQLite database, or in its folder."""
        name = self.server.database.removeprefix("sqlite:///")
        return Path(name + ending) if name.startswith("/") else next(
            self.server.folder.glob(f"*{ending}")
        )  # fmt: skip

    def metric(self, name: str) -> float:
        """The value of a metric without labels, or with all its labels as part of the name."""
        lines = self.get("/metrics", token=None).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name + " ")), 0.0)

    def audit(self) -> None:
        """Every invariant of the books holds; the audit runs inside the server, on its clock."""
        secret = {"x-cron-secret": self.server.cron_secret}
        run = self.line.post("/api/jobs/audit", headers=secret).json
        assert run["success"], run
        assert not run["result"].get("findings"), run["result"]

    def close(self) -> None:
        """Hang up."""
        self.line.close()

    def leave(self) -> None:
        """End the hub that tests shared. Whatever they did: the books balance, nothing failed."""
        try:
            self.audit()
        finally:
            self.close()
            self.server.stop()
        assert_no_fault(self.server)


@dataclass(slots=True)
class Sale:
    """One payment and what is sold through it. `token` is what its payer's browser holds."""

    shop: Shop
    id: str
    token: str
    link_id: str = ""
    short_code: str = ""

    def choose(self, gateway: str = "payos") -> dict[str, Any]:
        """The payer of a link chooses how to pay; the answer that the browser gets."""
        answer = self.shop.post(
            f"/pay/{self.short_code}/attempts", json={"gateway": gateway}, token=None
        )
        assert answer.status == 201, answer.text
        self.token = answer.data["clientToken"]
        data: dict[str, Any] = answer.data
        return data

    def act(self, act: str, **words: Any) -> dict[str, Any]:
        """The payer, the bank, the gateway or an attacker does something; what happened."""
        answer = self.shop.post("/_sim/act", json={"paymentId": self.id, "act": act, **words})
        assert answer.status == 200, answer.text
        data: dict[str, Any] = answer.data
        return data

    def show(self) -> dict[str, Any]:
        """The payment as the merchant reads it; asks no gateway."""
        data: dict[str, Any] = self.shop.get(f"/api/payments/{self.id}").data
        return data

    def link_status(self, **words: Any) -> dict[str, Any]:
        """What anybody with the link is told."""
        path = f"/api/payment-links/{self.link_id}/status"
        data: dict[str, Any] = self.shop.get(path, **{"token": None, **words}).data
        return data

    def becomes(self, phase: str, **more: Any) -> dict[str, Any]:
        """Wait until the payment is so; it is read only, so nothing here makes it happen."""
        wanted = {"phase": phase, **more}
        return eventually(self.show, lambda seen: {n: seen[n] for n in wanted} == wanted)

    def is_offered(self) -> dict[str, Any]:
        """Wait until the gateway has the offer, and we know it."""
        return eventually(self.show, lambda seen: seen["attempt"]["state"] == "awaiting_payer")

    def cancel(self) -> Answer:
        """The merchant takes the offer back."""
        return self.shop.post(f"/api/payments/{self.id}/cancel")

    def counted(self, table: str) -> int:
        """How many rows of a table belong to this payment."""
        where = f"payment_id = '{self.id}'"
        return int(self.shop.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def events(self) -> list[str]:
        """What was told of this payment, in order."""
        where = f"payment_id = '{self.id}' ORDER BY seq"
        return [row[0] for row in self.shop.rows(f"SELECT type FROM events WHERE {where}")]

    def why(self) -> str:
        """The sentences of the proof, one a line."""
        reasons = self.shop.get(f"/api/payments/{self.id}/why").data["reasons"]
        return "\n".join(reason["sentence"] for reason in reasons)

    def order(self) -> dict[str, Any]:
        """The offer as the gateway's own books have it."""
        return dict(self.act("hang", times=0)["order"])
