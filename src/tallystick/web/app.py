"""The application: every route, and errors in one form."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from tallystick import __version__
from tallystick.domain.errors import HubError, Invalid, NotFound, Refused
from tallystick.flows.hub import Hub
from tallystick.live.hub import LiveHub
from tallystick.web import (
    books,
    dashboard,
    decisions,
    description,
    effects,
    events,
    front,
    health,
    inquiries,
    jobs,
    links,
    methods,
    notices,
    pay_form,
    payer,
    payments,
    queries,
    rates,
    reconciliations,
    reference,
    refunds,
    refusals,
    static_files,
    unmatched,
    webhook_endpoints,
)
from tallystick.web.edge import Edge
from tallystick.web.limits import RateLimits
from tallystick.web.parts import WebParts
from tallystick.web.schemas import SCHEMAS
from tallystick.web.sse_stream import Keeper
from tallystick.wrong_values import words_of

Lifespan = Callable[[], AbstractAsyncContextManager[None]]
PARTS: Final = (
    payments,
    decisions,
    links,
    pay_form,
    payer,
    jobs,
    effects,
    health,
    notices,
    unmatched,
    refunds,
    reconciliations,
    rates,
    books,
    events,
    webhook_endpoints,
    front,
    reference,
    dashboard,
)
"""The core's own routes, in the order of the description; those of products follow."""


def build_app(
    hub: Hub,
    live: LiveHub,
    *,
    lifespan: Lifespan,
    parts: WebParts,
    routers: Sequence[APIRouter] = (),
    more_routes: Sequence[BaseRoute] = (),
) -> Edge:
    """The whole application; `parts` are what products add to it.

    `routers` and `more_routes` are those that only a sandbox has.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        keeper = Keeper(live, heartbeat_s=hub.settings.stream_heartbeat_s)
        keeper.start()
        async with lifespan():
            yield
        await keeper.stop()
        await app.state.limits.close()

    app = FastAPI(
        title="Tallystick",
        version=__version__,
        summary="Payments through many gateways, and the proof of each.",
        generate_unique_id_function=description.operation_name,
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        lifespan=life,
        responses=description.PROBLEMS,
        redirect_slashes=False,
    )
    app.state.hub, app.state.live, app.state.parts = hub, live, parts
    app.state.limits = RateLimits(hub.settings)
    _add_routes(app, [*(part.router for part in PARTS), *parts.routers, *routers], more_routes)
    reference.describe_hot_routes(app, parts.watches)
    description.complete(app, parts, SCHEMAS)
    _explain_errors(app)
    return Edge(app, hub, parts.watches)


def _add_routes(
    app: FastAPI, routers: Sequence[APIRouter], more_routes: Sequence[BaseRoute]
) -> None:
    for router in routers:
        app.include_router(router, dependencies=[Depends(queries.declared_only)])
    plain = [*inquiries.routes(app.state.hub), *static_files.routes()]
    # Routes are tried one after another, and simulated gateways are asked more than anybody.
    app.router.routes[:0] = more_routes
    app.router.routes.extend(plain)
    app.state.routes = [
        *more_routes, *(route for router in routers for route in router.routes), *plain,
    ]  # fmt: skip


Handler = Callable[[Request, Any], Awaitable[Response]]


def _explain_errors(app: FastAPI) -> None:
    async def refused(request: Request, error: HubError) -> Response:
        return refusals.refusal(request, app.state.hub, error)

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = tuple((".".join(map(str, one["loc"])), words_of(one)) for one in error.errors())
        return await refused(request, Invalid("The request has wrong values.", wrong))

    async def unrouted(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            known = methods.known(app.state.routes, request.scope)
            return await refused(request, methods.refusal(known))
        if error.status_code == 404:
            return await refused(request, NotFound("There is nothing at this address."))
        return await refused(request, Refused(str(error.detail)))

    async def failed(request: Request, _: Exception) -> Response:
        request_id = request.scope.get("request_id", "")
        return await refused(
            request, HubError(f"Something went wrong on our side. Tell us {request_id}.")
        )

    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(HubError, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, unrouted)  # type: ignore[arg-type]
