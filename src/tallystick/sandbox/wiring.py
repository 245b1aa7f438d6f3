"""Where the parts of a development server meet: a merchant's server with simulated gateways."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tallystick.catalogue import real_gateways
from tallystick.cli.dev_keys import keys_file
from tallystick.domain.errors import NotConfigured
from tallystick.domain.sealing import Masters
from tallystick.flows.keys import create_key, recognise
from tallystick.gateways.base import Gateway
from tallystick.gateways.wire import HttpWire
from tallystick.products import PRODUCTS
from tallystick.products.base import Product
from tallystick.products.orders.change_products import stock_demo
from tallystick.sandbox.catalogue import SIMULATED
from tallystick.sandbox.dev_secrets import DevSecrets
from tallystick.sandbox.routes import sandbox_router
from tallystick.sandbox.running import RunningSandbox, SandboxClock
from tallystick.sandbox.simulators.host import Simulators
from tallystick.settings import Settings
from tallystick.store.database import dev_files
from tallystick.store.migrate import migrate
from tallystick.wiring import Server, build, open_own


async def development(
    settings: Settings, base_url: str, products: Sequence[Product] = PRODUCTS
) -> tuple[Server, DevSecrets]:
    """A server with simulated gateways on a virtual clock. Refuses to stand beside live keys.

    Raises NotConfigured.
    """
    if real_gateways(settings, HttpWire()):
        raise NotConfigured(
            "`tallystick dev` plays with simulated gateways and does not start beside live keys: "
            "unset the gateways' settings, or run `tallystick serve`."
        )
    await migrate(settings.database_url)
    keys = keys_file(settings.database_url)
    kept = DevSecrets.at(keys)
    settings = settings.model_copy(update=_development_settings(kept, settings, base_url))
    server = _build(settings, kept, products)
    await stock_demo(server.hub)
    if not kept.api_key or await recognise(server.hub, kept.api_key) is None:
        kept = replace(kept, api_key=await create_key(server.hub, "admin", "development"))
    kept = replace(kept, url=base_url)
    kept.write(keys)
    return server, kept


def books_of(database_url: str) -> Path:
    """Where the simulated gateways of a development server keep their own books."""
    files = dev_files(database_url)
    return files.with_name(files.name + ".sandbox")


def _build(settings: Settings, kept: DevSecrets, products: Sequence[Product]) -> Server:
    """The server, with the sandbox beside it."""
    simulators = _simulators(settings, kept)
    wire = HttpWire()
    server = build(
        settings, open_own(settings.database_url), _adapters(settings, kept, wire), wire,
        SandboxClock(simulators), Masters.of(kept.secret_key.encode()), products=products,
    )  # fmt: skip
    server.hub.sandbox = True
    sandbox = RunningSandbox(simulators, server.worker)
    server.companion = sandbox
    server.routers, server.routes = [sandbox_router(sandbox)], sandbox.routes()
    return server


def _simulators(settings: Settings, kept: DevSecrets) -> Simulators:
    return Simulators(
        [one.simulator(kept.gateways[one.name]) for one in SIMULATED],
        base_url=settings.base_url,
        webhook_url=lambda name: f"{settings.base_url}/api/webhooks/{name}",
        books_path=books_of(settings.database_url),
        github_token=kept.github_token,
    )


def _adapters(settings: Settings, kept: DevSecrets, wire: HttpWire) -> list[Gateway]:
    return [
        one.adapter({**kept.gateways[one.name], **one.chosen(settings)}, settings.base_url, wire)
        for one in SIMULATED
    ]


def _development_settings(kept: DevSecrets, settings: Settings, base_url: str) -> dict[str, Any]:
    files = dev_files(settings.database_url)
    return {
        "base_url": base_url,
        "secret_key": SecretStr(kept.secret_key),
        "cron_secret": SecretStr(kept.cron_secret),
        "jwt_secret": SecretStr(kept.jwt_secret),
        "merchant_name": "Tallystick Demo",
        "mail_folder": str(files.with_name(files.name + ".mail")),
        "github_token": SecretStr(kept.github_token),
        "github_base_url": f"{base_url}/_sim/github",
        "exchange_rate_url": settings.exchange_rate_url or f"{base_url}/_sim/rates",
    }
