"""`tallystick sim`: prove a payments system right against gateways that lie."""

import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import Database
from tallystick.domain.errors import Unavailable

sim = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Play stories and chaos on simulated gateways.",
)


@sim.command()
def run(
    file: Annotated[Path, typer.Argument(help="A scenario in TOML; see docs/scenarios.")],
    database: Database = None,
) -> None:
    """Play a scenario on the virtual clock and print its timeline. 1 where it went otherwise."""
    from tallystick.cli.audit import findings_of
    from tallystick.sandbox import scenario
    from tallystick.sandbox.dev_process import DevProcess

    document = scenario.read(file)
    typer.echo(f"{document.get('title', file.stem)}, seed {document.get('seed', 1)}")
    with tempfile.TemporaryDirectory(prefix="tallystick-sim-") as folder:
        dev = DevProcess(Path(folder), database)
        timeline = scenario.run(dev, document)
        for line in timeline.lines:
            typer.echo(line)
        differences = [one.sentence for one in findings_of(dev.database)] + dev.difference()
    _conclude([*timeline.failed, *differences])


@sim.command()
def chaos(
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same game.")] = None,
    payments: Annotated[int, typer.Option(min=1, max=100_000, help="How many payers.")] = 200,
    strangers: Annotated[
        int, typer.Option(min=0, max=100_000, help="Other people's transfers on the bank account.")
    ] = 0,
    database: Database = None,
) -> None:
    """Random payers, lying gateways, lost webhooks and sudden deaths. 1 where a unit is missing."""
    from tallystick.cli.audit import findings_of
    from tallystick.sandbox import chaos as random_payers
    from tallystick.sandbox.dev_process import DevProcess

    seed = secrets.randbelow(2**31) if seed is None else seed
    typer.echo(f"seed {seed}, {payments} payments")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tallystick-chaos-") as folder:
        dev = DevProcess(Path(folder), database)
        try:
            result = random_payers.run(dev, seed, payments, strangers)
        finally:
            dev.kill()
        findings = findings_of(dev.database)
        differences = dev.difference()
    _table("what was done", result.acts)
    _table("what was refused, in words", result.refused)
    _table("where the payments are", result.phases)
    typer.echo(f"{result.deaths} sudden deaths, {result.days:.1f} days in "
               f"{time.monotonic() - began:.1f} s")  # fmt: skip
    _conclude([f"{one.invariant}: {one.sentence} {one.rows}" for one in findings] + differences)


def _table(title: str, counted: Counter[str]) -> None:
    typer.echo(f"{title}:")
    for name, times in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])):
        typer.echo(f"  {times:>6}  {name}")


def _conclude(wrong: list[str]) -> None:
    if wrong:
        raise Unavailable("\n".join(wrong))
    typer.echo("The books are in order, and equal to the gateways' own to the unit.")
