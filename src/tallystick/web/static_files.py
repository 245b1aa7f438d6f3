"""The static files of the pages, with addresses that change with their content."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import NotFound
from tallystick.web.pages import find_asset


def routes() -> list[BaseRoute]:
    """One route for every file, and the icon's own."""
    return [
        Route("/static/{path:path}", _serve, methods=["GET"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
    ]


async def _icon(request: Request) -> Response:
    """Where browsers look that were told of no icon."""
    request.path_params["path"] = "favicon.ico"
    return await _serve(request)


async def _serve(request: Request) -> Response:
    found = find_asset(request.path_params["path"])
    if found is None:
        raise NotFound("There is no such file.")
    asset, kept = found
    headers = {"cache-control": kept, "etag": asset.etag, "vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(asset.gzipped, 200, headers, asset.media_type)
    return Response(asset.body, 200, headers, asset.media_type)
