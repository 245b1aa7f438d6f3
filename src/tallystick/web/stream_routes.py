"""Where streams are asked for: who may watch what, and in which shape it is told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tallystick.domain.errors import Unavailable
from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import look_up, poll
from tallystick.flows.hub import Hub
from tallystick.live.hub import Frame, LiveHub
from tallystick.web import metrics, shapes
from tallystick.web.auth import Caller
from tallystick.web.depends import known_caller, spend_polling
from tallystick.web.links import find
from tallystick.web.methods import asks_for_head
from tallystick.web.parts import Watch
from tallystick.web.sse_stream import Stream

Kind = Literal["payment", "link", "product"]
_PLACES: Final[dict[str, Kind]] = {"/api/payments/": "payment", "/api/payment-links/": "link"}
# Our clients poll until then: a page that stays open takes up the stream when it is back.
_OFF_FOR_S: Final = 600
_SWITCHED_OFF: Final = (
    "Streams are switched off here (TALLYSTICK_STREAMS): read the status instead."
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a stream or a status is asked of."""

    kind: Kind
    id: str = ""
    watch: Watch | None = None


def target_of(path: str, end: str, watches: Sequence[Watch] = ()) -> Target | None:
    """What a path with this end is about, or None where it is another route."""
    if not path.endswith(end):
        return None
    for watch in watches:
        if path == watch.path:
            # Which one is said in the query.
            return Target("product", watch=watch)
    for prefix, kind in _PLACES.items():
        name = path[len(prefix) : -len(end)]
        if path.startswith(prefix) and "/" not in name:
            return Target(kind, name)
    return None


async def open_stream(
    hub: Hub, target: Target, scope: Scope, receive: Receive, send: Send, refuse: Send
) -> None:
    """Let a watcher in. Raises Unauthenticated, NotFound, TooMany, Unavailable."""
    if not hub.settings.streams:
        raise Unavailable(_SWITCHED_OFF, retry_after_s=_OFF_FOR_S)
    live: LiveHub = scope["app"].state.live
    # The server's own list; whoever reads it through Starlette leaves a copy in its place.
    asked = scope["headers"]
    heard = live.heard
    stream = await _admit(hub, target, Request(scope), send)
    if stream is None or asks_for_head(scope):
        kind = [] if stream is None else [(b"content-type", b"text/event-stream")]
        await refuse({"type": "http.response.start", "status": 204 if stream is None else 200,
                      "headers": [(b"cache-control", b"no-store"), *kind]})  # fmt: skip
        await refuse({"type": "http.response.body", "body": b""})
        return
    live.join(stream)
    metrics.STREAMS.set(len(live))
    _ask_soon(hub, stream)
    try:
        if live.heard != heard:
            # Something changed between the reading and the joining: perhaps this payment.
            stream.renew(await poll.read(hub, stream.payment_id))
        _forget(asked, scope)
        await stream.run(receive)
    finally:
        live.leave(stream)
        metrics.STREAMS.set(len(live))


async def _admit(hub: Hub, target: Target, request: Request, send: Send) -> Stream | None:
    """The stream for this caller; None where there is nothing to wait for any more."""
    who = await known_caller(request)
    snapshot = await _target(hub, target, request, who)
    await spend_polling(request, who, snapshot.id)
    last_seen = _last_seen(request)
    if is_final(snapshot.phase) and last_seen == snapshot.version:
        return None
    stream = Stream(
        send, snapshot, who.address, _frame(hub, target, request, identified=who.opens(snapshot)),
        last_seen=last_seen, life_s=hub.settings.stream_life_s,
    )  # fmt: skip
    stream.user = who.owner
    stream.farewell = b"" if target.watch is None else target.watch.farewell
    return stream


def _forget(asked: list[tuple[bytes, bytes]], scope: Scope) -> None:
    """Let go of what was asked and how: a stream needs none of it, and there are thousands."""
    asked.clear()
    scope["headers"].clear()
    scope["state"].clear()


_asking: set[asyncio.Task[Snapshot]] = set()


def _ask_soon(hub: Hub, stream: Stream) -> None:
    """Somebody watches now: let the next question come soon, and its timer run faster."""
    if stream.newest is not None:
        task = asyncio.create_task(poll.fresher(hub, stream.newest))
        _asking.add(task)
        task.add_done_callback(_asking.discard)


async def _target(hub: Hub, target: Target, request: Request, who: Caller) -> Snapshot:
    if target.watch is not None:
        return await target.watch.find(hub, request, who)
    if target.kind == "link":
        return await find(hub, target.id)
    return who.needs_sight_of(await look_up.payment(hub, target.id))


def _last_seen(request: Request) -> int:
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _frame(hub: Hub, target: Target, request: Request, *, identified: bool) -> Frame:
    """One function for each kind of watcher, so that the hub encodes an event once for all.

    A product's payment has few watchers, each with a function of its own: nothing is kept of those
    who left.
    """
    if target.watch is not None:
        return target.watch.frame(request)
    return _frames(hub.now, target.kind, identified)


@cache
def _frames(now: Callable[[], Any], kind: str, identified: bool) -> Frame:
    def frame(snapshot: Snapshot) -> bytes:
        shape = (
            shapes.status(snapshot)
            if kind == "payment"
            else shapes.link_status(snapshot, now(), identified=identified)
        )
        data = shapes.encoded(shape)
        return b"event: status\nid: %d\ndata: %b\n\n" % (snapshot.version, data)

    return frame
