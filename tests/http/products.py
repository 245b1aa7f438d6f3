"""What is sold through payments, as its buyers and sellers hold it: top-ups, tasks, a workflow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http.callers import user_token
from tests.http.shop import Sale, Shop, eventually


class Topup(Sale):
    """One top-up, with what its owner holds."""

    def __init__(self, shop: Shop, owner: str, **wish: Any) -> None:
        self.owner, self.jwt = owner, user_token(shop, owner)
        answer = shop.post("/api/topup/init", json={"amount": 50_000, **wish}, token=self.jwt)
        assert answer.status == 201, answer.text
        self.started: dict[str, Any] = answer.data
        super().__init__(shop, answer.data["paymentId"], answer.data["clientToken"])

    @property
    def tx_ref(self) -> str:
        """What its owner knows it by."""
        return str(self.started["tx_ref"])

    def status(self) -> dict[str, Any]:
        """What the replaced wallet's clients are told."""
        path = f"/api/topup/status?tx_ref={self.tx_ref}"
        data: dict[str, Any] = self.shop.get(path, token=self.jwt).data
        return data

    def confirmed(self) -> dict[str, Any]:
        """Wait until the money is there."""
        return eventually(self.status, lambda told: told["status"] == "confirmed")


class Workflow:
    """The merchant's server that waits to be called back. `says` is what it answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.says = 200
        workflow = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                workflow.calls.append((names, body))
                self.send_response(workflow.says)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/done"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Workflow]:
        """A door on this machine, closed at the end."""
        made = cls()
        try:
            yield made
        finally:
            made.server.shutdown()
            made.server.server_close()

    def about(self, task: Task, kind: str = "task.completed") -> list[tuple[dict[str, str], bytes]]:
        """What of this kind it was told about one task."""
        told = f'"type":"{kind}"'.encode()
        return [call for call in self.calls if task.id.encode() in call[1] and told in call[1]]


class Task:
    """One task at the hub."""

    def __init__(self, shop: Shop, workflow: Workflow, **wish: Any) -> None:
        self.shop = shop
        wished = {"amount": 50_000, "currency": "VND", "callbackUrl": workflow.url, **wish}
        answer = shop.post("/api/tasks", json=wished)
        assert answer.status == 201, answer.text
        self.id, self.secret = answer.data["id"], answer.json["callbackSecret"]
        self.made: dict[str, Any] = answer.data

    def show(self) -> dict[str, Any]:
        """The task as the merchant reads it."""
        data: dict[str, Any] = self.shop.get(f"/api/tasks/{self.id}").data
        return data

    def act(self, action: str = "INITIATE_PAYMENT", gateway: str | None = "sandbox", **words: Any):
        """An action, and its answer."""
        body = {"action": action} | ({} if gateway is None else {"gateway": gateway})
        return self.shop.post(f"/api/tasks/{self.id}/actions", json=body, **words)

    def start(self, gateway: str = "sandbox") -> Session:
        """A session in which it can be paid."""
        answer = self.act(gateway=gateway)
        assert answer.status in {200, 201}, answer.text
        return Session(self.shop, answer.data)

    def becomes(self, status: str) -> dict[str, Any]:
        """Wait until it stands so."""
        return eventually(self.show, lambda told: told["status"] == status)

    def called_back(self) -> dict[str, Any]:
        """Wait until its callback has arrived."""
        return eventually(
            self.show, lambda told: (told["callback"] or {}).get("status") == "delivered"
        )


class Session(Sale):
    """One session of a task."""

    def __init__(self, shop: Shop, told: dict[str, Any]) -> None:
        super().__init__(shop, told["paymentId"], told["clientToken"])
        self.told = told
