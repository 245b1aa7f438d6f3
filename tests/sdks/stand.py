"""One server for all walks: the simulators, a hub that hears their notices, and a recorder.

It runs in a thread, with an event loop of its own, so that walks are plain subprocesses.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from urllib.request import urlopen

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.onepay_vpc import OnePayVPCKeys, onepay_vpc
from tallystick.sandbox.simulators.payos import PayOSKeys, payos
from tallystick.sandbox.simulators.polar import PolarKeys, polar
from tallystick.sandbox.simulators.sepay import SePayKeys, sepay
from tallystick.sandbox.simulators.sepay_pg import SePayPGKeys, sepay_pg

PAYOS = PayOSKeys("client-1", "api-key-1", "checksum-key-1")
POLAR = PolarKeys(
    "polar_oat_1", "whsec_polarSecret1polarSecret1", "8d2a4c1e-0000-4f2a-9c77-0a1b2c3d4e5f"
)
SEPAY = SePayKeys("sepay-token-1", "sepay-secret-1", calls_per_s=1_000)
SEPAY_PG = SePayPGKeys("SP-TEST-1", "sepay-pg-secret-1")
# OnePay's own public test merchant.
ONEPAY_VPC = OnePayVPCKeys(
    "ONEPAY", "D67342C2", "A3EFDFABA8653DF2342E8DAC29B51AF0", "op01", "op123456"
)


_PREFIX = re.compile(r"^/(mute|_sim/[^/]+)")


@dataclass(frozen=True)
class Call:
    """One request as it came over the wire; the path is that of the gateway's own API."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, read."""
        return json.loads(self.body) if self.body else None


@dataclass
class Stand:
    """`calls` are those that came to `recorder(name)`, by that name."""

    url: str
    simulators: Simulators
    calls: dict[str, list[Call]] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str], bytes, str]] = field(default_factory=list)

    def recorder(self, name: str, gateway: str) -> str:
        """The address of a gateway, at which all that is asked is kept under this name."""
        return f"{self.url}/as/{name}/_sim/{gateway}"

    def mute(self, name: str) -> str:
        """An address that keeps what it is asked and says only that it cannot answer now."""
        return f"{self.url}/as/{name}/mute"

    async def act(self, gateway: str, reference: str, act: str) -> None:
        """Do an act, over HTTP as walks do: the simulators live in another thread."""
        await asyncio.to_thread(
            self._post, "/act", {"gateway": gateway, "reference": reference, "act": act}
        )

    async def open_form(self, gateway: str, fields: Mapping[str, str]) -> None:
        """The payer's browser posts a signed form to the hosted checkout."""
        path = f"/_sim/{gateway}/v1/checkout/init"
        await asyncio.to_thread(self._post, path, urlencode(fields))

    def _post(self, path: str, wish: Mapping[str, Any] | str) -> None:
        body = wish if isinstance(wish, str) else json.dumps(wish)
        with urlopen(self.url + path, body.encode(), timeout=60):
            pass

    def routes(self) -> list[Route]:
        """The hub's door and what walks steer by."""
        return [
            Route("/webhooks/{gateway}", self._hear, methods=["GET", "POST"]),
            Route("/act", self._act, methods=["POST"]),
            Route("/deliver", self._deliver, methods=["POST"]),
            Route("/heard", self._heard, methods=["POST"]),
            Route("/mute/{path:path}", _unavailable, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]

    async def _hear(self, request: Request) -> Response:
        gateway, body = request.path_params["gateway"], await request.body()
        self.heard.append((gateway, dict(request.headers), body, request.url.query))
        if gateway == "onepay_vpc":
            return PlainTextResponse("responsecode=1&desc=confirm-success")
        return JSONResponse({"success": True})

    async def _act(self, request: Request) -> Response:
        wish = await request.json()
        gateway, reference, name = (wish.pop(key) for key in ("gateway", "reference", "act"))
        return JSONResponse(await self.simulators.act(gateway, reference, name, **wish))

    async def _deliver(self, request: Request) -> Response:
        return JSONResponse(await self.simulators.deliver_due(self.simulators.clock.now()))

    async def _heard(self, request: Request) -> Response:
        wish = await request.json()
        return JSONResponse(self.heard_about(wish["gateway"], wish["about"]))

    def heard_about(self, gateway: str, about: str) -> list[dict[str, Any]]:
        """Every notice of a gateway that has this text in it, in the order of coming."""
        return [
            {"headers": headers, "body": body.decode(), "query": query}
            for by, headers, body, query in self.heard
            if by == gateway and about in body.decode() + query
        ]


async def _unavailable(_request: Request) -> Response:
    return PlainTextResponse("Service Unavailable", 503)


class Recorder:
    """Keeps what comes to `/as/{name}/…`, and hands it on without that."""

    def __init__(self, app: ASGIApp, stand: Stand) -> None:
        self._app = app
        self._stand = stand

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not scope["path"].startswith("/as/"):
            await self._app(scope, receive, send)
            return
        _, _, name, rest = scope["path"].split("/", 3)
        request = Request(scope, receive)
        body = await request.body()
        inner = _PREFIX.sub("", f"/{rest}")
        query = tuple(sorted(parse_qsl(request.url.query, keep_blank_values=True)))
        call = Call(request.method, inner, query, dict(request.headers), body)
        self._stand.calls.setdefault(name, []).append(call)

        async def again() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        path = f"/{rest}"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, again, send)


@contextmanager
def standing(folder: Path) -> Iterator[Stand]:
    """Serve on a free port of this machine until the block ends."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        simulators = Simulators(
            [payos(PAYOS), polar(POLAR, calls_per_minute=100_000), sepay(SEPAY),
             sepay_pg(SEPAY_PG), onepay_vpc(ONEPAY_VPC)],
            base_url=url,
            webhook_url=lambda gateway: f"{url}/webhooks/{gateway}",
            books_path=folder / "simulators.db",
        )  # fmt: skip
        stand = Stand(url, simulators)
        app = Recorder(Starlette(routes=[*simulators.routes(), *stand.routes()]), stand)
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        ready = threading.Event()
        thread = threading.Thread(
            target=_serve, args=(server, door, simulators, ready), daemon=True
        )
        thread.start()
        ready.wait()
        try:
            yield stand
        finally:
            server.should_exit = True
            thread.join()


def _serve(
    server: uvicorn.Server, door: socket.socket, simulators: Simulators, ready: threading.Event
) -> None:
    async def run() -> None:
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([door])
        ready.set()
        await server.main_loop()
        await simulators.close()
        await server.shutdown([door])

    asyncio.run(run())
