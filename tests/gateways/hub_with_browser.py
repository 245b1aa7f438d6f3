"""A stand-in for gateways whose other side hears of an offer only when the payer opens it."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallystick.domain.errors import Refused
from tallystick.domain.money import Money
from tallystick.gateways.base import (
    AttemptRef,
    Checkout,
    CheckoutForm,
    Gateway,
    PostsForm,
    RawNotice,
    Wire,
)
from tallystick.gateways.wire import HttpWire
from tallystick.sandbox.simulators.context import SimulatorFactory
from tallystick.sandbox.simulators.host import Simulators
from tests.gateways.conformance import GatewayConformance
from tests.gateways.hub_stand_in import HubStandIn


@dataclass
class HubWithBrowser(HubStandIn):
    """`browser` is the payer's own connection."""

    browser: HttpWire | None = None

    async def open(self, gateway: Gateway, amount: Money) -> AttemptRef:
        """An offer, and a payer who has opened it."""
        order = self.order(gateway, amount)
        checkout = await gateway.open_checkout(order)
        if isinstance(gateway, PostsForm):
            await self.post(gateway.checkout_form(order))
        else:
            await self.visit(checkout)
        return self.attempt(order, checkout)

    async def visit(self, checkout: Checkout) -> str:
        """The payer opens the checkout's address; the answer is where the browser is sent."""
        assert checkout.checkout_url
        assert self.browser
        if not urlsplit(checkout.checkout_url).query:
            return checkout.checkout_url
        reply = await self.browser.send("GET", checkout.checkout_url, headers={})
        assert reply.status == 303, reply
        return reply.headers["Location"]

    async def post(self, form: CheckoutForm) -> str:
        """The payer's browser posts the form; the answer is where it is sent."""
        assert self.browser
        body = urlencode(form.fields).encode()
        reply = await self.browser.send("POST", form.action, headers={}, body=body)
        assert reply.status == 303, reply
        return reply.headers["Location"]

    async def hear(self, request: Request) -> Response:
        """As the stand-in's, with the query and the method that some notices come by."""
        raw = RawNotice(
            dict(request.headers), await request.body(), request.url.query,
            self.simulators.clock.now(), request.method,
        )  # fmt: skip
        self.heard.append(raw)
        if self.answers:
            return Response(status_code=self.answers.popleft())
        gateway = self.gateways[request.path_params["gateway"]]
        try:
            answer = gateway.acknowledge(gateway.read_notice(raw))
        except Refused as refusal:
            return Response(status_code=refusal.status)
        return Response(answer.body, answer.status, media_type=answer.content_type)


@asynccontextmanager
async def hub_with_browser(
    folder: Path, factories: Sequence[SimulatorFactory]
) -> AsyncIterator[HubWithBrowser]:
    """Simulate these on a free port of this machine, in the test's own event loop."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        simulators = Simulators(
            factories,
            base_url=url,
            webhook_url=lambda gateway: f"{url}/webhooks/{gateway}",
            books_path=folder / "simulators.db",
            hang_s=5.0,
            lost_s=0.01,
        )
        browser = HttpWire(timeout_s=3.0)
        hub = HubWithBrowser(url, simulators, browser=browser)
        door_bell = Route("/webhooks/{gateway}", hub.hear, methods=["GET", "POST"])
        config = uvicorn.Config(
            Starlette(routes=[*simulators.routes(), door_bell]),
            log_level="error", lifespan="off", ws="none",
        )  # fmt: skip
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([door])
        try:
            yield hub
        finally:
            await browser.close()
            await simulators.close()
            server.force_exit = True
            await server.shutdown([door])


class OwnSimulatorConformance(GatewayConformance):
    """The suite, with a simulator of its own.

    `leaves_out` names rules that cannot hold for a gateway; the subclass says why beside it, and
    has another test in the place of each where there is something to test.
    """

    simulator: SimulatorFactory
    leaves_out: frozenset[str] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take out what cannot hold."""
        super().__init_subclass__(**kwargs)
        for name in cls.leaves_out:
            assert callable(getattr(GatewayConformance, name)), name
            setattr(cls, name, None)

    @pytest.fixture
    async def hub(self, tmp_path: Path) -> AsyncIterator[HubStandIn]:
        """Only this gateway's simulator."""
        async with hub_with_browser(tmp_path, [self.simulator]) as hub:
            yield hub

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        raise NotImplementedError
