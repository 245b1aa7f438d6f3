"""Polls of the live status, past the framework: the same route functions, called directly."""

from starlette.requests import Request
from starlette.types import Send

from tallystick.flows.hub import Hub
from tallystick.web import links, payments
from tallystick.web.depends import known_caller
from tallystick.web.stream_routes import Target


async def tell_status(hub: Hub, target: Target, request: Request, send: Send) -> None:
    """Answer one poll. Raises Unauthenticated, NotFound, TooMany."""
    who = await known_caller(request)
    route = payments.status if target.kind == "payment" else links.status
    answer = await route(request, target.id, hub, who)
    await answer(request.scope, request.receive, send)
