"""Creating requests over HTTP: answered once for each Idempotency-Key, whatever they create."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fastapi import Request, Response

from tallystick.domain.errors import StillRunning
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Answer, Once, Unfinished, doing, replay
from tallystick.web import shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import idempotency_key

T = TypeVar("T")


def created(body: Mapping[str, Any], status: int = 201, *, replayed: bool = False) -> Answer:
    """The answer to a creating request, written."""
    return Answer(status, shapes.encoded(body), replayed)


async def once_only(  # noqa: PLR0913 - all of it is the request
    request: Request,
    hub: Hub,
    who: Caller,
    raw: bytes,
    work: Callable[[], Awaitable[T]],
    answer: Callable[[T], Answer],
    *,
    resume: Callable[[str], Awaitable[T]] | None = None,
    place: str | None = None,
) -> Response:
    """Answer a creating request once: the same key and body get the same answer again.

    `work` runs a flow, and `answer` writes what the flow returned; where the request has a key, it
    is written and kept in the transaction of the effect. `resume` goes on with the payment that a
    dead process left. `place` stands for the path where that has a secret in it. Raises KeyReused,
    StillRunning, and what `work` raises.
    """
    key = idempotency_key(request)
    if key is None:
        return _response(answer(await work()))
    once = Once.of(f"{who.name} {request.method} {place or request.url.path}", key, raw, answer)
    before = await replay(hub, once)
    if isinstance(before, Answer):
        return _response(_to_anybody(who, before))
    with doing(once):
        if before is None:
            value = await work()
            return _response(once.kept or answer(value))
        value = await _go_on(before, resume)
        return _response(_to_anybody(who, once.kept or answer(value)))


async def _go_on(before: Unfinished, resume: Callable[[str], Awaitable[T]] | None) -> T:
    if resume is None:
        raise StillRunning("The same request is being worked on.", retry_after_s=2)
    return await resume(before.subject)


def _to_anybody(who: Caller, answer: Answer) -> Answer:
    """An answer for whoever sends a request once more.

    Only the first answer to somebody without a name holds the client token: the same may be sent by
    anybody at the same address, and the token opens what was bought.
    """
    if who.named:
        return answer
    body = json.loads(answer.body)
    for part in (body, body.get("data")):
        if isinstance(part, dict) and "clientToken" in part:
            part["clientToken"] = None
    return Answer(answer.status, shapes.encoded(body), answer.replayed)


def _response(answer: Answer) -> Response:
    headers = {"cache-control": "no-store"}
    if answer.replayed:
        headers["idempotent-replayed"] = "true"
    return Response(answer.body, answer.status, headers, "application/json")
