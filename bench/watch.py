"""The browsers: a process of its own that holds streams open and notes when each event came.

Reads one JSON line with the streams to open and prints one when all are open; then, for each line
that it reads, prints all that came since the last.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

AT_ONCE = 64


class Browser(asyncio.Protocol):
    """One open stream. It is open when its first event is there."""

    __slots__ = ("_came", "_opened", "_request", "_topic", "_transport")

    def __init__(
        self, topic: str, request: bytes, came: list[Any], opened: "asyncio.Future[bool]"
    ) -> None:
        self._topic, self._request, self._came = topic, request, came
        self._opened: asyncio.Future[bool] | None = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        for part in data.split(b"\nid: ")[1:]:
            self._came.append((self._topic, int(part.partition(b"\n")[0]), now))
            if self._opened is not None:
                self._opened.set_result(True)
                self._opened = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(False)


def request(path: str, token: str | None) -> bytes:
    """What a browser asks for a stream with."""
    proof = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        f"Accept-Language: vi,en;q=0.5\r\nCache-Control: no-cache\r\n{proof}"
        "Connection: keep-alive\r\n\r\n"
    ).encode()


async def open_all(port: int, streams: list[list[str]], came: list[Any]) -> float:
    """Open them, some at once; how long it took, in seconds."""
    loop = asyncio.get_running_loop()
    left = iter(streams)

    async def some() -> None:
        for topic, path, token in left:
            opened = loop.create_future()
            wanted = request(path, token)
            await loop.create_connection(
                lambda t=topic, w=wanted, o=opened: Browser(t, w, came, o), "127.0.0.1", port
            )
            if not await asyncio.wait_for(opened, 30):
                raise ConnectionError(f"The stream {path} was refused.")

    started = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return time.perf_counter() - started


async def main() -> None:
    """Open what the first line asks for, then report until there are no more lines."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    wish = json.loads(await lines.readline())
    came: list[Any] = []
    seconds = await open_all(wish["port"], wish["streams"], came)
    came.clear()
    print(json.dumps({"seconds": seconds}), flush=True)
    while await lines.readline():
        print(json.dumps(came), flush=True)
        came.clear()


if __name__ == "__main__":
    uvloop.run(main())
