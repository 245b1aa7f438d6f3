"""The hub as a process for the benchmarks: the real application, its gateway's answers instant.

Reads one JSON line of wishes, prints one JSON line when it takes requests.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import uvicorn
import uvloop
from sqlalchemy import Connection, Table, delete, update
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.bank import Bank, Noticing
from bench.notices import AMOUNT, CHECKSUM_KEY, CLIENT_ID
from bench.publish import Publisher
from tallystick import logs
from tallystick.domain.money import Money
from tallystick.domain.sealing import Masters
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import poll
from tallystick.flows.checkout import Wish, create_payment
from tallystick.flows.keys import create_key
from tallystick.gateways.payos import PayOSAccount
from tallystick.gateways.wire import HttpWire
from tallystick.settings import Settings
from tallystick.store.connect import open_database
from tallystick.store.migrate import migrate
from tallystick.store.schema.core import inbox, payments
from tallystick.store.schema.raw_bytes import raw_bytes
from tallystick.system_clock import SystemClock
from tallystick.web.app import build_app
from tallystick.web.limits import LIMITS
from tallystick.wiring import GracefulServer, Server, build


async def serve(wishes: dict[str, Any]) -> None:
    """Build the hub, open its payments, tell where it is, and serve until told to stop."""
    logs.configure("warning", readable=False)
    settings = Settings(
        database_url=wishes["database"], streams_per_payment=100_000, streams_per_client=100_000,
        streams_in_all=100_000,
        rate_limit_overrides=dict.fromkeys(LIMITS, "1000000000 per 1 minute"),
    )  # fmt: skip
    await migrate(settings.database_url)
    bank = Bank(wishes.get("orders", ()))
    account = PayOSAccount(CLIENT_ID, "bench", (CHECKSUM_KEY,))
    house = build(
        settings, open_database(settings.database_url), [Noticing(account, bank)],
        cast("HttpWire", bank), SystemClock(), Masters.of(b"bench" * 8),
    )  # fmt: skip
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    opened = [await open_payment(house) for _ in range(wishes.get("payments", 0))]
    if wishes.get("fresh"):
        await house.hub.database.write(ask_later)
    ready = {
        "port": listening.getsockname()[1],
        "pid": os.getpid(),
        "key": await create_key(house.hub, "admin", "bench"),
        "payments": [name for name, _ in opened],
        "tokens": [token for _, token in opened],
        "orders": list(bank.orders.items()),
    }
    await run(house, listening, ready, scheduler=wishes.get("scheduler", False))


async def open_payment(house: Server) -> list[str]:
    """One more payment that waits for its payer: its id, and the payer's token."""
    wish = Wish(Money(AMOUNT, "VND"), ("payos",), description="Bench")
    made = await create_payment(house.hub, wish)
    return [made.snapshot.id, made.token]


def ask_later(tx: Connection) -> None:
    """Nobody is asked about the payments for a while: neither by a timer nor by a browser."""
    later = datetime.now(UTC) + timedelta(hours=1)
    tx.execute(update(payments).values(as_of=later, next_check_at=later))


async def run(
    house: Server, listening: socket.socket, ready: dict[str, Any], *, scheduler: bool
) -> None:
    """As `Server.run` does, with one more route to publish from."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with house.open(scheduler=scheduler):
            print(json.dumps(ready), flush=True)
            yield

    snapshots: dict[str, Snapshot] = {}

    async def publish(request: Request) -> Response:
        wish = await request.json()
        for name in wish["topics"]:
            if name not in snapshots:
                snapshots[name] = await poll.read(house.hub, name)
        publisher = Publisher(lambda name, version: house.live.publish(
            replace(snapshots[name], version=version)
        ))  # fmt: skip
        return JSONResponse(await publisher.run(wish))

    async def forget(_: Request) -> Response:
        for table in (inbox, raw_bytes):
            await house.hub.database.write(partial(_empty, table))
        return JSONResponse({})

    app = build_app(
        house.hub, house.live, lifespan=lifespan, parts=house.parts,
        more_routes=[
            Route("/bench/publish", publish, methods=["POST"]),
            Route("/bench/forget", forget, methods=["POST"]),
        ],
    )  # fmt: skip
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=False,
        timeout_graceful_shutdown=3, proxy_headers=False, ws="none", backlog=4096,
    )  # fmt: skip
    await GracefulServer(config, house.live).serve(sockets=[listening])


def _empty(table: Table, tx: Connection) -> None:
    tx.execute(delete(table))


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    uvloop.run(serve(json.loads(sys.stdin.readline())))
