"""PostgreSQL's LISTEN and NOTIFY as the line between processes, where there is no Redis."""

from collections.abc import Callable, Sequence
from typing import Any

from tallystick.store import notify


class PostgresLine:
    """A connection of its own, apart from the pool that payments use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    async def open(self, heard: Callable[[str], None]) -> None:
        """Connect and listen. Raises OSError, asyncpg's errors."""
        self._connection = await notify.connect(self._url, heard)

    async def tell(self, messages: Sequence[str]) -> None:
        """All in one round trip, after the transactions that caused them."""
        await notify.tell(self._connection, messages)

    async def close(self) -> None:
        """Let go."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close(timeout=5)
