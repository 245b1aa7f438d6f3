"""Lists as one long list: each page's call is made from the answer before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from tallystick.client.calls import Call, Reader, get
from tallystick.client.errors import Unreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the call for those after them."""

    items: tuple[T, ...]
    following: "Call[Page[T]] | None"


def listing(path: str, read: Reader[T], **query: Any) -> Call[Page[T]]:
    """The first page of a list with cursors."""
    return _page(get(path, list, **query), "cursor", _after_cursor, read, "data")


def numbered(path: str, read: Reader[T], member: str, **query: Any) -> Call[Page[T]]:
    """The first page of a list with page numbers (the replaced order system's)."""
    return _page(get(path, list, **query), "page", _after_number, read, member)


def whole(path: str, read: Reader[T]) -> Call[Page[T]]:
    """A list that comes as a bare array."""
    return get(path, lambda document: Page(tuple(read(one) for one in _array(document)), None))


def _page(
    call: Call[Any],
    turn: str,
    after: Callable[[dict[str, Any]], str | None],
    read: Reader[T],
    member: str,
) -> Call[Page[T]]:
    def take(document: Any) -> Page[T]:
        if not isinstance(document, dict):
            raise Unreachable("The answer is no list; is this a Tallystick server?")
        items = tuple(read(one) for one in _array(document.get(member)))
        place = after(document.get("pagination") or {})
        more = None if place is None else replace(call, query={**call.query, turn: place})
        return Page(items, None if more is None else replace(more, read=take))

    return replace(call, read=take)


def _after_cursor(pagination: dict[str, Any]) -> str | None:
    return pagination.get("nextCursor") if pagination.get("hasMore") else None


def _after_number(pagination: dict[str, Any]) -> str | None:
    return str(int(pagination["page"]) + 1) if pagination.get("hasMore") else None


def _array(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise Unreachable("The answer holds no list; is this a Tallystick server?")
    return found
