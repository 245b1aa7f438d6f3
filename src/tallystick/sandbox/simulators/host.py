"""All simulated gateways, with their clock, books, notices and acts."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from tallystick.domain.document import instant
from tallystick.domain.errors import Invalid, NotFound
from tallystick.sandbox.simulators.act_context import ActContext
from tallystick.sandbox.simulators.acts import ACTS
from tallystick.sandbox.simulators.base import Caller, OpenedByPayer, Order, Simulator, Transfer
from tallystick.sandbox.simulators.books import Book, Books, Delivery
from tallystick.sandbox.simulators.clock import VirtualClock
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory
from tallystick.sandbox.simulators.delivery import NoticeSender
from tallystick.sandbox.simulators.faults import Faults
from tallystick.sandbox.simulators.github import GitHubSimulator
from tallystick.sandbox.simulators.page import PayerPage

_LONGEST_DELAY_S: Final = 366 * 86_400
_CSS: Final = files("tallystick.sandbox.simulators").joinpath("static/sim.css").read_bytes()


class Simulators:
    """The other side of every gateway's wire.

    `base_url` is the address at which `routes` are served, beside the hub itself; `webhook_url`
    tells where the hub hears a gateway, `books_path` is the file that remembers everything over a
    kill -9. `hang_s` bounds a hanging call, `lost_s` one whose answer is lost.
    Beside the gateways stands GitHub, which takes `github_token`.
    """

    def __init__(  # noqa: PLR0913 - what is simulated, and how
        self,
        factories: Sequence[SimulatorFactory],
        *,
        base_url: str,
        webhook_url: Callable[[str], str],
        books_path: Path,
        hang_s: float = 60.0,
        lost_s: float = 1.0,
        github_token: str = "",
    ) -> None:
        self._books = Books(books_path)
        self.clock = VirtualClock(self._books)
        self.faults = Faults(self._books, hang_s=hang_s, lost_s=lost_s)
        self._simulators: dict[str, Simulator] = {}
        self._github = GitHubSimulator(self._books, github_token)
        self._sender = NoticeSender(self._books, self.clock, self._simulators, webhook_url)
        for factory in factories:
            address = f"{base_url.rstrip('/')}/_sim/{factory.name}"
            context = SimulatorContext(
                self._books, self.clock, self.faults, address, self._sender.post,
                self._sender.call, base_url.rstrip("/"),
            )  # fmt: skip
            self._simulators[factory.name] = factory.make(context)

    @property
    def gateways(self) -> tuple[str, ...]:
        """The names of the gateways that are simulated."""
        return tuple(self._simulators)

    def routes(self) -> list[BaseRoute]:
        """Every simulator's API and page under `/_sim/{gateway}`, and what the pages need."""
        mounts = [
            Mount(
                f"/_sim/{name}",
                routes=[
                    *simulator.routes(),
                    *PayerPage(simulator, self._books, self.clock, self.act).routes(),
                ],
            )
            for name, simulator in self._simulators.items()
        ]
        mounts.append(Mount(f"/_sim/{self._github.name}", routes=self._github.routes()))
        return [Route("/_sim/static/sim.css", _stylesheet), *mounts]

    def next_due(self) -> datetime | None:
        """When the next notice is to go out, in virtual time."""
        return self._sender.next_due()

    async def deliver_due(self, now: datetime) -> int:
        """Send the notices that are due; the answer is how many were tried."""
        return await self._sender.deliver_due(now)

    def book(self, gateway: str) -> Book:
        """What one gateway knows of orders and money, for comparing with the hub's books."""
        return self._books.book(self._simulator(gateway).name)

    async def act(  # noqa: PLR0913 - these are the contract's own fields
        self,
        gateway: str,
        our_ref: str,
        act: str,
        *,
        amount: int | None = None,
        currency: str | None = None,
        delay: float = 0.0,
        times: int | None = None,
        seed: int | None = None,
        page: str | None = None,
    ) -> dict[str, Any]:
        """Do one of ACTS to the order that the hub calls `our_ref`, and say what happened.

        `page` is the checkout's address, which the payer opens before paying. With no `delay` the
        notices are tried before this returns, whatever the hub answers.
        `times` is 10 for repeat_webhook and 1 for faults unless it is given. Raises Invalid
        (unknown act, wrong value), NotFound (unknown order), Conflict (makes no sense there).
        """
        simulator = self._simulator(gateway)
        if act not in ACTS:
            raise Invalid(f"There is no act {act[:32]!r}; there are: {', '.join(sorted(ACTS))}.")
        _check(amount, delay)
        await _prepare(simulator, our_ref, act, page)
        seed = secrets.randbits(32) if seed is None else seed
        before = self._books.order(gateway, our_ref)
        arrived = len(before.transfers) if before else 0
        # The seed is the caller's; the rest keeps two orders from the same references.
        rng = Random(f"{seed}/{gateway}/{our_ref}/{act}/{arrived}")  # noqa: S311 - not a secret
        context = ActContext(
            self._books, self.faults, simulator, our_ref, self.clock.now(), rng,
            amount=amount, currency=currency, delay_s=delay, times=times,
        )  # fmt: skip
        with self._books.at_once():
            summary = ACTS[act](context)
        tried = await self._sender.send([d for d in context.posted if d.due <= context.now])
        sent = {delivery.id: delivery for delivery in tried}
        order = self._books.order(gateway, our_ref)
        return {
            "gateway": gateway,
            "reference": our_ref,
            "act": act,
            "seed": seed,
            "summary": summary,
            "order": order and _told_order(simulator.as_of(order, context.now)),
            "transfers": [_told_transfer(transfer) for transfer in context.moved],
            "deliveries": [_told_delivery(sent.get(d.id, d)) for d in context.posted],
        }

    async def close(self) -> None:
        """Let go of connections and files; hanging calls end."""
        self.faults.close()
        await self._sender.close()
        self._books.close()

    def _simulator(self, gateway: str) -> Simulator:
        if gateway not in self._simulators:
            names = ", ".join(self._simulators)
            raise NotFound(f"No gateway {gateway[:32]!r} is simulated here; there are: {names}.")
        return self._simulators[gateway]


async def _prepare(simulator: Simulator, our_ref: str, act: str, page: str | None) -> None:
    """What goes before paying: the gateway asks the hub, or the payer opens the page."""
    if isinstance(simulator, Caller):
        await simulator.prepare(our_ref, act)
    if isinstance(simulator, OpenedByPayer) and page:
        # Another page than the gateway's own stands there after a create that was lost.
        with suppress(Invalid):
            simulator.opened(urlsplit(page).query)


async def _stylesheet(_request: Request) -> Response:
    return Response(_CSS, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


def _check(amount: int | None, delay: float) -> None:
    if amount is not None and (type(amount) is not int or amount <= 0):
        raise Invalid("amount is a whole number of minor units above 0.")
    if not 0 <= delay <= _LONGEST_DELAY_S:
        raise Invalid(f"delay is a number of seconds from 0 to {_LONGEST_DELAY_S}.")


def _told_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "status": order.status,
        "amount": order.amount,
        "currency": order.currency,
        "received": order.received,
    }


def _told_transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "reference": transfer.reference,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "content": transfer.content,
        "at": instant(transfer.at),
    }


def _told_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "due": instant(delivery.due),
        "tries": delivery.tries,
        "status": delivery.status,
        "error": delivery.error,
        "done": delivery.done,
        "rightlySigned": delivery.rightly,
    }
