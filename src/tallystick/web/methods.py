"""Which methods an address knows: for `OPTIONS`, and for the `Allow` of a refusal."""

from collections.abc import Iterable
from typing import Final

from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope

from tallystick.domain.errors import MethodNotAllowed, NotFound

HEAD: Final = "tallystick.head"


def known(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """What the routes that fit this path answer to; the framework only names the first."""
    found: set[str] = set()
    for route in routes:
        fits, inner = route.matches(scope)
        if fits is Match.NONE:
            continue
        if isinstance(route, Mount):
            found |= known(route.routes, {**scope, **inner})
        else:
            found |= getattr(route, "methods", None) or set()
    return found


def allowed(methods: Iterable[str]) -> str:
    """The value of `Allow`: `HEAD` goes wherever `GET` does, `OPTIONS` everywhere.

    Raises NotFound for an address that knows none.
    """
    names = set(methods)
    if not names:
        raise NotFound("There is nothing at this address.")
    if "GET" in names:
        names.add("HEAD")
    return ", ".join(sorted({*names, "OPTIONS"}))


def asks_for_head(scope: Scope) -> bool:
    """Whether only the head of the answer is wanted; routes see such a request as a GET."""
    return bool(scope.get(HEAD))


def refusal(methods: Iterable[str]) -> MethodNotAllowed:
    """The error for a method that this address does not know."""
    names = allowed(methods)
    return MethodNotAllowed(f"This address only knows {names}.", allowed=names)
