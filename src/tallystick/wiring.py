"""The one place where the parts meet: settings in, a running server out."""

import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from tallystick.access import Access, GitHub
from tallystick.catalogue import GATEWAYS, former_gateways, real_gateways
from tallystick.domain.errors import NotConfigured
from tallystick.domain.sealing import Masters
from tallystick.flows.hub import Clock, Hub
from tallystick.flows.idempotency import free_the_dead
from tallystick.flows.keys import create_key, recognise
from tallystick.flows.master_keys import take_up
from tallystick.flows.schedule import refuse_unknown
from tallystick.gateways.base import Gateway
from tallystick.gateways.wire import HttpWire
from tallystick.live.hub import LiveHub
from tallystick.live.postgres import PostgresLine
from tallystick.live.redis import RedisLine
from tallystick.live.relay import Relay
from tallystick.mail import mail_of
from tallystick.private_files import narrow
from tallystick.products import PRODUCTS, extensions_of, fulfilments_of, web_parts_of
from tallystick.products.base import Product
from tallystick.products.orders.change_products import stock_demo
from tallystick.rates import LiveSource
from tallystick.sandbox.routes import sandbox_router
from tallystick.sandbox.running import RunningSandbox, SandboxClock
from tallystick.sandbox.simulators.host import Simulators
from tallystick.settings import Settings
from tallystick.store.database import Database, dev_files, open_database, sqlite_file
from tallystick.store.migrate import migrate
from tallystick.store.sealed import SEALED
from tallystick.store.sqlite import ServerLock
from tallystick.web.app import build_app
from tallystick.web.http_protocol import capped_http
from tallystick.web.parts import WebParts
from tallystick.worker import Worker


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """The same."""
        return datetime.now(UTC)


@dataclass(slots=True)
class Server:
    """A server that is built and not yet running."""

    hub: Hub
    live: LiveHub
    worker: Worker
    wire: HttpWire
    parts: WebParts
    sandbox: RunningSandbox | None = None
    relay: Relay | None = None

    @asynccontextmanager
    async def open(self, *, scheduler: bool = True) -> AsyncIterator[None]:
        """Start what runs beside the requests; close everything afterwards."""
        await free_the_dead(self.hub)
        if scheduler:
            await self.worker.start()
        if self.sandbox is not None:
            self.sandbox.start()
        if self.relay is not None:
            self.relay.start()
        try:
            yield
        finally:
            if self.sandbox is not None:
                await self.sandbox.stop()
            await self.worker.stop()
            await self.hub.stop()
            if self.relay is not None:
                await self.relay.stop()
            await self.wire.close()
            await self.hub.database.close()

    async def run(
        self, server_socket: socket.socket, ready: Callable[[], Any], *, scheduler: bool = True
    ) -> None:
        """Serve on a bound socket until told to stop; `ready` is called once requests are taken."""

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            async with self.open(scheduler=scheduler):
                ready()
                yield

        routers = [] if self.sandbox is None else [sandbox_router(self.sandbox)]
        stage_routes = [] if self.sandbox is None else self.sandbox.routes()
        app = build_app(
            self.hub,
            self.live,
            lifespan=lifespan,
            parts=self.parts,
            routers=routers,
            more_routes=stage_routes,
        )
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, date_header=False,
            timeout_graceful_shutdown=3, proxy_headers=False, ws="none",
            http=capped_http(self.hub.settings.request_s), reset_contextvars=True,
        )  # fmt: skip
        await GracefulServer(config, self.live).serve(sockets=[server_socket])


