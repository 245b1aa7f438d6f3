"""Prints the tables of the docs from the code: `python scripts/print_docs.py` mends the pages.

A table stands between `<!-- printed: name -->` and `<!-- end -->`; what is between is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- printed: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def errors() -> str:
    """Every error code."""
    from tallystick.web.error_help import error_entries

    head = ("Status", "Code", "When", "What to do")
    return table(
        head, ((e.status, f"`{e.code}`", f"{e.title}. {e.when}", e.remedy) for e in error_entries())
    )


def settings() -> str:
    """Every setting by the name that it has in the environment."""
    from tallystick.settings import Settings

    prefix = str(Settings.model_config["env_prefix"])
    rows = []
    for name, field in Settings.model_fields.items():
        alias = getattr(field.validation_alias, "choices", [prefix + name.upper()])[0]
        value = field.get_default(call_default_factory=True)
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, dict):
            shown = json.dumps(value, default=str)
        default = "" if value in (None, {}, ()) else f"`{shown}`"
        rows.append((f"`{alias}`", default, field.description or ""))
    return table(("Setting", "Default", "Meaning"), rows)


def limits() -> str:
    """The table of rate limits."""
    from tallystick.web.limits import LIMITS

    return table(("Name", "Limit"), ((f"`{name}`", limit) for name, limit in LIMITS.items()))


def phases() -> str:
    """Where a payment may go, and on what."""
    from tallystick.domain.payment import MOVES, Phase, Signal

    rows = [
        [f"**{before}**", *(MOVES.get((before, signal), "") for signal in Signal)]
        for before in Phase
    ]
    return table(["From, on", *(f"`{signal}`" for signal in Signal)], rows)


def gift_cards() -> str:
    """Where a gift card may go, and on what."""
    from tallystick.products.gift_cards.rules import CARD_MOVES, CardSignal, CardState

    rows = [
        [f"**{before}**", *(CARD_MOVES.get((before, signal), "") for signal in CardSignal)]
        for before in CardState
    ]
    return table(["From, on", *(f"`{signal}`" for signal in CardSignal)], rows)


def attempts() -> str:
    """Where an attempt may go."""
    from tallystick.domain.payment import ATTEMPT_MOVES, AttemptState

    rows = (
        (f"**{state}**", ", ".join(s for s in AttemptState if s in ATTEMPT_MOVES[state]) or "–")
        for state in AttemptState
    )
    return table(("From", "To"), rows)


def orders() -> str:
    """Where an order may go, and on what."""
    from tallystick.products.orders.rules import STEPS, OrderStatus, Step

    rows = [
        [f"**{before}**", *(STEPS.get((before, step), "") for step in Step)]
        for before in OrderStatus
    ]
    return table(["From, on", *(f"`{step}`" for step in Step)], rows)


def refunds() -> str:
    """Where a refund may go, and on what."""
    from tallystick.domain.refund import REFUND_MOVES, RefundSignal, RefundState

    rows = [
        [f"**{before}**", *(REFUND_MOVES.get((before, signal), "") for signal in RefundSignal)]
        for before in RefundState
    ]
    return table(["From, on", *(f"`{signal}`" for signal in RefundSignal)], rows)


def links() -> str:
    """What a link calls the phase of its payment."""
    from tallystick.domain.link import LINK_STATUS

    return table(("Phase", "`currentStatus`"), ((p, f"`{s}`") for p, s in LINK_STATUS.items()))


def sentences() -> str:
    """What a payer is told."""
    from tallystick.domain.link import SENTENCES

    return table(("`statusMessage`", "`advice`"), SENTENCES.values())


def reviews() -> str:
    """Why a person should look, the most serious first."""
    from tallystick.domain.payment import Review

    return "".join(f"{number}. `{review}`\n" for number, review in enumerate(Review, 1))


def jobs() -> str:
    """The schedule."""
    from tallystick.flows.schedule import SCHEDULE
    from tallystick.products import EXTENSIONS

    schedule = {**SCHEDULE, **EXTENSIONS.jobs}
    return table(
        ("Job", "Every"),
        ((f"`{name}`", _span(job.every.total_seconds())) for name, job in schedule.items()),
    )


def invariants() -> str:
    """What `tallystick audit` checks."""
    from tallystick.products import CHECKS

    return table(("", "Invariant"), ((c.invariant, c.sentence) for c in CHECKS))


def gateways() -> str:
    """What each gateway can do, as it declares it."""
    from tallystick.gateways.wire import HttpWire
    from tallystick.sandbox.catalogue import SIMULATED

    head = ("Name", "Title", "Currencies", "Listens after expiry", "Verifies", "Cancels", "Refunds")
    rows = []
    for one in SIMULATED:
        can = one.adapter(one.draw(), "http://127.0.0.1", HttpWire()).capabilities
        currencies = ", ".join(sorted(can.currencies)) or "all"
        rows.append((
            f"`{one.name}`", can.title,
            currencies if len(can.currencies) < 9 else f"{len(can.currencies)} of them",
            _span(can.listens_for.total_seconds()), "asks" if can.asks else "signed notice",
            "yes" if can.cancels else "no", can.refunds,
        ))  # fmt: skip
    return table(head, rows)


def commands() -> str:
    """The help of every command, as a terminal of 80 columns shows it."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from tallystick.cli import app

    every = get_command(app).commands  # type: ignore[attr-defined]
    calls = [[name] for name in every if not hasattr(every[name], "commands")]
    calls += [[name, sub] for name in every for sub in getattr(every[name], "commands", {})]
    text = ""
    for call in calls:
        shown = CliRunner().invoke(
            app, [*call, "--help"], prog_name="tallystick", env={"COLUMNS": "80"}
        )
        text += f"## {' '.join(call)}\n\n```text\n{shown.output.rstrip()}\n```\n\n"
    return text


def _span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} s"


TABLES: dict[str, Callable[[], str]] = {
    "errors": errors, "settings": settings, "limits": limits, "phases": phases,
    "attempts": attempts, "orders": orders, "gift_cards": gift_cards, "links": links,
    "sentences": sentences, "reviews": reviews, "jobs": jobs, "invariants": invariants,
    "gateways": gateways, "commands": commands, "refunds": refunds,
}  # fmt: skip


def printed(text: str) -> str:
    """The page with every table as the code has it now."""
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def pages() -> list[Path]:
    """The pages that have tables."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if _BLOCK.search(path.read_text())]
    if not found:
        raise SystemExit(f"No page in {DOCS} has a printed table.")
    return found


def main() -> None:
    """Mend every page, and name those that were behind."""
    for path in pages():
        before = path.read_text()
        after = printed(before)
        if after != before:
            path.write_text(after)
            print(f"mended {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
