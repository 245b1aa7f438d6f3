"""The application: every route, and errors in one form."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from tallystick import __version__
from tallystick.domain.errors import HubError, Invalid, MethodNotAllowed, NotFound, Refused
from tallystick.flows.hub import Hub
from tallystick.live.hub import LiveHub
from tallystick.web import (
    books,
    coupons,
    dashboard,
    decisions,
    description,
    desk,
    effects,
    events,
    gift_cards,
    gift_orders,
    gift_pages,
    health,
    jobs,
    licences,
    links,
    notices,
    order_lists,
    orders,
    pages,
    pay_form,
    payer,
    payments,
    problems,
    products,
    rates,
    reconciliations,
    reference,
    referrals,
    refunds,
    reports,
    revenue_page,
    static_files,
    tasks,
    topups,
    unmatched,
    wallet_page,
    wallets,
    webhook_endpoints,
)
from tallystick.web.edge import Edge
from tallystick.web.limits import RateLimits
from tallystick.web.stream import Keeper

Lifespan = Callable[[], AbstractAsyncContextManager[None]]
_PARTS: Final = (
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
    gift_cards,
    gift_orders,
    gift_pages,
    topups,
    wallets,
    wallet_page,
    tasks,
    products,
    order_lists,
    orders,
    coupons,
    licences,
    rates,
    referrals,
    reports,
    books,
    events,
    webhook_endpoints,
    reference,
    dashboard,
    revenue_page,
)
"""What answers under /api and beside it, in the order of the description."""

_FOR_PAYERS: Final = ("/pay/", "/gift-cards", pages.WALLET)


def build_app(
    hub: Hub,
    live: LiveHub,
    *,
    lifespan: Lifespan,
    routers: Sequence[APIRouter] = (),
    more_routes: Sequence[BaseRoute] = (),
) -> Edge:
    """The whole application. `routers` and `more_routes` are those that only a sandbox has."""

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
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        responses=description.PROBLEMS,
        redirect_slashes=False,
    )
    app.state.hub, app.state.live = hub, live
    app.state.limits = RateLimits(hub.settings)
    every_router = (*(part.router for part in _PARTS), *routers)
    for router in every_router:
        app.include_router(router)
    plain = [*desk.routes(hub), *static_files.routes(), *more_routes]
    app.router.routes.extend(plain)
    app.state.routes = [*(route for router in every_router for route in router.routes), *plain]
    reference.describe_hot_routes(app)
    description.complete(app)
    _explain_errors(app)
    return Edge(app, hub)


Handler = Callable[[Request, Any], Awaitable[Response]]


def _explain_errors(app: FastAPI) -> None:
    async def refused(request: Request, error: HubError) -> Response:
        by_a_person = "text/html" in request.headers.get("accept", "")
        if by_a_person and request.url.path.startswith(_FOR_PAYERS):
            return payer.problem_page(request, app.state.hub, error)
        if by_a_person and request.url.path.startswith("/dashboard"):
            return dashboard.refusal(request, app.state.hub, error)
        return problems.response(error, request.scope.get("request_id", ""))

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = tuple((".".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors())
        return await refused(request, Invalid("The request has wrong values.", wrong))

    async def unrouted(request: Request, error: HTTPException) -> Response:
        request_id = request.scope.get("request_id", "")
        if error.status_code == 405:
            known = _methods(request)
            wrong = MethodNotAllowed(f"This address only knows {known}.", allowed=known)
            return problems.response(wrong, request_id, {"allow": known})
        if error.status_code == 404:
            return problems.response(NotFound("There is nothing at this address."), request_id)
        return problems.response(Refused(str(error.detail)), request_id)

    async def failed(request: Request, _: Exception) -> Response:
        request_id = request.scope.get("request_id", "")
        return await refused(
            request, HubError(f"Something went wrong on our side. Tell us {request_id}.")
        )

    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(HubError, refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, unrouted)  # type: ignore[arg-type]


def _methods(request: Request) -> str:
    """What can be done at this address: the framework only names the first route that fits."""
    found: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))
