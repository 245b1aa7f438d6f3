"""Redis pub/sub as the line between processes."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

CHANNEL: Final = "tallystick"
PATIENCE_S: Final = 1.0
"""A Redis that does not answer for so long is taken for gone: it may be frozen, and never say."""


class RedisLine:
    """One channel for all payments, and one connection for listening."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None
        self._listening: asyncio.Task[None] | None = None

    async def open(self, heard: Callable[[str], None]) -> None:
        """Subscribe. Raises redis' ConnectionError, TimeoutError."""
        from redis.asyncio import BlockingConnectionPool, Redis

        pool = BlockingConnectionPool.from_url(self._url, max_connections=4, timeout=5)
        self._client = Redis.from_pool(pool)
        subscription = self._client.pubsub(ignore_subscribe_messages=True)
        async with asyncio.timeout(PATIENCE_S):
            await subscription.subscribe(CHANNEL)
        self._listening = asyncio.create_task(_listen(subscription, heard))
        await self.tell(())

    async def tell(self, messages: Sequence[str]) -> None:
        """Publish all in one round trip. Raises where Redis, or the listening, is gone."""
        if self._listening is None or self._listening.done():
            raise ConnectionError("The subscription has ended.")
        async with (
            asyncio.timeout(PATIENCE_S),
            self._client.pipeline(transaction=False) as pipe,
        ):
            # Answered also where there is nothing to tell.
            pipe.ping()
            for message in messages:
                pipe.publish(CHANNEL, message)
            await pipe.execute()

    async def close(self) -> None:
        """Unsubscribe and let go."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._listening
            self._listening = None
        if self._client is not None:
            await self._client.aclose(close_connection_pool=True)
            self._client = None


async def _listen(subscription: Any, heard: Callable[[str], None]) -> None:
    try:
        async for message in subscription.listen():
            if message["type"] == "message":
                heard(message["data"].decode())
    finally:
        with contextlib.suppress(Exception):
            await subscription.aclose()
