"""`tallystick dev`: a server to try things on, with simulated gateways and a clock that moves."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tallystick.cli.options import Database, read_settings
from tallystick.cli.running import listen, quick_start, until_stopped, warm_up
from tallystick.cli.terminal import here, program

if TYPE_CHECKING:
    from tallystick.settings import Settings
    from tallystick.wiring import DevSecrets, Server

PORT = 8787
Port = Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)]


def dev(
    port: Port = PORT,
    database: Database = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON on standard output.")
    ] = False,
) -> None:
    """Serve with simulated gateways, for trying and testing.

    Listens on 127.0.0.1 only, and refuses to start beside live gateway keys. Its secrets are kept
    beside the database, so that a restart keeps them.
    """
    serve_dev(port, database, as_json=as_json)


def serve_dev(port: int, database: str | None, *, as_json: bool) -> None:
    """The same, for `demo`. Raises NotConfigured, DatabaseUnavailable."""
    quick_start()
    settings = read_settings(database)
    listening = listen("127.0.0.1", port)
    until_stopped(settings.log_level, lambda: _run(settings, listening, as_json=as_json))


async def _run(settings: "Settings", listening: socket.socket, *, as_json: bool) -> None:
    from tallystick.flows.dashboard_access import invite
    from tallystick.web.dashboard import address
    from tallystick.wiring import development

    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    house, ring = await development(settings, url)
    token, _ = await invite(house.hub, "admin")
    door = address(url, token)
    tell = _json_line if as_json else await _greeting(house)

    def ready() -> None:
        tell(settings, ring, url, door)
        warm_up()

    await house.run(listening, ready)


Tell = Callable[["Settings", "DevSecrets", str, str], None]


def _json_line(settings: "Settings", ring: "DevSecrets", url: str, door: str) -> None:
    facts = {
        "url": url,
        "secretKey": ring.api_key,
        "cronSecret": ring.cron_secret,
        "jwtSecret": ring.jwt_secret,
        "dashboardUrl": door,
        "database": settings.database_url,
        "pid": os.getpid(),
    }
    print(json.dumps(facts), flush=True)


async def _greeting(house: "Server") -> Tell:
    """What a person is told, with a payment link to try that is made now."""
    from tallystick.domain.money import Money
    from tallystick.flows.checkout import Wish, create_link
    from tallystick.web import shapes

    wish = Wish(
        Money(50_000, "VND"), (), purpose="payment_link", description="Two coffees, for trying"
    )
    made = await create_link(house.hub, wish)
    link = {**shapes.link(made, house.hub.settings.base_url)}

    def tell(settings: "Settings", ring: "DevSecrets", url: str, door: str) -> None:
        print(_words(settings, ring, url, door, link), flush=True)

    return tell


def _words(
    settings: "Settings", ring: "DevSecrets", url: str, door: str, link: dict[str, Any]
) -> str:
    facts = (
        ("Pay page", f"{link['url']}  (50.000 ₫, simulated: no real money moves)"),
        ("Dashboard", f"{door}  (works once)"),
        ("API docs", f"{url}/docs and {url}/openapi.json"),
        ("Secret key", ring.api_key),
        (
            "Webhook secret",
            f"{ring.gateways['sandbox']['webhook_secret']}  (signs the sandbox's notices)",
        ),
        ("Cron secret", ring.cron_secret),
        ("Database", _place(settings.database_url)),
    )
    lines = [f"  {name:<15} {value}" for name, value in facts]
    commands = (
        f"{program()} watch {link['id']}{_flags(settings, ring, url)}",
        f"{program()} pay 50000 VND --gateway payos{_flags(settings, ring, url)}",
        f"curl -s {url}/_sim/act -H 'Authorization: Bearer {ring.api_key}' {_act(link)}",
    )
    return "\n".join((
        f"Tallystick serves on {url}. Stop it with Ctrl-C.", "", *lines, "",
        "Try next, in a second terminal (the last one plays the payer of the pay page):", "",
        *(f"  {command}" for command in commands), "",
    ))  # fmt: skip


def _flags(settings: "Settings", ring: "DevSecrets", url: str) -> str:
    """What a command needs that does not find this server by itself."""
    from tallystick.settings import Settings

    if url == Settings().base_url and settings.database_url == Settings().database_url:
        return ""
    return f" --url {url} --key {ring.api_key}"


def _act(link: dict[str, Any]) -> str:
    wish = json.dumps({"reference": link["id"], "act": "pay"})
    return f"-H 'Content-Type: application/json' -d '{wish}'"


def _place(database_url: str) -> str:
    if database_url.startswith("sqlite:///"):
        return here(Path(database_url.removeprefix("sqlite:///")))
    parts = urlsplit(database_url)
    return f"{parts.path.lstrip('/')} at {parts.hostname or 'this machine'} ({parts.scheme})"
