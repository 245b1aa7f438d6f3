"""The main job in steps, done over real HTTP at a server of its own."""

import json
import queue
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import typer

from tallystick.cli.server import ServerClient, StreamEvent
from tallystick.cli.terminal import qr
from tallystick.domain.errors import HubError, Unavailable
from tallystick.domain.money import Money
from tallystick.sandbox.dev_process import DevProcess

AMOUNT: Final = Money(50_000, "VND")
GATEWAY: Final = "payos"
PATIENCE_S: Final = 15.0
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def run() -> None:
    """From beginning to end, in words. Raises Unavailable with the step that failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as folder:
        dev = DevProcess(Path(folder))
        dev.start()
        try:
            script = DemoScript(dev.server, dev.database)
            for number, (title, step) in enumerate(script.steps(), 1):
                typer.echo(f"{number:>2}. {title}: ", nl=False)
                typer.echo(_done(title, step))
        finally:
            dev.stop()
    typer.echo(f"\nDone in {time.monotonic() - began:.1f} s. Try it yourself: tallystick dev")


def _done(title: str, step: Callable[[], str]) -> str:
    try:
        return step()
    except HubError as error:
        typer.echo("failed.")
        raise Unavailable(f"The step “{title}” failed: {error.detail}") from error


class DemoScript:
    """What is known so far, and the steps that add to it. Each step returns what happened."""

    def __init__(self, server: ServerClient, database: str) -> None:
        self._server = server
        self._database = database
        self._events: queue.Queue[StreamEvent | HubError] = queue.Queue()
        self._link: dict[str, Any] = {}
        self._attempt: dict[str, Any] = {}

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """All of them, in order."""
        return [
            ("A server of its own", lambda: f"{self._server.url}, database {self._database}"),
            ("Link created", self._create_link),
            ("Payer opens the link and chooses payOS", self._start_attempt),
            ("QR code shown", self._show_qr),
            ("Live page opened", self._open_stream),
            ("Payer pays at the simulated gateway", self._pay),
            ("Webhook arrives", lambda: self._find_reason("webhook", "pending")),
            (
                "Money verified over the gateway's API",
                lambda: self._find_reason("fetch", "succeeded"),
            ),
            ("Live page told by SSE", self._hear_paid),
            ("Delivered", self._find_delivery),
            ("Books balanced", self._audit),
        ]

    def _create_link(self) -> str:
        wish = {"amount": AMOUNT.minor, "currency": AMOUNT.currency, "description": "Two coffees"}
        self._link = self._server.post("/api/payment-links", wish)["data"]
        return f"{AMOUNT}, {self._link['url']}"

    def _start_attempt(self) -> str:
        path = f"/pay/{self._link['shortCode']}/attempts"
        self._attempt = self._server.post(path, {"gateway": GATEWAY})["data"]
        checkout = self._attempt["checkout"]
        return f"account {checkout['accountNumber']}, memo {checkout['transferContent']}"

    def _show_qr(self) -> str:
        return f"a bank's app would scan this\n\n{qr(self._attempt['checkout']['qrCode'])}\n"

    def _open_stream(self) -> str:
        threading.Thread(target=self._listen, daemon=True).start()
        return _shown(self._next_event())

    def _pay(self) -> str:
        """As a person does: open the gateway's own page, press its button, come back."""
        page = urlsplit(self._attempt["checkout"]["checkoutUrl"])
        payer = ServerClient(f"{page.scheme}://{page.netloc}")
        seen = payer.send("GET", page.path)
        pressed = payer.send("POST", page.path, urlencode({"act": "pay"}).encode(), _FORM)
        if seen.status != 200 or pressed.status != 303:
            raise Unavailable(f"The gateway's page answered {seen.status} and {pressed.status}.")
        return f"pressed “Pay” on {page.path}, sent back to {_short(pressed.headers['location'])}"

    def _find_reason(self, source: str, claim: str) -> str:
        """Wait until the proof of the payment has evidence of this source that claims this."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            proof = self._server.get(f"/api/payments/{self._attempt['paymentId']}/why")["data"]
            for reason in proof["reasons"]:
                if (reason["source"], reason["claim"]) == (source, claim):
                    return str(reason["sentence"])
            time.sleep(0.1)
        raise Unavailable(f"No evidence of the kind “{source}” came within {PATIENCE_S:.0f} s.")

    def _hear_paid(self) -> str:
        while True:
            event = self._next_event()
            if event.name == "status" and json.loads(event.data)["currentStatus"] == "PAID":
                return _shown(event)

    def _find_delivery(self) -> str:
        page = self._server.send("GET", f"/pay/{self._link['shortCode']}/success")
        status = self._server.get(f"/api/payment-links/{self._link['id']}/status")["data"]
        if page.status != 200 or not status["final"] or status["transactionInfo"] is None:
            raise Unavailable(f"The link is {status['currentStatus']}, not delivered.")
        transaction = status["transactionInfo"]["transactionId"]
        return f"the payer's page says “{status['statusMessage']}”, transaction {transaction}"

    def _audit(self) -> str:
        from tallystick.cli.audit import findings_of
        from tallystick.store.audit import CHECKS

        broken = findings_of(self._database)
        if broken:
            raise Unavailable(f"{broken[0].invariant}: {broken[0].sentence} {broken[0].rows[0]}")
        return f"all {len(CHECKS)} invariants of `tallystick audit` hold"

    def _listen(self) -> None:
        try:
            for event in self._server.stream(f"/api/payment-links/{self._link['id']}/stream"):
                self._events.put(event)
        except HubError as error:
            self._events.put(error)

    def _next_event(self) -> StreamEvent:
        try:
            event = self._events.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Unavailable(f"No event came within {PATIENCE_S:.0f} s.") from None
        if isinstance(event, HubError):
            raise event
        return event


def _shown(event: StreamEvent) -> str:
    state = json.loads(event.data)
    facts = {name: state[name] for name in ("currentStatus", "received", "version", "final")}
    return f"event: {event.name}, id: {event.id}, data: {json.dumps(facts)[:-1]}, …}}"


def _short(url: str) -> str:
    return url.partition("?")[0]
