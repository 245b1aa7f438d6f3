"""The static files of the pages, with addresses that change with their content."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import NotFound
from tallystick.web.pages import find_asset


def routes() -> list[BaseRoute]:
    """The one route, for every file."""
    return [Route("/static/{path:path}", _serve, methods=["GET", "HEAD"])]


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
