"""A scenario: a TOML file of acts on the virtual clock, run against a server of its own."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tallystick.cli.server import ServerClient
from tallystick.domain.errors import HubError, Invalid
from tallystick.sandbox.dev_process import DevProcess

_UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_LOOKED_AT: Final = {
    "phase": "phase", "amountState": "amountState", "late": "late", "received": "received",
    "review": "review",
}  # fmt: skip


class Scenario:
    """The steps of a file, and the payments that they have made so far, by name."""

    def __init__(self, document: Mapping[str, Any], server: ServerClient) -> None:
        self._document = document
        self._server = server
        self._payments: dict[str, str] = {}

    def run(self) -> "Timeline":
        """Each step as a line with its virtual time. Raises Invalid for a step that is not one."""
        seed = self._document.get("seed", 1)
        lines = Timeline(self._now(), [], [])
        for number, step in enumerate(self._document.get("step", []), 1):
            verb = str(step.get("do", ""))
            verbs = {"pay": self._open, "act": self._act, "wait": self._wait,
                     "expect": self._expect, "cancel": self._cancel}  # fmt: skip
            if verb not in verbs:
                raise Invalid(f"Step {number}: do is one of {', '.join(verbs)}, not {verb!r}.")
            try:
                told = verbs[verb]({"seed": seed, **step})
            except (KeyError, HubError) as error:
                why = error.detail if isinstance(error, HubError) else f"it needs {error}"
                raise Invalid(f"Step {number} ({verb}): {why}") from error
            lines.add(self._now(), told)
        return lines

    def _open(self, step: Mapping[str, Any]) -> str:
        wish = {key: step[key] for key in ("amount", "currency", "gateway")}
        wish |= {key: step[key] for key in ("expiresIn", "reference") if key in step}
        payment = self._server.post("/api/payments", wish)["data"]
        self._payments[str(step["name"])] = payment["id"]
        return f"{step['name']}: {step['amount']} {step['currency']} at {step['gateway']}, open"

    def _act(self, step: Mapping[str, Any]) -> str:
        words = ("act", "amount", "currency", "delay", "times", "seed")
        asked = {key: step[key] for key in words if key in step}
        asked["paymentId"] = self._payments[str(step["on"])]
        happened = self._server.post("/_sim/act", asked)["data"]
        answers = [str(one["status"]) for one in happened["deliveries"]]
        heard = f" The hub answered {', '.join(answers)}." if answers else ""
        return f"{step['on']}: {happened['summary']}{heard}"

    def _cancel(self, step: Mapping[str, Any]) -> str:
        payment = self._payments[str(step["on"])]
        phase = self._server.post(f"/api/payments/{payment}/cancel", {})["data"]["phase"]
        return f"{step['on']}: the merchant cancels; it is {phase}"

    def _wait(self, step: Mapping[str, Any]) -> str:
        seconds = sum(step.get(unit, 0) * factor for unit, factor in _UNITS.items())
        done = self._server.post("/_sim/clock", {"advance": seconds}, timeout_s=300)["data"]
        return f"{seconds} s pass; {done['done']} things came due on the way"

    def _expect(self, step: Mapping[str, Any]) -> str:
        payment = self._payments[str(step["on"])]
        seen = self._server.post(f"/api/payments/{payment}/check", {})["data"]
        wrong = [
            f"{name} is {seen[name]!r}, not {step[name]!r}"
            for name in _LOOKED_AT
            if name in step and seen[name] != step[name]
        ]
        if wrong:
            return f"✗ {step['on']}: {'; '.join(wrong)}"
        shown = ", ".join(f"{name} {seen[name]}" for name in _LOOKED_AT if name in step)
        return f"✓ {step['on']}: {shown}"

    def _now(self) -> datetime:
        told = self._server.post("/_sim/clock", {"advance": 0})["data"]["now"]
        return datetime.fromisoformat(told)


class Timeline:
    """The lines that a scenario leaves behind. `failed` holds the expectations that were wrong."""

    def __init__(self, began: datetime, lines: list[str], failed: list[str]) -> None:
        self._began = began
        self.lines = lines
        self.failed = failed

    def add(self, now: datetime, told: str) -> None:
        """One more line, with how long it is since the beginning."""
        seconds = int((now - self._began).total_seconds())
        days, rest = divmod(seconds, 86_400)
        clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
        self.lines.append(f"day {days:>2} {clock}  {told}")
        if told.startswith("✗"):
            self.failed.append(told)


def read(path: Path) -> dict[str, Any]:
    """The file as a document. Raises Invalid."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not TOML: {error}.") from error


def run(dev: DevProcess, document: Mapping[str, Any]) -> Timeline:
    """Start the server, run, and stop it again."""
    dev.start()
    try:
        return Scenario(document, dev.server).run()
    finally:
        dev.stop()
