"""What routes ask for: the hub, the caller, and their place under the rate limits."""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response

from tallystick.domain.errors import Invalid, StillRunning, Unauthenticated
from tallystick.domain.sealing import derived
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Once, replay
from tallystick.web import shapes
from tallystick.web.auth import Caller, caller, client_address
from tallystick.web.bodies import idempotency_key
from tallystick.web.limits import RateLimits

_TAG: Final = 16


async def hub_of(request: Request) -> Hub:
    """The hub of this server. A plain function would be run in a thread, for every request."""
    hub: Hub = request.app.state.hub
    return hub


HubDep = Annotated[Hub, Depends(hub_of)]


async def count(request: Request, name: str, who: str) -> None:
    """Count one request against a limit, and let the answer say how it stands. Raises TooMany."""
    limits: RateLimits = request.app.state.limits
    standing = await limits.spend(name, who)
    if standing is not None:
        # The outermost layer adds them, to refusals too.
        request.state.rate_headers = standing.headers()
        standing.require()


async def count_stranger(request: Request) -> None:
    """Count somebody who has proven nothing, by the address. Raises TooMany."""
    hub = await hub_of(request)
    stranger = Caller(client_address(request.scope, hub.settings.trusted_proxies))
    await count(request, "anonymous", stranger.name)


async def known_caller(request: Request) -> Caller:
    """Who is asking. A wrong proof is counted, so that nobody guesses for long."""
    try:
        found = await caller(request)
    except Unauthenticated:
        await count_stranger(request)
        raise
    # A body is only read from somebody who may send it.
    request.state.caller = found
    return found


CallerDep = Annotated[Caller, Depends(known_caller)]


async def limited(request: Request, who: CallerDep) -> Caller:
    """The caller of an API route, counted: keys have their own bucket. Raises TooMany."""
    await count(request, "key" if who.key_id is not None else "anonymous", who.name)
    return who


LimitedCaller = Annotated[Caller, Depends(limited)]


async def spend_polling(request: Request, who: Caller, payment_id: str) -> None:
    """Count one poll of one payment by one client. Raises TooMany."""
    await count(request, "polling", f"{payment_id}/{who.name}")


async def once_only(  # noqa: PLR0913 - all of it is the request
    request: Request,
    hub: Hub,
    who: Caller,
    raw: bytes,
    work: Callable[[Once | None], Awaitable[bytes]],
    resume: Callable[[str, Once], Awaitable[bytes]] | None = None,
    *,
    place: str | None = None,
    status: int = 201,
) -> Response:
    """Answer a creating request once: the same key and body get the same answer again.

    Only the first answer to somebody without a name holds the client token: the same may be sent by
    anybody at the same address, and the token opens what was bought. `place` stands for the path
    where that has a secret in it. Raises KeyReused, StillRunning, and what `work` raises.
    """
    key = idempotency_key(request)
    if key is None:
        return _created(await work(None), status)
    once = Once.of(f"{who.name} {request.method} {place or request.url.path}", key, raw)
    known = await replay(hub, once)
    if known is None:
        return _created(await work(once), status)
    if known.resume is not None:
        if resume is None:
            raise StillRunning("The same request is being worked on.", retry_after_s=2)
        answer = await resume(known.resume, once)
        return _created(answer if who.named else _without_token(answer))
    replayed = _created(known.body if who.named else _without_token(known.body), known.status)
    replayed.headers["idempotent-replayed"] = "true"
    return replayed


def _without_token(body: bytes) -> bytes:
    answer = json.loads(body)
    for part in (answer, answer.get("data")):
        if isinstance(part, dict) and "clientToken" in part:
            part["clientToken"] = None
    return shapes.encoded(answer)


def _created(body: bytes, status: int = 201) -> Response:
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def cursor(hub: Hub, at: datetime, last_id: str) -> str:
    """An opaque place in a list, signed so that nobody makes one up."""
    text = f"{at.isoformat()}|{last_id}"
    return _tag(hub, text) + text.encode().hex()


def cursor_place(hub: Hub, request: Request) -> tuple[datetime, str] | None:
    """The place that `cursor` in the query stands for, or None. Raises Invalid."""
    given = request.query_params.get("cursor")
    if given is None:
        return None
    try:
        text = bytes.fromhex(given[_TAG:]).decode()
        if len(given) < _TAG or not derived(hub.secret, "cursor").fits(given[:_TAG], text.encode()):
            raise ValueError
        at, _, last_id = text.partition("|")
        return datetime.fromisoformat(at), last_id
    except (ValueError, UnicodeError):
        words = "the nextCursor of the page before, unchanged"
        raise Invalid(f"cursor is {words}.", (("cursor", words),)) from None


def listed(
    hub: Hub, rows: list[dict[str, Any]], places: list[tuple[datetime, str]], limit: int
) -> dict[str, Any]:
    """A page of a list: at most `limit` rows of the `limit + 1` that were read."""
    more = len(rows) > limit
    return {
        "data": rows[:limit],
        "pagination": {
            "limit": limit,
            "nextCursor": cursor(hub, *places[limit - 1]) if more else None,
            "hasMore": more,
        },
    }


def _tag(hub: Hub, text: str) -> str:
    key = derived(hub.secret, "cursor").newest
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()[:_TAG]
