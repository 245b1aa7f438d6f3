"""Where gateways come with questions of their own: tokens, bills to show, inquiries."""

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import HubError, Invalid, NotFound, Unauthenticated
from tallystick.flows.hub import Hub
from tallystick.flows.inquiry import standing
from tallystick.gateways.base import Answer, AnswersInquiries, Gateway, RawNotice, Standing
from tallystick.web.auth import client_address
from tallystick.web.bodies import LARGEST_NOTICE, read_limited
from tallystick.web.depends import count
from tallystick.web.webhooks import answer_notice

NOTICE = "notice"
_INQUIRY = "/api/v1/payments/{provider}/inquiry"
_LONGEST_REFERENCE = 60
# What the replaced task portal's clients call it.
_NAMES = {"lankapay": "govpay"}


@runtime_checkable
class Inquirable(Protocol):
    """A gateway whose offers may be inquired about with a key of its own."""

    def may_inquire(self, key: str) -> bool:
        """Whether an `X-API-Key` opens the inquiry; never where none is set."""
        ...

    def inquiry(self, standing: Standing | None) -> Answer:
        """How an offer stands, in the gateway's own form."""
        ...


def routes(hub: Hub) -> list[BaseRoute]:
    """The addresses that the gateways that ask us are called at, and the inquiry."""
    found: list[BaseRoute] = [Route(_INQUIRY, _inquire, methods=["GET"])]
    for gateway in hub.gateways.values():
        asks: object = gateway
        if isinstance(asks, AnswersInquiries):
            found += [
                Route(path, _serve(hub, gateway, asks, operation), methods=["POST"])
                for path, operation in asks.desk_paths.items()
            ]
    return found


def _serve(
    hub: Hub, gateway: Gateway, asks: AnswersInquiries, operation: str
) -> Callable[[Request], Awaitable[Response]]:

    async def serve(request: Request) -> Response:
        """One question, or one notice at the gateway's own address for it."""
        if operation != NOTICE:
            await _count(request, hub)
        try:
            raw = await _raw(hub, request)
            if operation == NOTICE:
                return _response(await answer_notice(hub, gateway.name, raw))
            question = asks.read_question(operation, raw, hub.now())
            refs = [] if question.ref is None else [question.ref]
            return _response(asks.answer_question(question, await standing(hub, gateway, refs)))
        except HubError as error:
            return _response(asks.refuse(error))

    return serve


async def _inquire(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    name = request.path_params["provider"]
    gateway = hub.gateways.get(_NAMES.get(name, name))
    asked: object = gateway
    if gateway is None or not isinstance(asked, Inquirable):
        raise NotFound("There is no gateway here that can be inquired about.")
    await _count(request, hub)
    if not asked.may_inquire(request.headers.get("x-api-key", "")):
        raise Unauthenticated("Send the inquiry key as X-API-Key.")
    reference = request.query_params.get("reference", "")
    if not 0 < len(reference) <= _LONGEST_REFERENCE:
        raise Invalid("reference: is required", (("reference", "is required"),))
    return _response(asked.inquiry(await standing(hub, gateway, [reference])))


async def _count(request: Request, hub: Hub) -> None:
    """Count one call by its address, so that nobody guesses for long. Raises TooMany."""
    await count(request, "desk", client_address(request.scope, hub.settings.trusted_proxies))


async def _raw(hub: Hub, request: Request) -> RawNotice:
    return RawNotice(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await read_limited(request, LARGEST_NOTICE),
        query=request.url.query,
        received_at=hub.now(),
        method=request.method,
    )


def _response(answer: Answer) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(answer.body, answer.status, headers, answer.content_type)
