"""Delivers the simulated gateways' notices to the hub, over real HTTP and in virtual time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from tallystick.sandbox.simulators.base import Caller, HearsOutcome, Message, Simulator
from tallystick.sandbox.simulators.books import Books, Delivery
from tallystick.sandbox.simulators.clock import VirtualClock

if TYPE_CHECKING:
    import aiohttp

_TIMEOUT_S: Final = 10.0
_LARGEST_ANSWER: Final = 65_536


class NoticeSender:
    """Carries notices. What it was given is in the books, so a restart forgets none."""

    def __init__(
        self,
        books: Books,
        clock: VirtualClock,
        simulators: Mapping[str, Simulator],
        webhook_url: Callable[[str], str],
    ) -> None:
        self._books = books
        self._clock = clock
        self._simulators = simulators
        self._webhook_url = webhook_url
        self._on_the_way: set[int] = set()
        self._session: aiohttp.ClientSession | None = None

    def next_due(self) -> datetime | None:
        """When the next notice is to go out, in virtual time."""
        return self._books.next_due(frozenset(self._on_the_way))

    async def deliver_due(self, now: datetime) -> int:
        """Send all that is due; the answer is how many were tried."""
        waiting = [d for d in self._books.due(now) if d.id not in self._on_the_way]
        return len(await self.send(waiting))

    async def send(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Try these now: each order's in their order, several orders side by side."""
        numbers = {delivery.id for delivery in deliveries}
        self._on_the_way |= numbers
        try:
            lines: dict[tuple[str, str], list[Delivery]] = {}
            for delivery in deliveries:
                lines.setdefault((delivery.gateway, delivery.ref), []).append(delivery)
            tried = await asyncio.gather(*(self._walk(line) for line in lines.values()))
        finally:
            self._on_the_way -= numbers
        return sorted((d for line in tried for d in line), key=lambda d: d.id)

    async def post(self, url: str, message: Message, cut: int | None = None) -> int:
        """Post one notice and tell the status that came back. Raises OSError, TimeoutError."""
        status, _ = await self.call(url, message, cut)
        return status

    async def call(self, url: str, message: Message, cut: int | None = None) -> tuple[int, bytes]:
        """Post one message and tell the status and the body. Raises OSError, TimeoutError."""
        # Imported with the first notice, because it makes a tenth of the time to start.
        import aiohttp

        if self._session is None:
            # A connection that idled may be closed by the hub just as a notice is written to it.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            )
        headers = {"Content-Type": "application/json", **message.headers}
        try:
            async with self._session.post(
                url, data=message.body[:cut], headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await answer.content.read(_LARGEST_ANSWER)
        except (aiohttp.ClientError, ValueError) as error:
            raise ConnectionError(type(error).__name__) from error

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _walk(self, line: Iterable[Delivery]) -> list[Delivery]:
        tried: list[Delivery] = []
        for mark, group in groupby(line, key=lambda delivery: delivery.together):
            if mark is None:
                tried.extend([await self._try(delivery) for delivery in group])
            else:
                tried.extend(await asyncio.gather(*(self._try(delivery) for delivery in group)))
        return tried

    async def _try(self, delivery: Delivery) -> Delivery:
        simulator = self._simulators[delivery.gateway]
        at = delivery.sealed_at or self._clock.now()
        status, error = None, None
        try:
            if isinstance(simulator, Caller):
                await simulator.log_in()
            message = simulator.seal(delivery.event, at, rightly=delivery.rightly)
            cut = len(message.body) // 2 if delivery.cut and delivery.tries == 0 else None
            status = await self.post(
                message.url or self._webhook_url(delivery.gateway), message, cut
            )
        except (OSError, TimeoutError) as trouble:
            error = str(trouble) or type(trouble).__name__
        tried = self._judged(replace(delivery, status=status, error=error), simulator)
        self._books.repost(tried)
        return tried

    def _judged(self, delivery: Delivery, simulator: Simulator) -> Delivery:
        waits = () if delivery.once else simulator.traits.retries_s
        arrived = delivery.status is not None and 200 <= delivery.status < 300
        tries = delivery.tries + 1
        if arrived or tries > len(waits):
            if isinstance(simulator, HearsOutcome):
                simulator.ended(arrived=arrived)
            return replace(delivery, tries=tries, done=True)
        due = self._clock.now() + timedelta(seconds=waits[tries - 1])
        return replace(delivery, tries=tries, due=due)
