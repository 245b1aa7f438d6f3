"""A line to PostgreSQL that is cut at a commit: before it arrives, or before its answer does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import pytest

When = Literal["before", "after", "held"]
# As asyncpg sends it: one simple query of its own.
COMMIT = b"COMMIT;\x00"
CHUNK = 65_536


class CutLine:
    """Passes bytes on to a server. Each armed cut ends one connection, at its next commit.

    "before": the commit never reaches the server, which sees the connection end. "held": the same,
    and the server does not see that it ended. "after": the commit is done, its answer is lost.
    `meanwhile` happens before the client notices.
    """

    def __init__(self, server_url: str) -> None:
        self.parts = urlsplit(server_url)
        self.armed: list[When] = []
        self.always: When | None = None
        self.after_saying = b""
        self.cuts = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.loop = asyncio.new_event_loop()
        self.held: list[asyncio.StreamWriter] = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        start = asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.server = asyncio.run_coroutine_threadsafe(start, self.loop).result()

    def url(self, database_url: str) -> str:
        """The same database, over this line."""
        port = self.server.sockets[0].getsockname()[1]
        parts = urlsplit(database_url)
        user = f"{parts.username}@" if parts.username else ""
        return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))

    def cut(self, when: When, times: int = 1, after_saying: str = "") -> None:
        """Cut the line at each of the next commits, or of those that these words went before.

        A connection says the words of a statement once and refers to them afterwards, so only the
        first transaction with them on each connection is meant.
        """
        self.after_saying = after_saying.encode()
        self.armed += [when] * times

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it or it is cut."""
        server, to_server = await asyncio.open_connection(self.parts.hostname, self.parts.port)
        answers = asyncio.create_task(pump(server, to_client))
        try:
            await self.forward(client, to_server, answers, server)
        finally:
            answers.cancel()
            to_client.close()
            if to_server not in self.held:
                to_server.close()

    async def forward(
        self,
        client: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        answers: asyncio.Task[None],
        server: asyncio.StreamReader,
    ) -> None:
        """Pass on what the client says, until it is cut."""
        said = False
        with contextlib.suppress(OSError):
            while chunk := await client.read(CHUNK):
                said = said or self.after_saying in chunk
                commits = chunk.endswith(COMMIT)
                when = self.next_cut() if commits and said else None
                said = said and not commits
                if when is None:
                    to_server.write(chunk)
                    continue
                answers.cancel()
                await asyncio.wait([answers])
                if when == "held":
                    self.held.append(to_server)
                if when == "after":
                    to_server.write(chunk)
                    await server.read(CHUNK)
                self.meanwhile()
                self.cuts += 1
                return

    def next_cut(self) -> When | None:
        """What happens to this commit."""
        return self.armed.pop(0) if self.armed else self.always

    def close(self) -> None:
        """End every connection."""
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def end(self) -> None:
        """Let go of the port and of what was held."""
        self.server.close()
        for writer in self.held:
            writer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what the server answers."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
        sink.close()


@pytest.fixture
def cut_line(postgres_server) -> Iterator[CutLine]:
    """A line to the run's PostgreSQL that the test cuts."""
    line = CutLine(postgres_server.url)
    yield line
    line.close()
