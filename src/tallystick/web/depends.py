"""What routes ask for: the hub, the caller, and their place under the rate limits."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count
from tallystick.domain.errors import Invalid, Unauthenticated
from tallystick.domain.sealing import derived
from tallystick.flows.hub import Hub
from tallystick.web.auth import Caller, caller, client_address
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


class PaginationAnswer(TypedDict):
    """How a list goes on: with `cursor=` and its nextCursor."""

    limit: Count
    nextCursor: str | None
    hasMore: bool


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
    hub: Hub, rows: Sequence[Mapping[str, Any]], places: list[tuple[datetime, str]], limit: int
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
