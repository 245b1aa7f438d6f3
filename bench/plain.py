"""The usual way to push events: Starlette, a StreamingResponse and a queue for each client.

Reads one JSON line of wishes, prints one JSON line when it takes requests.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bench.publish import Publisher

Queues = dict[str, set[asyncio.Queue[bytes]]]
HEARTBEAT_S = 15.0
# As long as the status of a payment is.
WORDS = json.dumps({"phase": "open", "statusMessage": "x" * 420})


def frame(version: int) -> bytes:
    """One event."""
    return f"event: status\nid: {version}\ndata: {WORDS}\n\n".encode()


async def events(queues: Queues, topic: str) -> AsyncIterator[bytes]:
    """Everything that is published from now on, and a heartbeat where that is nothing."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.setdefault(topic, set()).add(queue)
    yield frame(1)
    try:
        while True:
            try:
                yield await asyncio.wait_for(queue.get(), HEARTBEAT_S)
            except TimeoutError:
                yield b": heartbeat\n\n"
    finally:
        queues[topic].discard(queue)


def application(port: int) -> Starlette:
    """Streams, and a way to publish."""
    queues: Queues = {}

    async def stream(request: Request) -> Response:
        found = events(queues, request.path_params["topic"])
        return StreamingResponse(found, media_type="text/event-stream")

    def show(topic: str, version: int) -> None:
        for queue in queues.get(topic, ()):
            queue.put_nowait(frame(version))

    async def publish(request: Request) -> Response:
        return JSONResponse(await Publisher(show).run(await request.json()))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
        yield

    routes = [
        Route("/streams/{topic}", stream),
        Route("/bench/publish", publish, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def serve() -> None:
    """Serve until told to stop."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = uvicorn.Config(
        application(listening.getsockname()[1]), log_config=None, access_log=False,
        server_header=False, date_header=False, timeout_graceful_shutdown=3, proxy_headers=False,
        ws="none", backlog=4096,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    json.loads(sys.stdin.readline())
    uvloop.run(serve())
