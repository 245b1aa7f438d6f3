"""What pages of other origins may call: the live status from anywhere, sales from a shop's own.

No cookie is ever read on such a request (there is no `Access-Control-Allow-Credentials`), so a
stranger's page learns only what its own token or a link's id already tells it.
"""

import re
from collections.abc import Collection
from typing import Final

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]
_STATUS: Final = re.compile(r"/api/.*/(status|stream)")
_SHOP: Final = re.compile(
    r"/checkGiftCardPayment|/checkOnePayOrderStatus|/api/topup/.*|/pay/[^/]+/attempts"
    r"|/api/(gift-cards|orders|products)(/.*)?"
)
_VARY: Final = (b"vary", b"Origin")
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
)
ANSWER: Final = ((b"access-control-allow-origin", b"*"), _EXPOSED)
_ASKED: Final = (
    (b"access-control-allow-headers",
     b"Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer"),
    (b"access-control-max-age", b"7200"),
)  # fmt: skip


def answer_headers(scope: Scope, shops: Collection[str]) -> Headers:
    """What tells a browser whether the page that asked may read this answer.

    `shops` are the origins of the merchant's own pages.
    """
    path: str = scope["path"]
    if _STATUS.fullmatch(path):
        return list(ANSWER)
    if not _SHOP.fullmatch(path):
        return []
    origin = origin_of(scope)
    if origin is None or origin not in shops:
        return [_VARY]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), _VARY, _EXPOSED]


def preflight_headers(scope: Scope, methods: str) -> Headers:
    """What a browser is told that asks if it may ask; `answer_headers` says whether."""
    names = {name for name, _ in scope["headers"]}
    if b"access-control-request-method" not in names:
        return []
    return [(b"access-control-allow-methods", methods.encode()), *_ASKED]


def origin_of(scope: Scope) -> str | None:
    """Where the page stands that asks; None where no page does."""
    found = [value for name, value in scope["headers"] if name == b"origin"]
    return found[0].decode("latin-1") if len(found) == 1 else None
