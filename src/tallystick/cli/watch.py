"""`tallystick watch`: follow one payment or link until nothing more can happen to it."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer import Argument

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import HubError, Invalid, Unavailable

if TYPE_CHECKING:
    from tallystick.cli.server import ServerClient

# Well under the limit of 300 polls in 15 minutes.
POLL_S: Final = 5.0
MOST_FAILURES: Final = 5
_PLACES: Final = {"pay_": "/api/payments/", "plink_": "/api/payment-links/"}
OVER: Final = 3


def watch(
    id_: Annotated[str, Argument(metavar="ID", help="pay_… or plink_….")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Follow a payment or a link, live, until it is over.

    Reads the event stream of the server, and polls where the stream fails. Leaves with 0 where it
    was paid, and with 3 where it is over without that.
    """
    from tallystick.cli.server import find_server

    place = next((path for prefix, path in _PLACES.items() if id_.startswith(prefix)), None)
    if place is None:
        raise Invalid(f"{id_!r} is not the id of a payment (pay_…) or of a link (plink_…).")
    last: dict[str, Any] = {}
    for last in follow(find_server(url, key), place + id_):
        typer.echo(sentence(last))
    if _word(last) != "paid":
        raise typer.Exit(OVER)


def follow(server: "ServerClient", place: str, poll_s: float = POLL_S) -> Iterator[dict[str, Any]]:
    """Every new state, the last of them final. Raises Refused, Unavailable."""
    version, failures = 0, 0
    while True:
        try:
            for status in _once(server, place, version):
                failures = 0
                if status["version"] > version:
                    version = status["version"]
                    yield status
                if status["final"]:
                    return
        except Unavailable:
            failures += 1
            if not version or failures >= MOST_FAILURES:
                raise
        time.sleep(poll_s)


def _once(server: "ServerClient", place: str, version: int) -> Iterator[dict[str, Any]]:
    """What the stream tells until it ends; then, or without a stream, what the status says."""
    try:
        for event in server.stream(f"{place}/stream", str(version) if version else None):
            if event.name == "status":
                yield json.loads(event.data)
    except HubError:
        # Whatever refuses the stream or breaks it off, the status says whether it matters.
        pass
    yield server.get(f"{place}/status")["data"]


def sentence(status: dict[str, Any]) -> str:
    """One state in one line."""
    from tallystick.domain.money import Money

    received = Money(status["received"], status["currency"])
    due = Money(status["amount"], status["currency"])
    advice = "" if status["final"] else f" {status['advice']}"
    return f"{_word(status):<10} {received} of {due}. {status['statusMessage']}{advice}"


def _word(status: dict[str, Any]) -> str:
    return str(status.get("phase") or status.get("currentStatus", "")).lower()
