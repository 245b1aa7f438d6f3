"""What pages of other origins may read: the live status, with a token of their own, nothing else.

No cookie is ever read on such a request (there is no `Access-Control-Allow-Credentials`), so a
stranger's page learns only what its own token or a link's id already tells it.
"""

from typing import Final

from starlette.types import Scope, Send

ANSWER: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Retry-After"),
)
_PREFLIGHT: Final = [
    *ANSWER,
    (b"access-control-allow-methods", b"GET"),
    (b"access-control-allow-headers", b"Authorization, If-None-Match, Last-Event-ID, Prefer"),
    (b"access-control-max-age", b"7200"),
]
_ENDS: Final = ("/status", "/stream")


def is_open(path: str) -> bool:
    """Whether pages of other origins may read this address."""
    return path.endswith(_ENDS) and path.startswith("/api/")


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks if it may ask."""
    return (
        scope["method"] == "OPTIONS"
        and is_open(scope["path"])
        and any(name == b"access-control-request-method" for name, _ in scope["headers"])
    )


async def allow(send: Send) -> None:
    """It may."""
    await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
    await send({"type": "http.response.body", "body": b""})
