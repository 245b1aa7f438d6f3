"""The status answer with its ETag: what polling costs when nothing has changed is a 304."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from fastapi import Request, Response

from tallystick.domain.errors import TooMany, Unavailable
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import poll
from tallystick.flows.hub import Hub
from tallystick.live.hub import Frame, LiveHub
from tallystick.web import shapes
from tallystick.web.auth import Caller

LONGEST_WAIT_S: Final = 30
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\b", re.ASCII)

Tag = Callable[[Snapshot], str]


async def answer_status(
    request: Request,
    hub: Hub,
    who: Caller,
    snapshot: Snapshot,
    shape: Callable[[Snapshot], Mapping[str, Any]],
    view: Tag = lambda _: "",
) -> Response:
    """200 with the whole state, or 304 where the caller has this version already.

    `view` tells answers of one version apart: who may see more has another tag. Who has this
    version and sends `Prefer: wait=5` (RFC 7240, section 4.3) is answered when there is news, or
    after so many seconds: a poll that learns of the money at once.
    """

    def tag(one: Snapshot) -> str:
        return f'"v{one.version}{view(one)}"'

    known = {one.strip().removeprefix("W/") for one in
             request.headers.get("if-none-match", "").split(",")}  # fmt: skip
    fresh = await poll.fresher(hub, snapshot)
    headers = {"cache-control": "no-cache, private", "vary": "Authorization, Cookie"}
    wait_s = _wished_s(request)
    if wait_s and tag(fresh) in known:
        fresh = await _next(hub, request.app.state.live, who, fresh, wait_s)
        headers["preference-applied"] = f"wait={wait_s}"
    headers["etag"] = tag(fresh)
    if headers["etag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    body = shapes.encoded({"data": shape(fresh)})
    return Response(body, 200, headers, "application/json")


def _wished_s(request: Request) -> int:
    """For how long the caller would wait for news."""
    found = _WAIT.search(request.headers.get("prefer", "").lower())
    return min(int(found[1]), LONGEST_WAIT_S) if found else 0


async def _next(
    hub: Hub, live: LiveHub, who: Caller, known: Snapshot, patience_s: float
) -> Snapshot:
    """The state after this one, or the same one where nothing happens for so long."""
    waiting = _Waiting(known, who)
    try:
        live.join(waiting)
    except (TooMany, Unavailable):
        # Every seat is taken: the answer comes at once, as it does without the wish.
        return known
    try:
        # It may have changed between the reading and the joining.
        if (await poll.read(hub, known.id)).version == known.version:
            with suppress(TimeoutError):
                await asyncio.wait_for(waiting.over.wait(), patience_s)
    finally:
        live.leave(waiting)
    return await poll.read(hub, known.id)


def _no_frame(_: Snapshot) -> bytes:
    return b""


class _Waiting:
    """A poll that waits for the next state. It has a seat among the streams."""

    def __init__(self, known: Snapshot, who: Caller) -> None:
        self.payment_id, self.client = known.id, who.address
        self.user: str | None = who.owner
        self.frame: Frame = _no_frame
        self.over = asyncio.Event()
        self._version = known.version

    def show(self, snapshot: Snapshot, encoded: bytes) -> None:
        """There is news."""
        if snapshot.version > self._version:
            self.over.set()

    def end(self) -> None:
        """Wait no longer."""
        self.over.set()

    def stop(self) -> None:
        """The server stops: wait no longer."""
        self.end()
