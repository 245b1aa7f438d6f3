"""The one place where the parts meet: settings in, a running server out."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import uvicorn
from fastapi import APIRouter
from starlette.routing import BaseRoute

from tallystick.access import Access, GitHub
from tallystick.catalogue import former_gateways, real_gateways
from tallystick.domain.errors import NotConfigured
from tallystick.domain.sealing import Masters
from tallystick.flows.hub import Clock, Hub
from tallystick.flows.idempotency import free_the_dead
from tallystick.flows.master_keys import take_up
from tallystick.gateways.base import Gateway
from tallystick.gateways.wire import HttpWire
from tallystick.live.hub import LiveHub
from tallystick.live.postgres import PostgresLine
from tallystick.live.redis import RedisLine
from tallystick.live.relay import Relay
from tallystick.mail import mail_of
from tallystick.products import PRODUCTS, extensions_of, fulfilments_of, web_parts_of
from tallystick.products.base import Product
from tallystick.rates import LiveSource
from tallystick.settings import Settings
from tallystick.store.connect import open_database
from tallystick.store.database import Database, sqlite_file
from tallystick.store.migrate import migrate
from tallystick.store.sealed import SEALED
from tallystick.store.sqlite import ServerLock
from tallystick.system_clock import SystemClock
from tallystick.web.app import build_app
from tallystick.web.http_protocol import capped_http
from tallystick.web.parts import WebParts
from tallystick.worker import Worker


class Companion(Protocol):
    """What runs beside a server, for as long as the server does."""

    def start(self) -> None:
        """Begin, in the running event loop."""
        ...

    async def stop(self) -> None:
        """End, and let go of everything."""
        ...


@dataclass(slots=True)
class Server:
    """A server that is built and not yet running.

    What is more than a merchant's server has (a sandbox) is handed over as `companion`, with the
    `routers` of its own API and the `routes` that come before all others.
    """

    hub: Hub
    live: LiveHub
    worker: Worker
    wire: HttpWire
    parts: WebParts
    relay: Relay | None = None
    companion: Companion | None = None
    routers: Sequence[APIRouter] = ()
    routes: Sequence[BaseRoute] = ()

    @asynccontextmanager
    async def open(self, *, scheduler: bool = True) -> AsyncIterator[None]:
        """Start what runs beside the requests; close everything afterwards."""
        await free_the_dead(self.hub)
        if scheduler:
            await self.worker.start()
        if self.companion is not None:
            self.companion.start()
        if self.relay is not None:
            self.relay.start()
        try:
            yield
        finally:
            if self.companion is not None:
                await self.companion.stop()
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

        app = build_app(
            self.hub,
            self.live,
            lifespan=lifespan,
            parts=self.parts,
            routers=self.routers,
            more_routes=self.routes,
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


def build(  # noqa: PLR0913 - everything that a server is made of
    settings: Settings,
    database: Database,
    gateways: list[Gateway],
    wire: HttpWire,
    clock: Clock,
    secret: Masters,
    *,
    products: Sequence[Product] = PRODUCTS,
) -> Server:
    """Put the parts together."""
    extensions = extensions_of(products)
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
    """The server as a merchant runs it. Raises NotConfigured with one line for each fault."""
    faults = settings.faults()
    if faults:
        raise NotConfigured("\n".join(faults))
    extensions = extensions_of(products)
    await migrate(settings.database_url)
    wire = HttpWire()
    database, clock = open_own(settings.database_url), SystemClock()
    try:
        sealed = (*SEALED, *extensions.sealed)
        masters = await take_up(database, settings.masters, sealed, clock.now())
    except NotConfigured:
        await database.close()
        raise
    gateways = real_gateways(settings, wire)
    server = build(settings, database, gateways, wire, clock, masters, products=products)
    server.hub.former = former_gateways(settings, wire)
    return server


def open_own(url: str) -> Database:
    """Open the database for a server: a SQLite file has only one."""
    file = sqlite_file(url)
    if file is not None:
        ServerLock(file).take()
    return open_database(url)
