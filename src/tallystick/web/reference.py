"""The reference that every server carries: its routes and its errors, as pages for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from tallystick import __version__
from tallystick.domain.errors import HubError, Invalid
from tallystick.web import pages
from tallystick.web.depends import HubDep
from tallystick.web.description import PROBLEMS, resolved
from tallystick.web.error_help import error_entries
from tallystick.web.parts import Watch
from tallystick.web.payer import page_budget

if TYPE_CHECKING:
    from jinja2 import Environment

router = APIRouter(include_in_schema=False)
_COUNTED: Final = [Depends(page_budget)]
_TEMPLATES: Final = Path(__file__).parent / "templates"
_STREAM: Final = (
    "Server-sent events: a snapshot first, then every change, a named heartbeat at least every "
    "15 s, and an end after the final state. Last-Event-ID resumes; 204 means that it is over."
)
_WEBHOOK: Final = (
    "Raw bytes with the gateway's own signature. 2xx means that they are kept, 401 that the "
    "signature is wrong and nothing was."
)
# Answered before the framework sees them, so it cannot describe them: (method, path, tag, summary,
# description, media type of the answer).
_HOT: Final = (
    ("get", "/api/payments/{payment_id}/stream", "payments", "Follow a payment live", _STREAM,
     "text/event-stream"),
    ("get", "/api/payment-links/{link_id}/stream", "payment links", "Follow a link live", _STREAM,
     "text/event-stream"),
    ("post", "/api/webhooks/{gateway}", "webhooks", "A gateway delivers a notice", _WEBHOOK,
     "application/json"),
    ("post", "/api/payos/webhook", "webhooks", "The same for payOS, as older set-ups call it",
     _WEBHOOK, "application/json"),
    ("post", "/api/v1/payments/{gateway}/callback", "webhooks",
     "The same, as older set-ups call it", _WEBHOOK, "application/json"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request body."""

    name: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    words: str
    fields: tuple[Field, ...]

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return f"{self.method}{self.path}".lower()


@router.get("/openapi.json")
async def description(request: Request) -> dict[str, Any]:
    """The API description of this server, as OpenAPI 3.1."""
    document: dict[str, Any] = request.app.openapi()
    return document


@router.get("/docs", dependencies=_COUNTED)
async def docs(request: Request, hub: HubDep) -> HTMLResponse:
    """Every route of this server, from its own API description."""
    groups: dict[str, list[Operation]] = {}
    for tag, operation in _operations(request.app.openapi()):
        groups.setdefault(tag, []).append(operation)
    return _page("reference.html", hub.settings.base_url, title="API reference", groups=groups)


@router.get("/docs/errors", dependencies=_COUNTED)
async def errors(hub: HubDep) -> HTMLResponse:
    """Every error code; the `type` of a problem leads here."""
    return _page("errors.html", hub.settings.base_url, title="Errors", errors=error_entries())


def refusal(request: Request, base_url: str, error: HubError) -> HTMLResponse:
    """What a developer's browser is told: the same as a program."""
    page = _page(
        "problem.html", base_url, title=error.title, error=error,
        fields=error.errors if isinstance(error, Invalid) else (),
        request_id=request.scope.get("request_id"),
    )  # fmt: skip
    page.status_code = error.status
    return page


def describe_hot_routes(app: FastAPI, watches: Sequence[Watch]) -> None:
    """Add to the API description what is answered before the framework sees it."""
    describe = app.openapi
    asked = {watch.path: watch.declared for watch in watches}
    streams = [
        ("get", watch.path, watch.tag, watch.summary, _STREAM, "text/event-stream")
        for watch in watches
    ]

    def described() -> dict[str, Any]:
        document = describe()
        for method, path, tag, summary, words, kind in (*_HOT, *streams):
            document["paths"].setdefault(path, {})[method] = {
                "tags": [tag],
                "summary": summary,
                "description": words,
                "operationId": f"{method}_{path.strip('/')}".translate(_PLAIN),
                "parameters": [
                    *({"name": part[1:-1], "in": "path", "required": True,
                       "schema": {"type": "string"}}
                      for part in path.split("/") if part.startswith("{")),
                    *asked.get(path, ()),
                ],
                "responses": {
                    "200": {"description": "As described.", "content": {kind: {"schema": _ANY}}},
                    **PROBLEMS,
                },
            }  # fmt: skip
        return document

    app.openapi = described  # type: ignore[method-assign]


_ANY: Final[dict[str, Any]] = {}
_PLAIN: Final = str.maketrans("/-{}", "____")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {})
            yield (
                (told.get("tags") or ["other"])[0],
                Operation(
                    method.upper(), path, told.get("summary", ""), told.get("description", ""),
                    tuple(_fields(document, body)),
                ),
            )  # fmt: skip


def _fields(document: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Field]:
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    schema = resolved(document, schema)
    for name, told in schema.get("properties", {}).items():
        words = [told.get("description", ""), *_bounds(told)]
        yield Field(
            name, _kind(told), name in schema.get("required", ()), " ".join(filter(None, words))
        )


def _kind(told: Mapping[str, Any]) -> str:
    kinds = [
        f"array of {_kind(one['items'])}" if "items" in one else str(one.get("type", "any"))
        for one in told.get("anyOf", [told])
    ]
    return " or ".join(kind for kind in dict.fromkeys(kinds) if kind != "null")


def _bounds(told: Mapping[str, Any]) -> Iterator[str]:
    """Limits and defaults in words."""
    every = next((one for one in told.get("anyOf", [told]) if one.get("type") != "null"), told)
    names = {"minimum": "At least", "exclusiveMinimum": "More than", "maximum": "At most"}
    for name, words in names.items():
        if name in every:
            yield f"{words} {every[name]:.0f}."
    if "maxLength" in every:
        yield f"Up to {every['maxLength']} characters."


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip


def _page(template: str, base_url: str, **values: Any) -> HTMLResponse:
    root = urlsplit(base_url).path.rstrip("/")
    html = _environment().get_template(template).render(
        root=root, base_url=base_url.rstrip("/"), version=__version__,
        asset=lambda name: root + pages.asset_path(name), **values,
    )  # fmt: skip
    return HTMLResponse(html, headers=pages.security_headers() | {"Cache-Control": "no-cache"})
