"""The least that a status read can cost: a bare ASGI application with one prepared statement.

Reads one JSON line of wishes, prints one JSON line when it takes requests.
"""

import json
import os
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

COLUMNS = "id, phase, amount_state, amount, currency, received, expires_at, version"
Read = Callable[[str], Awaitable[Any]]


def of_sqlite(path: str) -> Read:
    """Reads in the event loop itself: no thread is quicker than that."""
    database = sqlite3.connect(path)

    async def read(payment_id: str) -> Any:
        found = database.execute(f"SELECT {COLUMNS} FROM payments WHERE id = ?", (payment_id,))  # noqa: S608 - our own constant
        return found.fetchone()

    return read


async def of_postgres(url: str) -> Read:
    """Reads through a pool as large as the hub's."""
    pool = await asyncpg.create_pool(url, min_size=10, max_size=10)

    async def read(payment_id: str) -> Any:
        return await pool.fetchrow(f"SELECT {COLUMNS} FROM payments WHERE id = $1", payment_id)  # noqa: S608 - our own constant

    return read


async def serve(url: str) -> None:
    """Serve until told to stop."""
    sqlite = url.startswith("sqlite:///")
    read = of_sqlite(url.removeprefix("sqlite:///")) if sqlite else await of_postgres(url)

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        row = await read(scope["path"].split("/")[3])
        body = json.dumps(dict(zip(COLUMNS.split(", "), map(str, row), strict=True))).encode()
        headers = [(b"content-type", b"application/json"),
                   (b"content-length", str(len(body)).encode())]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=False,
        lifespan="off", ws="none", proxy_headers=False, backlog=4096,
    )  # fmt: skip
    print(json.dumps({"port": listening.getsockname()[1], "pid": os.getpid()}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(serve(json.loads(sys.stdin.readline())["database"]))
