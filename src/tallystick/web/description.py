"""What the API description says beyond the routes' own signatures."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache, partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tallystick.web import problems
from tallystick.web.bodies import described
from tallystick.web.event_schemas import EVENT_SCHEMAS, EVENTS, webhooks
from tallystick.web.examples import show_examples
from tallystick.web.parts import WebParts
from tallystick.web.schema_parts import TEXT, Schema, ref

Responses = dict[int | str, dict[str, Any]]
Query = str | type[StrEnum] | tuple[str, ...]

PROBLEMS: Final[Responses] = {
    "4XX": {
        "description": "A problem, with what to do about it (RFC 9457).",
        "content": {problems.MEDIA_TYPE: {"schema": ref("Problem")}},
    }
}
PAGE_PROBLEMS: Final[Responses] = {
    "4XX": {
        "description": "A page that says what is wrong, or a problem (RFC 9457).",
        "content": {"text/html": {}, **PROBLEMS["4XX"]["content"]},
    }
}
NOT_MODIFIED: Final[Responses] = {304: {"description": "Nothing has changed since that ETag."}}
_NONE: Final[Mapping[str, str]] = {}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body get the same answer again, for 7 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_PAGING: Final = (
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    },
    {
        "name": "cursor",
        "in": "query",
        "description": "The nextCursor of the page before, unchanged.",
        "schema": {"type": "string"},
    },
    {"name": "createdAfter", "in": "query", "schema": _INSTANT},
    {"name": "createdBefore", "in": "query", "schema": _INSTANT},
)
_PROOFS: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key (tsk_…), a client token (tct_…), or your app's JWT.",
    },
    "cron": {"type": "apiKey", "in": "header", "name": "x-cron-secret"},
}
# Who asks proves nothing here, proves it in the request itself, or may stay unknown.
_OPEN_TAGS: Final = {"webhooks", "operations", "pay pages", "licences"}
_FOR_EVERYBODY: Final = {
    "get /api/products", "get /api/products/{product_type}", "post /api/orders",
    "post /api/gift-cards",
}  # fmt: skip
_OPEN_ENDS: Final = (
    "/payment-links/{link_id}/status", "/payment-links/{link_id}/stream", "/checkGiftCardPayment",
    "/checkOnePayOrderStatus",
)  # fmt: skip


def operation_name(route: APIRoute) -> str:
    """What a generated client calls this operation: `payments_list`, `payments_create`."""
    group = str(route.tags[0]) if route.tags else ""
    if group in {"", "pay pages"}:
        # Pages of many kinds: each kind is a module.
        group = route.endpoint.__module__.rpartition(".")[2]
    return named(group, route)


def pages_of(group: str) -> Callable[[APIRoute], str]:
    """The same for the pages of a product."""
    return partial(named, group)


def named(group: str, route: APIRoute) -> str:
    """An operation's name in its group."""
    name = {"index": "list"}.get(route.name, route.name)
    return re.sub(r"[^a-z0-9]+", "_", f"{group}_{name}")


def creating(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a request that makes something, and its key."""
    return {**described(model), "parameters": [_KEY]}


def form_of(*fields: str) -> dict[str, Any]:
    """The body of a page's form, by its fields."""
    texts = {name: {"type": "string"} for name in fields}
    schema = {"type": "object", "required": list(fields), "properties": texts}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def listing(**filters: Query) -> dict[str, Any]:
    """The query of a list: pages, times, and filters by name, each free or one of some words."""
    own = [
        {
            "name": name,
            "in": "query",
            "schema": {"type": "string"}
            if isinstance(words, str)
            else {"type": "string", "enum": list(words)},
        }
        for name, words in filters.items()
    ]
    return {"parameters": [*own, *_PAGING]}


def query(parameters: Mapping[str, str], lists: Mapping[str, str] = _NONE) -> dict[str, Any]:
    """Query parameters that are texts, and those that are lists, by name with their words."""
    texts = [
        {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
        for name, words in parameters.items()
    ]
    several = [
        {"name": name, "in": "query", "description": words, "style": "form", "explode": False,
         "schema": {"type": "array", "items": {"type": "string"}}}
        for name, words in lists.items()
    ]  # fmt: skip
    return {"parameters": [*texts, *several]}


def answers(schema: Schema, status: int = 200, words: str = "As described.") -> Responses:
    """A JSON answer of this shape."""
    return {status: {"description": words, "content": {"application/json": {"schema": schema}}}}


def text_answer(media_type: str, words: str = "As described.") -> Responses:
    """An answer that is text of this type."""
    return {200: {"description": words, "content": {media_type: {"schema": TEXT}}}}


def complete(app: FastAPI, parts: WebParts, core: Mapping[str, Schema]) -> None:
    """Add the shapes, the proofs that are taken, and which operation takes which."""
    describe = app.openapi

    @cache
    def completed() -> dict[str, Any]:
        document = describe()
        shapes = document.setdefault("components", {})
        for known in (core, EVENT_SCHEMAS, *parts.schemas):
            shapes["schemas"] = {**shapes.get("schemas", {}), **known}
        shapes["securitySchemes"] = _PROOFS
        document["webhooks"] = webhooks({**EVENTS, **parts.events})
        name_bodies(document)
        show_examples(document)
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                operation["security"] = _proofs(method, path, operation.get("tags", []))
        return document

    app.openapi = completed  # type: ignore[method-assign]


def name_bodies(document: dict[str, Any]) -> None:
    """Let every body stand once, by its name, with the parts of it beside it.

    Raises ValueError where two bodies have one name and are not the same.
    """
    shapes = document["components"]["schemas"]
    for content in _bodies(document):
        schema = content["schema"]
        if "title" in schema:
            content["schema"] = ref(schema["title"])
            inner = {**schema.pop("$defs", {}), schema["title"]: schema}
            for name, shape in _pointing(inner).items():
                _tell_defaults(shape)
                if shapes.setdefault(name, shape) != shape:
                    raise ValueError(f"Two different shapes are called {name}.")


def _bodies(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            yield from (one for kind, one in content.items() if kind == "application/json")


def _tell_defaults(shape: dict[str, Any]) -> None:
    """Say in words what holds where a member is left out.

    A generator takes a `default` for a member that is always there, and wants all of them sent.
    """
    for member in shape.get("properties", {}).values():
        default = member.pop("default", None)
        if default:
            words = member.get("description", "")
            member["description"] = f"{words} {default} where it is not given.".strip()


def _pointing(schemas: dict[str, Any]) -> dict[str, Any]:
    """The same, with references to where they stand in the document."""
    text = json.dumps(schemas).replace("#/$defs/", "#/components/schemas/")
    moved: dict[str, Any] = json.loads(text)
    return moved


def resolved(document: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A shape with its reference followed."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _proofs(method: str, path: str, tags: list[str]) -> list[dict[str, list[str]]]:
    if "jobs" in tags:
        return [{"cron": []}, {"bearer": []}]
    if path.startswith("/api/gateways"):
        return [{"bearer": []}]
    if path.endswith(_OPEN_ENDS) or f"{method} {path}" in _FOR_EVERYBODY:
        return [{}, {"bearer": []}]
    return [] if _OPEN_TAGS & set(tags) else [{"bearer": []}]
