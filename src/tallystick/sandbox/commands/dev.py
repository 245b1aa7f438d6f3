"""`tallystick dev`: a server to try things on, with simulated gateways and a clock that moves."""

import json
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tallystick.cli.options import Database, read_settings
from tallystick.cli.running import listen, quick_start, until_stopped, warm_up
from tallystick.cli.terminal import here, program

if TYPE_CHECKING:
    from tallystick.products.base import Product
    from tallystick.sandbox.dev_secrets import DevSecrets
    from tallystick.settings import Settings
    from tallystick.wiring import Server

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


def serve_dev(
    port: int, database: str | None, *, as_json: bool, more: "Sequence[Product]" = ()
) -> None:
    """The same, for `demo`, and for who sells `more`. Raises NotConfigured, DatabaseUnavailable."""
    quick_start()
    settings = read_settings(database)
    listening = listen("127.0.0.1", port)
    until_stopped(settings.log_level, lambda: _run(settings, listening, more, as_json=as_json))


async def _run(
    settings: "Settings", listening: socket.socket, more: "Sequence[Product]", *, as_json: bool
) -> None:
    from tallystick.flows.dashboard_access import invite
    from tallystick.products import PRODUCTS
    from tallystick.sandbox.wiring import development
    from tallystick.web.dashboard import address

    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server, kept = await development(settings, url, (*PRODUCTS, *more))
    token, _ = await invite(server.hub, "admin")
    dashboard = address(url, token)
    tell = _json_line if as_json else await _greeting(server)

    def ready() -> None:
        tell(settings, kept, url, dashboard)
        warm_up()

    await server.run(listening, ready)


Tell = Callable[["Settings", "DevSecrets", str, str], None]


def _json_line(settings: "Settings", kept: "DevSecrets", url: str, dashboard: str) -> None:
    facts = {
        "url": url,
        "secretKey": kept.api_key,
        "cronSecret": kept.cron_secret,
        "jwtSecret": kept.jwt_secret,
        "dashboardUrl": dashboard,
        "database": settings.database_url,
        "pid": os.getpid(),
    }
    print(json.dumps(facts), flush=True)


async def _greeting(server: "Server") -> Tell:
    """What a person is told, with a payment link to try that is made now."""
    from tallystick.domain.money import Money
    from tallystick.flows.checkout import Wish, create_link
    from tallystick.web import shapes

    wish = Wish(
        Money(50_000, "VND"), (), purpose="payment_link", description="Two coffees, for trying"
    )
    made = await create_link(server.hub, wish)
    link = {**shapes.link(made, server.hub.settings.base_url)}

    def tell(settings: "Settings", kept: "DevSecrets", url: str, dashboard: str) -> None:
        print(_words(settings, kept, url, dashboard, link), flush=True)

    return tell


def _words(
    settings: "Settings", kept: "DevSecrets", url: str, dashboard: str, link: dict[str, Any]
) -> str:
    facts = (
        ("Pay page", f"{link['url']}  (50.000 ₫, simulated: no real money moves)"),
        ("Dashboard", f"{dashboard}  (works once)"),
        ("API docs", f"{url}/docs and {url}/openapi.json"),
        ("Secret key", kept.api_key),
        (
            "Webhook secret",
            f"{kept.gateways['sandbox']['webhook_secret']}  (signs the sandbox's notices)",
        ),
        ("Cron secret", kept.cron_secret),
        ("Database", _place(settings.database_url)),
    )
    lines = [f"  {name:<15} {value}" for name, value in facts]
    commands = (
        f"{program()} watch {link['id']}{_flags(settings, kept, url)}",
        f"{program()} pay 50000 VND --gateway payos{_flags(settings, kept, url)}",
        f"curl -s {url}/_sim/act -H 'Authorization: Bearer {kept.api_key}' {_act(link)}",
    )
    return "\n".join((
        f"Tallystick serves on {url}. Stop it with Ctrl-C.", "", *lines, "",
        "Try next, in a second terminal (the last one plays the payer of the pay page):", "",
        *(f"  {command}" for command in commands), "",
    ))  # fmt: skip


def _flags(settings: "Settings", kept: "DevSecrets", url: str) -> str:
    """What a command needs that does not find this server by itself."""
    from tallystick.settings import Settings

    if url == Settings().base_url and settings.database_url == Settings().database_url:
        return ""
    return f" --url {url} --key {kept.api_key}"


def _act(link: dict[str, Any]) -> str:
    wish = json.dumps({"reference": link["id"], "act": "pay"})
    return f"-H 'Content-Type: application/json' -d '{wish}'"


def _place(database_url: str) -> str:
    if database_url.startswith("sqlite:///"):
        return here(Path(database_url.removeprefix("sqlite:///")))
    parts = urlsplit(database_url)
    return f"{parts.path.lstrip('/')} at {parts.hostname or 'this machine'} ({parts.scheme})"
