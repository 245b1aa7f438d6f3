"""A method written once works on both clients: it says what to call, the client's line calls it.

On a blocking client `@endpoint` gives the answer, on an async one something to await; mypy knows
which. `@listed` gives an iterator over all pages, `@watched` one over all new states.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from tallystick.client.calls import Call
from tallystick.client.following import Watched
from tallystick.client.lines import AsyncLine, Line
from tallystick.client.pages import Page
from tallystick.client.reading import Thing

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Thing)
L = TypeVar("L", bound=Line | AsyncLine)


class Resource(Generic[L]):
    """Base of the groups of methods."""

    def __init__(self, line: L) -> None:
        self._line = line

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._line.way.base_url}>"


class _Method(Generic[P, T]):
    verb = ""

    def __init__(self, build: Callable[Concatenate[Any, P], T]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def bound(self, instance: Any) -> Any:
        """The method of one client."""
        return update_wrapper(partial(self._call, instance), self._build)

    def _call(self, instance: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
        return getattr(instance._line, self.verb)(self._build(instance, *args, **kwargs))


class endpoint(_Method[P, Call[T]], Generic[P, T]):  # noqa: N801 - a decorator
    """One call, one answer."""

    verb = "send"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Line], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Resource[AsyncLine], owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        """The method, as the client's kind has it."""
        return self if instance is None else self.bound(instance)


class listed(_Method[P, Call[Page[T]]], Generic[P, T]):  # noqa: N801 - a decorator
    """All items of a list, page after page, as they are asked for."""

    verb = "each"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Line], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, instance: Resource[AsyncLine], owner: type
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        """The method, as the client's kind has it."""
        return self if instance is None else self.bound(instance)


class watched(_Method[P, Watched[S]], Generic[P, S]):  # noqa: N801 - a decorator
    """Every new state until a final one."""

    verb = "follow"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Line], owner: type) -> Callable[P, Iterator[S]]: ...
    @overload
    def __get__(
        self, instance: Resource[AsyncLine], owner: type
    ) -> Callable[P, AsyncIterator[S]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        """The method, as the client's kind has it."""
        return self if instance is None else self.bound(instance)
