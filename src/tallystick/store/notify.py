"""PostgreSQL's NOTIFY as a way to ring other processes, outside of every transaction."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import make_url

if TYPE_CHECKING:
    import asyncpg

CHANNEL: Final = "tallystick"
# Inside a payment's transaction a NOTIFY would make all commits wait for each other.
_TELL: Final = "SELECT pg_notify($1, told) FROM unnest($2::text[]) AS told"


async def connect(url: str, heard: Callable[[str], None]) -> "asyncpg.Connection[Any]":
    """A connection of its own that calls `heard` with every message of every process."""
    import asyncpg

    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(plain, timeout=10)

    def called(_: object, __: int, ___: str, payload: object) -> None:
        heard(str(payload))

    await connection.add_listener(CHANNEL, called)
    return connection


async def tell(connection: "asyncpg.Connection[Any]", messages: Sequence[str]) -> None:
    """Ring everybody, with one round trip for all messages."""
    await connection.execute(_TELL, CHANNEL, list(messages))
