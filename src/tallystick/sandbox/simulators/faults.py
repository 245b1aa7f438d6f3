"""Faults of a gateway's API, planned for its next calls."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tallystick.domain.errors import Invalid
from tallystick.sandbox.simulators.books import Books

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
_MOST: Final = 10_000
_GLANCE_S: Final = 0.05


class Fault(StrEnum):
    """What can go wrong with a call. The names are those of the acts."""

    HANG = "hang"
    ERROR_500 = "error_500"
    TIME_OUT_AFTER_SUCCESS = "time_out_after_success"


class Faults:
    """How many of the next calls to each gateway go wrong, and how. Durable, so kill -9 keeps it.

    `hang_s` bounds how long a hanging call is held. `lost_s` is how long a call that succeeded is
    held before the gateway's own proxy gives up on it and answers 504 in its place.
    """

    def __init__(self, books: Books, *, hang_s: float = 60.0, lost_s: float = 1.0) -> None:
        self._books = books
        self._hang_s = hang_s
        self._lost_s = lost_s
        self._closing = asyncio.Event()

    def plan(self, gateway: str, fault: Fault, times: int) -> None:
        """Let the next `times` calls to the gateway's API go wrong, or none where it is 0."""
        if not 0 <= times <= _MOST:
            raise Invalid(f"times is a whole number from 0 to {_MOST}.")
        self._books.keep_fact(f"fault.{gateway}.{fault}", str(times))

    def left(self, gateway: str, fault: Fault) -> int:
        """How many of the next calls will go wrong so."""
        return int(self._books.fact(f"fault.{gateway}.{fault}") or 0)

    def guard(self, gateway: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint, with the planned faults in front of it or behind."""

        async def guarded(request: Request) -> Response:
            fault = self._next(gateway)
            if fault is Fault.ERROR_500:
                return PlainTextResponse("Internal Server Error", 500)
            if fault is Fault.HANG:
                return await self._hold(request, self._hang_s)
            answer = await endpoint(request)
            if fault is Fault.TIME_OUT_AFTER_SUCCESS:
                return await self._hold(request, self._lost_s)
            return answer

        return guarded

    def close(self) -> None:
        """Let go of the calls that hang."""
        self._closing.set()

    def _next(self, gateway: str) -> Fault | None:
        for fault in Fault:
            left = self.left(gateway, fault)
            if left:
                self.plan(gateway, fault, left - 1)
                return fault
        return None

    async def _hold(self, request: Request, longest_s: float) -> Response:
        # The body must be read, or the end of the connection cannot be seen behind it.
        await request.body()
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                while not (self._closing.is_set() or await request.is_disconnected()):
                    await self._glance()
        return PlainTextResponse("Gateway Timeout", 504)

    async def _glance(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), _GLANCE_S)
