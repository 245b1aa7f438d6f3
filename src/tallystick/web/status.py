"""The status answer with its ETag: what polling costs when nothing has changed is a 304."""

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

from tallystick.domain.snapshot import Snapshot
from tallystick.web import shapes


def answer_status(
    request: Request,
    snapshot: Snapshot,
    shape: Callable[[Snapshot], dict[str, Any]],
    view: str = "",
) -> Response:
    """200 with the whole state, or 304 where the caller has this version already.

    `view` tells answers of one version apart: who may see more has another tag.
    """
    tag = f'"v{snapshot.version}{view}"'
    headers = {"etag": tag, "cache-control": "no-cache, private", "vary": "Authorization, Cookie"}
    known = {one.strip().removeprefix("W/") for one in
             request.headers.get("if-none-match", "").split(",")}  # fmt: skip
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    body = shapes.encoded({"data": shape(snapshot)})
    return Response(body, 200, headers, "application/json")
