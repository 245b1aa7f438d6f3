"""Errors as RFC 9457 problem+json, in one form for every route."""

import json
import re
from collections.abc import Mapping
from typing import Final, NotRequired

from starlette.responses import Response
from typing_extensions import TypedDict

from tallystick.domain.errors import HubError, Invalid, MethodNotAllowed

_QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{1,3})?)")
MEDIA_TYPE: Final = "application/problem+json"


class WrongField(TypedDict):
    """A field that cannot be taken as it is."""

    field: str
    message: str


class ProblemAnswer(TypedDict):
    """What is wrong, and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    requestId: str
    error: str
    errors: NotRequired[list[WrongField]]


def wants_page(accept: str | None) -> bool:
    """Whether a person's browser asks, by its `Accept`: HTML is wanted no less than JSON."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in (accept or "").lower().split(","):
        kind, _, words = part.partition(";")
        if kind.strip() in weights:
            weights[kind.strip()] = _quality(words)
    return 0 < weights["text/html"] >= weights["application/json"]


def _quality(words: str) -> float:
    found = _QUALITY.search(words)
    return float(found[1]) if found else 1.0


def problem(error: HubError, request_id: str) -> ProblemAnswer:
    """The body. `error` repeats `title` for clients of the older systems."""
    body: ProblemAnswer = {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "requestId": request_id,
        "error": error.title,
    }
    if isinstance(error, Invalid) and error.errors:
        body["errors"] = [{"field": name, "message": message} for name, message in error.errors]
    return body


def headers_of(error: HubError) -> dict[str, str]:
    """What goes beside the body."""
    headers = {"cache-control": "no-store"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = error.allowed
    if error.status == 401:
        headers["www-authenticate"] = 'Bearer realm="tallystick"'
    return headers


def response(
    error: HubError, request_id: str, more_headers: Mapping[str, str] | None = None
) -> Response:
    """The whole answer."""
    body = json.dumps(problem(error, request_id), ensure_ascii=False).encode()
    headers = headers_of(error) | dict(more_headers or {})
    return Response(body, error.status, headers, MEDIA_TYPE)