class GracefulServer(uvicorn.Server):
    """Ends the open streams when it is told to stop, so that nobody waits for them."""

    def __init__(self, config: uvicorn.Config, live: LiveHub) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the watchers go first."""
        for watcher in self._live:
            watcher.stop()
        await super().shutdown(sockets)


def build(  # noqa: PLR0913 - all that a server is made of
    settings: Settings,
    database: Database,
    gateways: list[Gateway],
    wire: HttpWire,
    clock: Clock,
    secret: Masters,
    *,
    products: Sequence[Product] = PRODUCTS,
) -> Server:
    """Put the parts together. Raises NotConfigured where an unknown job is switched off."""
    extensions = extensions_of(products)
    refuse_unknown(settings.jobs_off, extensions)
    live = LiveHub(
        settings.streams_per_payment,
        settings.streams_per_client,
        settings.streams_in_all,
        settings.streams_per_user,
    )
    hub = Hub(
        database=database,
        gateways={gateway.name: gateway for gateway in gateways},
        fulfilments=fulfilments_of(products, secret, settings),
        extensions=extensions,
        live=live,
        clock=clock,
        settings=settings,
        secret=secret,
        holder=f"{socket.gethostname()}/{os.getpid()}",
        mail=mail_of(settings),
        rates=LiveSource(settings.exchange_rate_url) if settings.exchange_rate_url else None,
        access=_access(settings, wire),
        gateway_clocks=wire.clocks,
    )
    parts, relay = web_parts_of(products), _relay(settings, live, database)
    return Server(hub, live, Worker(hub), wire, parts, relay=relay)


def _access(settings: Settings, wire: HttpWire) -> Access | None:
    """Where buyers are let in, where it is set up."""
    token = settings.github_token
    if token is None:
        return None
    return GitHub(token.get_secret_value(), settings.github_base_url, wire)


def _relay(settings: Settings, live: LiveHub, database: Database) -> Relay | None:
    """How processes hear each other: Redis where it is set, else PostgreSQL; SQLite has one.

    PostgreSQL is there for those who have lost Redis, too.
    """
    alone = sqlite_file(settings.database_url) is not None
    own = None if alone else PostgresLine(settings.database_url)
    if settings.redis_url is not None:
        return Relay(RedisLine(settings.redis_url), live, database, spare=own)
    return None if own is None else Relay(own, live, database)


async def production(settings: Settings, products: Sequence[Product] = PRODUCTS) -> Server:
    """The house as a merchant runs it. Raises NotConfigured with one line for each fault."""
    faults = settings.faults()
    if faults:
        raise NotConfigured("\n".join(faults))
    extensions = extensions_of(products)
    refuse_unknown(settings.jobs_off, extensions)
    await migrate(settings.database_url)
    wire = HttpWire()
    database, clock = _own(settings.database_url), SystemClock()
    try:
        sealed = (*SEALED, *extensions.sealed)
        masters = await take_up(database, settings.masters, sealed, clock.now())
    except NotConfigured:
        await database.close()
        raise
    gateways = real_gateways(settings, wire)
    house = build(settings, database, gateways, wire, clock, masters, products=products)
    house.hub.former = former_gateways(settings, wire)
    return house


def _own(url: str) -> Database:
    """Open the database for a server: a SQLite file has only one."""
    file = sqlite_file(url)
    if file is not None:
        ServerLock(file).take()
    return open_database(url)


@dataclass(frozen=True, slots=True)
class DevSecrets:
    """The secrets of a development server, kept beside its database so that restarts keep them.

    `gateways` holds what each simulated gateway and its adapter share.
    """

    secret_key: str
    cron_secret: str
    jwt_secret: str
    api_key: str
    github_token: str
    gateways: Mapping[str, Mapping[str, str]]
    url: str = ""
    """Where the server listens, or did when it last ran: the commands of its folder ask there."""

    @classmethod
    def at(cls, path: Path) -> "DevSecrets":
        """Read the file, and draw what is missing: it is written for its owner alone."""
        kept = _kept(path)
        drawn = secrets.token_hex
        ring = cls(
            secret_key=kept.get("secret_key") or drawn(32),
            cron_secret=kept.get("cron_secret") or drawn(16),
            jwt_secret=kept.get("jwt_secret") or drawn(32),
            api_key=kept.get("api_key") or "",
            github_token=kept.get("github_token") or f"ghp_{drawn(18)}",
            gateways={
                entry.name: kept.get(entry.name) or entry.played.draw() for entry in GATEWAYS
            },
        )
        ring.write(path)
        return ring

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        fresh = path.with_name(path.name + ".new")
        handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        narrow(fresh)
        document = {**asdict(self), **self.gateways}
        del document["gateways"]
        with os.fdopen(handle, "w") as file:
            json.dump(document, file)
        fresh.replace(path)


def _kept(path: Path) -> dict[str, Any]:
    """What a file of secrets holds. Raises NotConfigured where it is damaged."""
    try:
        found = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotConfigured(
            f"{path.name} cannot be read, and has the secrets that open this database: put it "
            "back, or start with another database."
        )
    return found


def books_of(database_url: str) -> Path:
    """Where the simulated gateways of a development server keep their own books."""
    files = dev_files(database_url)
    return files.with_name(files.name + ".sandbox")


async def development(
    settings: Settings, base_url: str, products: Sequence[Product] = PRODUCTS
) -> tuple[Server, DevSecrets]:
    """The house with simulated gateways on a virtual clock. Refuses to stand beside live keys."""
    if real_gateways(settings, HttpWire()):
        raise NotConfigured(
            "`tallystick dev` plays with simulated gateways and does not start beside live keys: "
            "unset the gateways' settings, or run `tallystick serve`."
        )
    await migrate(settings.database_url)
    files = dev_files(settings.database_url)
    ring_path = files.with_name(files.name + ".dev-keys")
    ring = DevSecrets.at(ring_path)
    settings = settings.model_copy(update=_development_settings(ring, base_url, files))
    settings.exchange_rate_url = settings.exchange_rate_url or f"{base_url}/_sim/rates"
    stage = Simulators(
        [entry.played.part(ring.gateways[entry.name]) for entry in GATEWAYS],
        base_url=base_url,
        webhook_url=lambda name: f"{base_url}/api/webhooks/{name}",
        books_path=books_of(settings.database_url),
        github_token=ring.github_token,
    )
    wire = HttpWire()
    house = build(
        settings, _own(settings.database_url), _simulated(ring, settings, wire), wire,
        SandboxClock(stage), Masters.of(ring.secret_key.encode()), products=products,
    )  # fmt: skip
    house.hub.sandbox = True
    house.sandbox = RunningSandbox(stage, house.worker)
    await stock_demo(house.hub)
    if not ring.api_key or await recognise(house.hub, ring.api_key) is None:
        ring = replace(ring, api_key=await create_key(house.hub, "admin", "development"))
    ring = replace(ring, url=base_url)
    ring.write(ring_path)
    return house, ring


def _simulated(ring: DevSecrets, settings: Settings, wire: HttpWire) -> list[Gateway]:
    return [
        entry.played.adapter(
            {**ring.gateways[entry.name], **entry.played.said(settings)}, settings.base_url, wire
        )
        for entry in GATEWAYS
    ]


def _development_settings(ring: DevSecrets, base_url: str, files: Path) -> dict[str, Any]:
    from pydantic import SecretStr

    return {
        "base_url": base_url,
        "secret_key": SecretStr(ring.secret_key),
        "cron_secret": SecretStr(ring.cron_secret),
        "jwt_secret": SecretStr(ring.jwt_secret),
        "merchant_name": "Tallystick Demo",
        "mail_folder": str(files.with_name(files.name + ".mail")),
        "github_token": SecretStr(ring.github_token),
        "github_base_url": f"{base_url}/_sim/github",
    }
