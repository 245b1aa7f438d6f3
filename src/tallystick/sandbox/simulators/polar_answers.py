"""How Polar's API answers: lists with their filters, sorting and pages, and its refusals.

Source: Polar's server, `kit/pagination.py`, `kit/sorting.py` and `exception_handlers.py`.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.domain import strict_json
from tallystick.domain.errors import MalformedJson

Row: TypeAlias = Mapping[str, Any]

_MOST_PER_PAGE: Final = 100
_METADATA: Final = "metadata["


class Wrong(Exception):
    """A value of a request that Polar refuses, and where it stands."""

    def __init__(self, words: str, *where: str) -> None:
        self.where = where or ("body",)
        super().__init__(words)

    def answer(self) -> Response:
        """Polar's 422."""
        row = {"loc": list(self.where), "msg": str(self), "type": "value_error", "input": None}
        return JSONResponse({"error": "RequestValidationError", "detail": [row]}, 422)


async def document(request: Request) -> Mapping[str, Any]:
    """The body, which is an object. Raises Wrong."""
    try:
        read = strict_json.parse(await request.body() or b"{}", limit=65_536, floats=False)
    except MalformedJson:
        raise Wrong("JSON decode error") from None
    if not isinstance(read, dict):
        raise Wrong("Input should be a valid dictionary")
    return read


def refusal(status: int, error: str, detail: str) -> Response:
    """One error of Polar's, by its name."""
    return JSONResponse({"error": error, "detail": detail}, status)


def nothing() -> Response:
    """There is no such thing."""
    return refusal(404, "ResourceNotFound", "Not found")


def listed(request: Request, rows: Sequence[Row]) -> Response:
    """One page of the rows that the query asks for, sorted as it says. Raises Wrong."""
    found = _sorted(request, [row for row in rows if _wanted(request, row)])
    page, limit = _whole(request, "page", 1), _whole(request, "limit", 10)
    limit = min(limit, _MOST_PER_PAGE)
    pages = {"total_count": len(found), "max_page": -(-len(found) // limit)}
    start = (page - 1) * limit
    return JSONResponse({"items": found[start : start + limit], "pagination": pages})


def _wanted(request: Request, row: Row) -> bool:
    """Whether the row has one of the values that are asked for, in each field that is named."""
    query = request.query_params
    for name in set(query) - {"page", "limit", "sorting", "query"}:
        if name.startswith(_METADATA):
            value = row.get("metadata", {}).get(name[len(_METADATA) : -1])
        elif name in row:
            value = row[name]
        else:
            # Parameters that Polar does not know change nothing.
            continue
        if _spelled(value) not in query.getlist(name):
            return False
    return True


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sorted(request: Request, rows: list[Row]) -> list[Row]:
    for criterion in reversed(request.query_params.getlist("sorting") or ["-created_at"]):
        name = criterion.removeprefix("-")
        if rows and name not in rows[0]:
            raise Wrong("Invalid sorting criterion.", "query", "sorting")
        rows.sort(key=itemgetter(name), reverse=name != criterion)
    return rows


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise Wrong("Input should be greater than 0", "query", name)
    return int(text)
