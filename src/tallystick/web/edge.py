"""The outermost layer: request ids, the hot routes, errors as problems, and the access log."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Collection, MutableMapping, Sequence
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from tallystick.domain.errors import HubError, Invalid, NotFound
from tallystick.flows.hub import Hub
from tallystick.logs import without_codes
from tallystick.web import embedding, methods, metrics, queries
from tallystick.web.methods import HEAD, asks_for_head
from tallystick.web.parts import Watch
from tallystick.web.polls import tell_status
from tallystick.web.refusals import refusal
from tallystick.web.stream_routes import open_stream, target_of
from tallystick.web.webhooks import gateway_of, notice_methods, take_notice

log = structlog.get_logger()
_SECURITY: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
# A year. Of this host alone: what else stands under its domain is not ours to promise.
_HTTPS_ALONE: Final = (b"strict-transport-security", b"max-age=31536000")


class Edge:
    """Wraps the application. Webhooks, streams and polls are answered past every other layer."""

    def __init__(self, app: Starlette, hub: Hub, watches: Sequence[Watch]) -> None:
        self._app = app
        self._hub = hub
        self._watches = watches
        self._security = (*_SECURITY, _HTTPS_ALONE) if hub.settings.secure else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # The server keeps its own, and by it the body back.
            scope = {**scope, "method": "GET", HEAD: True}
        outgoing = _Outgoing(scope, send, self._hub, self._security)
        started = time.perf_counter()
        try:
            await self._answer(scope, receive, send, outgoing)
        except HubError as error:
            await outgoing.refuse(error)
        except asyncio.CancelledError:
            raise
        except Exception:
            path = without_codes(scope["path"])
            log.exception("request_failed", request=outgoing.request_id, path=path)
            await outgoing.refuse(
                HubError(f"Something went wrong on our side. Tell us {outgoing.request_id}.")
            )
        seconds = time.perf_counter() - started
        metrics.SECONDS.observe(seconds)
        # Streams write past the way out, so their status is not seen there.
        metrics.REQUESTS.labels(f"{(outgoing.status or 200) // 100}xx").inc()
        path = without_codes(scope["path"])
        log.debug(
            "request", id=outgoing.request_id, method=scope["method"], path=path,
            status=outgoing.status, ms=round(seconds * 1000, 2),
        )  # fmt: skip

    def _answer(
        self, scope: Scope, receive: Receive, send: Send, outgoing: "_Outgoing"
    ) -> Awaitable[None]:
        """What answers this path. Not a coroutine itself, which every open stream would hold."""
        path: str = scope["path"]
        _refuse_nul(scope)
        if scope["method"] == "OPTIONS":
            return self._tell_methods(scope, outgoing)
        gateway = gateway_of(path)
        if gateway is not None:
            _only(scope, notice_methods(self._hub, gateway))
            return take_notice(self._hub, gateway, scope, receive, outgoing)
        polled = target_of(path, "/status")
        if polled is not None and scope["method"] == "GET":
            queries.check(self._hub, scope["query_string"], queries.NOTHING)
            scope["app"] = self._app
            return tell_status(self._hub, polled, Request(scope, receive), outgoing)
        target = target_of(path, "/stream", self._watches)
        if target is not None:
            _only(scope, {"GET"})
            declared = queries.NOTHING if target.watch is None else target.watch.declared
            queries.check(self._hub, scope["query_string"], declared)
            scope["app"] = self._app
            return open_stream(self._hub, target, scope, receive, send, outgoing)
        return self._app(scope, receive, outgoing)

    async def _tell_methods(self, scope: Scope, send: Send) -> None:
        """What may be done at this address. Raises NotFound."""
        known = methods.allowed(self._methods(scope))
        headers = [(b"allow", known.encode()), *embedding.preflight_headers(scope, known)]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _methods(self, scope: Scope) -> Collection[str]:
        gateway = gateway_of(scope["path"])
        if gateway is not None:
            return notice_methods(self._hub, gateway)
        if target_of(scope["path"], "/stream", self._watches) is not None:
            return {"GET"}
        return methods.known(self._app.state.routes, scope)


class _Outgoing:
    """The way out: adds the request id and the rate-limit fields to every answer."""

    __slots__ = ("_hub", "_scope", "_security", "_send", "request_id", "status")

    def __init__(
        self, scope: Scope, send: Send, hub: Hub, security: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        self._scope, self._send, self._hub, self._security = scope, send, hub, security
        self.request_id = "req_" + secrets.token_hex(8)
        self.status = 0
        scope["request_id"] = self.request_id
        scope.setdefault("state", {})

    async def __call__(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._dress(message)
        elif asks_for_head(self._scope):
            message = {**message, "body": b""}
        await self._send(message)

    async def refuse(self, error: HubError) -> None:
        """Answer with a problem, if nothing was answered yet."""
        if self.status:
            return
        answer = refusal(Request(self._scope), self._hub, error)
        await answer(self._scope, _nothing, self)

    def _dress(self, message: MutableMapping[str, Any]) -> None:
        headers = list(message.get("headers", ()))
        names = {name for name, _ in headers}
        headers.append((b"x-request-id", self.request_id.encode()))
        headers += [pair for pair in self._security if pair[0] not in names]
        shops = self._hub.settings.allowed_origins
        headers += [
            pair for pair in embedding.answer_headers(self._scope, shops)
            if pair[0] not in names or pair[0] == b"vary"
        ]  # fmt: skip
        for name, value in self._scope["state"].get("rate_headers", {}).items():
            headers.append((name.encode(), value.encode()))
        message["headers"] = headers


def _only(scope: Scope, known: Collection[str]) -> None:
    if scope["method"] not in known:
        raise methods.refusal(known)


def _refuse_nul(scope: Scope) -> None:
    """No name of ours has a NUL, and PostgreSQL takes none."""
    if "\0" in scope["path"]:
        raise NotFound("There is nothing at this address.")
    if b"%00" in scope["query_string"]:
        raise Invalid("The query holds a NUL character; leave it out.")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
