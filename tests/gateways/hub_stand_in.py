"""Simulators on a real socket, with a stand-in for the hub that listens to their notices."""

import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.domain.errors import Refused
from tallystick.domain.ids import memo_code
from tallystick.domain.money import Money
from tallystick.gateways.base import (
    Answer,
    AnswersInquiries,
    AttemptRef,
    Checkout,
    CheckoutOrder,
    Gateway,
    Notice,
    RawNotice,
    Standing,
)
from tallystick.sandbox.simulators.context import SimulatorFactory
from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.payos import PayOSKeys, payos
from tallystick.sandbox.simulators.sandbox import SandboxKeys, sandbox

PAYOS = PayOSKeys("client-1", "api-key-1", "checksum-key-1")
SANDBOX = SandboxKeys("sandbox-key-1", "sandbox-secret-1")
RETURN_URL = "https://shop.example/thanks?lang=vi"
CANCEL_URL = "https://shop.example/back"


@dataclass
class HubStandIn:
    """`heard` is every notice as it came; `answers` are statuses to give instead of our own.

    `pause` is awaited before each answer. `wishes` are all orders, by our reference,
    and `paid` what was heard to be paid for them.
    """

    url: str
    simulators: Simulators
    heard: list[RawNotice] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    pause: Callable[[], Awaitable[object]] | None = None
    wishes: dict[str, CheckoutOrder] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)

    def order(self, gateway: Gateway, amount: Money, ref: str | None = None) -> CheckoutOrder:
        """A wish to be paid, within the next 15 minutes of virtual time."""
        now = self.simulators.clock.now()
        wish = CheckoutOrder(
            attempt_id="att_1",
            our_ref=ref or gateway.new_ref(now),
            memo=memo_code(),
            amount=amount,
            description="Two coffees",
            return_url=RETURN_URL,
            cancel_url=CANCEL_URL,
            expires_at=now + timedelta(minutes=15),
            form_url=f"{self.url}/pay/form/1",
        )
        self.wishes[wish.our_ref] = wish
        return wish

    def attempt(self, order: CheckoutOrder, checkout: Checkout | None = None) -> AttemptRef:
        """The names by which the hub asks about an order afterwards."""
        number = checkout.provider_id if checkout else None
        now = self.simulators.clock.now()
        return AttemptRef(order.attempt_id, order.our_ref, number, order.amount, now)

    async def open(self, gateway: Gateway, amount: Money) -> AttemptRef:
        """An offer that is open at the gateway."""
        order = self.order(gateway, amount)
        return self.attempt(order, await gateway.open_checkout(order))

    async def hear(self, request: Request) -> Response:
        """What the hub does with a notice: who sent it? Else 4xx."""
        raw = RawNotice(
            dict(request.headers), await request.body(), "", self.simulators.clock.now()
        )
        self.heard.append(raw)
        if self.pause:
            await self.pause()
        if self.answers:
            return Response(status_code=self.answers.popleft())
        gateway = self.gateways[request.path_params["gateway"]]
        try:
            answer = self._answer(gateway, raw)
        except Refused as refusal:
            return Response(status_code=refusal.status)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    def _answer(self, gateway: Gateway, raw: RawNotice) -> Answer:
        notice = gateway.read_notice(raw)
        if not gateway.capabilities.hears_outcome:
            return gateway.acknowledge(notice)
        return gateway.acknowledge(notice, self.standing(gateway, notice.refs, notice))

    def standing(
        self, gateway: Gateway, refs: tuple[str, ...], notice: Notice | None = None
    ) -> Standing | None:
        """How an order stands, by what was heard of it, for gateways that want to know."""
        wish = next((self.wishes[ref] for ref in refs if ref in self.wishes), None)
        if wish is None:
            return None
        told = [] if notice is None else [credit.money for credit in notice.credits]
        paid = self.paid.get(wish.our_ref, 0) + sum(money.minor for money in told)
        self.paid[wish.our_ref] = paid
        return Standing(
            our_ref=wish.our_ref,
            due=wish.amount,
            description=wish.description,
            payable=paid < wish.amount.minor and self.simulators.clock.now() < wish.expires_at,
            paid=paid >= wish.amount.minor,
            agrees=all(money == wish.amount for money in told),
        )

    async def inquire(self, request: Request) -> Response:
        """What the hub does where a gateway asks before it moves money."""
        for gateway in self.gateways.values():
            operation = getattr(gateway, "desk_paths", {}).get(request.url.path)
            if operation is not None:
                break
        else:
            return Response(status_code=404)
        request.path_params["gateway"] = gateway.name
        if operation == "notice":
            return await self.hear(request)
        now = self.simulators.clock.now()
        raw = RawNotice(dict(request.headers), await request.body(), request.url.query, now)
        clerk = cast(AnswersInquiries, gateway)
        try:
            question = clerk.read_question(operation, raw, now)
            asked = () if question.ref is None else (question.ref,)
            answer = clerk.answer_question(question, self.standing(gateway, asked))
        except Refused as refusal:
            answer = clerk.refuse(refusal)
        return Response(answer.body, answer.status, media_type=answer.content_type)


@asynccontextmanager
async def hub_stand_in(folder: Path, *more: SimulatorFactory) -> AsyncIterator[HubStandIn]:
    """Open both on a free port of this machine, in the test's own event loop.

    `more` are simulators beside those of payOS and the sandbox.
    """
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        simulators = Simulators(
            [payos(PAYOS), sandbox(SANDBOX), *more],
            base_url=url,
            webhook_url=lambda gateway: f"{url}/webhooks/{gateway}",
            books_path=folder / "simulators.db",
            hang_s=5.0,
            lost_s=0.01,
        )
        hub = HubStandIn(url, simulators)
        app = Starlette(
            routes=[
                *simulators.routes(),
                Route("/webhooks/{gateway}", hub.hear, methods=["POST"]),
                Route("/api/{path:path}", hub.inquire, methods=["POST"]),
            ]
        )
        # The parts of `Server.serve` without its signals and its loop that ticks.
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([door])
        try:
            yield hub
        finally:
            await simulators.close()
            server.force_exit = True
            await server.shutdown([door])
