"""Callers who come again, as a busy server asks them to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tallystick.domain.errors import Unavailable

T = TypeVar("T")
_PAUSE_S = 0.05


async def patiently(call: Callable[..., Awaitable[T]], *what: object) -> T:
    """What comes of it, once there is room: where many wait, newcomers are sent away."""
    while True:
        try:
            return await call(*what)
        except Unavailable as busy:
            if not busy.retry_after_s:
                raise
            await asyncio.sleep(_PAUSE_S)
