"""How a refusal is told: a page to a person's browser, a problem to a program."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tallystick.domain.errors import HubError
from tallystick.flows.hub import Hub
from tallystick.web import dashboard, payer, problems, reference

# Who opens these in a browser writes a program.
_FOR_DEVELOPERS: Final = ("/api/", "/check", "/docs", "/health/", "/metrics", "/openapi.json")


def refusal(request: Request, hub: Hub, error: HubError) -> Response:
    """The answer to a request that is refused, whoever asks and wherever it was refused."""
    if not problems.wants_page(request.headers.get("accept")):
        return problems.response(error, request.scope.get("request_id", ""))
    page = _page(request, hub, error)
    page.headers.update(problems.headers_of(error))
    page.headers.add_vary_header("Accept")
    return page


def _page(request: Request, hub: Hub, error: HubError) -> Response:
    path: str = request.scope["path"]
    if path.startswith("/dashboard"):
        return dashboard.refusal(request, hub, error)
    if path.startswith(_FOR_DEVELOPERS):
        return reference.refusal(request, hub.settings.base_url, error)
    return payer.problem_page(request, hub, error)
