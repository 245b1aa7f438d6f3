"""Lists over HTTP: which part of one is asked for, and how it is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request

from tallystick.flows.hub import Hub
from tallystick.web.bodies import instant_param, page_limit
from tallystick.web.depends import cursor_place, listed

T = TypeVar("T")
Place = tuple[datetime, str]
Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first: `limit` rows of a `span`, from `after` a place on.

    Whoever reads the rows reads one more than `limit`, so that it is known whether there are more.
    """

    hub: Hub
    limit: int
    span: Span
    after: Place | None

    def answer(
        self,
        found: Sequence[T],
        row: Callable[[T], Mapping[str, Any]],
        place: Callable[[T], Place],
    ) -> dict[str, Any]:
        """What was found, each written by `row`; `place` is when it was made, and its id."""
        places = [place(one) for one in found]
        return listed(self.hub, [row(one) for one in found], places, self.limit)


def page_of(request: Request, hub: Hub) -> Page:
    """What the query asks for: limit, cursor, createdAfter, createdBefore. Raises Invalid."""
    span = (instant_param(request, "createdAfter"), instant_param(request, "createdBefore"))
    return Page(hub, page_limit(request), span, cursor_place(hub, request))
