"""The sandbox beside a running server: its clock is moved through all that comes due."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog
from starlette.routing import BaseRoute

from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.rates import RateMarket
from tallystick.system_clock import SystemClock
from tallystick.worker import Worker

MOST_STEPS: Final = 60
_NAP_S: Final = 0.1

log = structlog.get_logger()


class SandboxClock(SystemClock):
    """The simulators' time for payments, and the machine's own for leases."""

    def __init__(self, simulators: Simulators) -> None:
        self._simulators = simulators

    def now(self) -> datetime:
        """Virtual time."""
        return self._simulators.clock.now()


class RunningSandbox:
    """Drives the simulated gateways beside a running server."""

    def __init__(self, simulators: Simulators, worker: Worker) -> None:
        self._simulators = simulators
        self._worker = worker
        self._task: asyncio.Task[None] | None = None
        self._moving = asyncio.Lock()
        self._market = RateMarket()

    async def act(self, gateway: str, our_ref: str, act: str, **wishes: Any) -> dict[str, Any]:
        """Let the payer or the gateway do one thing; what follows at once has followed."""
        return await self._simulators.act(gateway, our_ref, act, **wishes)

    async def advance(self, seconds: float) -> dict[str, Any]:
        """Move the clock in steps from one due thing to the next, at most 60 of them."""
        clock = self._simulators.clock
        end = clock.now() + timedelta(seconds=seconds)
        stride = timedelta(seconds=seconds / MOST_STEPS)
        did = steps = 0
        async with self._moving:
            while clock.now() < end:
                step_to = min(end, max(await self._next_due() or end, clock.now() + stride))
                clock.advance(max(0.0, (step_to - clock.now()).total_seconds()))
                did += await self._catch_up()
                steps += 1
        return {"advanced": seconds, "steps": steps, "done": did + await self._catch_up()}

    def routes(self) -> list[BaseRoute]:
        """The simulators' own addresses."""
        return [*self._market.routes(), *self._simulators.routes()]

    def move_rates(self, rates: Mapping[str, Decimal], fault: str | None) -> dict[str, Any]:
        """Change what the simulated source of exchange rates says, or how it behaves."""
        return self._market.move(rates, fault)

    def start(self) -> None:
        """Deliver the gateways' notices as they come due."""
        self._task = asyncio.create_task(self._deliver_forever())

    async def stop(self) -> None:
        """Stop delivering and close the simulators."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._simulators.close()

    async def _catch_up(self) -> int:
        delivered = await self._simulators.deliver_due(self._simulators.clock.now())
        return delivered + await self._worker.catch_up()

    async def _next_due(self) -> datetime | None:
        both = (await self._worker.next_due(), self._simulators.next_due())
        return min((at for at in both if at is not None), default=None)

    async def _deliver_forever(self) -> None:
        while True:
            await asyncio.sleep(_NAP_S)
            due = self._simulators.next_due()
            if due is None or due > self._simulators.clock.now():
                continue
            try:
                await self._simulators.deliver_due(self._simulators.clock.now())
            except Exception:
                log.exception("delivery_failed")
