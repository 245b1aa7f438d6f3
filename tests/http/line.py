"""An HTTP client that keeps its connection, so that hundreds of requests cost little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx2

from tests.infra.live import NO_TLS, Answer, Client, bearer, body_of, parsed

PATIENCE_S = 60.0
# Shorter than the server's own patience, so that it never closes a connection under a request.
IDLE_S = 2.0


class Line(Client):
    """One caller on the line. It follows no redirect and keeps no cookie."""

    def __init__(self, base: Callable[[], str]) -> None:
        super().__init__(base)
        limits = httpx2.Limits(keepalive_expiry=IDLE_S)
        self.http = httpx2.Client(timeout=PATIENCE_S, trust_env=False, verify=NO_TLS, limits=limits)
        self.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        raw: bytes | str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request."""
        content, kind = body_of(json, raw)
        words = {**kind, **bearer(token), **(headers or {})}
        got = self.http.request(method, self.base() + path, content=content, headers=words)
        return Answer(got.status_code, got.headers, parsed(got.content), got.content)

    def close(self) -> None:
        """Hang up."""
        self.http.close()
