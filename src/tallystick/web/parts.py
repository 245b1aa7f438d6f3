"""What products add to the web: routes, shapes, and what can be watched."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.live.hub import Frame
from tallystick.web.auth import Caller
from tallystick.web.schema_parts import Schema


@dataclass(frozen=True, slots=True)
class Watch:
    """A stream of a product, at one address, as the description tells of it.

    `declared` are the parameters of its query. `find` tells the payment where the caller may see
    it; `frame` how its news are written for this request. `farewell` is sent when the server stops.
    """

    path: str
    tag: str
    summary: str
    declared: Sequence[Mapping[str, Any]]
    find: Callable[[Hub, Request, Caller], Awaitable[Snapshot]]
    frame: Callable[[Request], Frame]
    farewell: bytes = b""


@dataclass(frozen=True, slots=True)
class WebParts:
    """The routes, streams and shapes of all products together."""

    routers: tuple[APIRouter, ...] = ()
    watches: tuple[Watch, ...] = ()
    public_pages: tuple[str, ...] = ()
    schemas: Sequence[Mapping[str, Schema]] = ()
    events: Mapping[str, str] = field(default_factory=dict)
