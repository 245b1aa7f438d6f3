"""A stage on a real socket, with a stand-in for the hub that listens to its notices."""

import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.domain.errors import Refused
from tallystick.domain.ids import memo_code
from tallystick.domain.money import Money
from tallystick.gateways.base import AttemptRef, Checkout, CheckoutOrder, Gateway, RawNotice
from tallystick.simulators.payos import PayOSKeys, payos
from tallystick.simulators.sandbox import SandboxKeys, sandbox
from tallystick.simulators.stage import Stage

PAYOS = PayOSKeys("client-1", "api-key-1", "checksum-key-1")
SANDBOX = SandboxKeys("sandbox-key-1", "sandbox-secret-1")
RETURN_URL = "https://shop.example/thanks?lang=vi"
CANCEL_URL = "https://shop.example/back"


@dataclass
class Theatre:
    """`heard` is every notice as it came; `answers` are statuses to give instead of our own.

    `pause` is awaited before each answer.
    """

    url: str
    stage: Stage
    heard: list[RawNotice] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    pause: Callable[[], Awaitable[object]] | None = None

    def order(self, gateway: Gateway, amount: Money, ref: str | None = None) -> CheckoutOrder:
        """A wish to be paid, within the next 15 minutes of virtual time."""
        now = self.stage.clock.now()
        return CheckoutOrder(
            attempt_id="att_1",
            our_ref=ref or gateway.new_ref(now),
            memo=memo_code(),
            amount=amount,
            description="Two coffees",
            return_url=RETURN_URL,
            cancel_url=CANCEL_URL,
            expires_at=now + timedelta(minutes=15),
        )

    def attempt(self, order: CheckoutOrder, checkout: Checkout | None = None) -> AttemptRef:
        """The names by which the hub asks about an order afterwards."""
        number = checkout.provider_id if checkout else None
        now = self.stage.clock.now()
        return AttemptRef(order.attempt_id, order.our_ref, number, order.amount, now)

    async def open(self, gateway: Gateway, amount: Money) -> AttemptRef:
        """An offer that is open at the gateway."""
        order = self.order(gateway, amount)
        return self.attempt(order, await gateway.open_checkout(order))

    async def hear(self, request: Request) -> Response:
        """What the hub does at its door: who sent it? Else 4xx."""
        raw = RawNotice(dict(request.headers), await request.body(), "", self.stage.clock.now())
        self.heard.append(raw)
        if self.pause:
            await self.pause()
        if self.answers:
            return Response(status_code=self.answers.popleft())
        gateway = self.gateways[request.path_params["gateway"]]
        try:
            answer = gateway.acknowledge(gateway.read_notice(raw))
        except Refused as refusal:
            return Response(status_code=refusal.status)
        return Response(answer.body, answer.status, media_type=answer.content_type)


@asynccontextmanager
async def theatre(folder: Path) -> AsyncIterator[Theatre]:
    """Open the theatre on a free port of this machine, in the test's own event loop."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        stage = Stage(
            [payos(PAYOS), sandbox(SANDBOX)],
            base_url=url,
            webhook_url=lambda gateway: f"{url}/webhooks/{gateway}",
            books_path=folder / "simulators.db",
            hang_s=5.0,
            lost_s=0.01,
        )
        here = Theatre(url, stage)
        app = Starlette(
            routes=[*stage.routes(), Route("/webhooks/{gateway}", here.hear, methods=["POST"])]
        )
        # The parts of `Server.serve` without its signals and its loop that ticks.
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([door])
        try:
            yield here
        finally:
            await stage.close()
            server.force_exit = True
            await server.shutdown([door])
