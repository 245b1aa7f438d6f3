"""A call as a value: what is asked, how its answer is read, and whether it may be asked again."""

import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from tallystick.client.errors import Unreachable, api_error

T = TypeVar("T")
Reader = Callable[[Any], T]
LONGEST_BACKOFF_S: Final = 8.0
# A longer wait is the caller's to decide on; the error says how long.
LONGEST_WAIT_S: Final = 30.0
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and the reader of its answer. `path` may hold a code, so it is not printed."""

    method: str
    path: str = field(repr=False)
    read: Reader[T]
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def document(self) -> Any:
        """The JSON. Raises ApiError, Unreachable."""
        try:
            read = json.loads(self.body) if self.body else None
        except ValueError as error:
            if self.status < 400:
                raise Unreachable("The answer is not JSON; is this a Tallystick server?") from error
            read = None
        if self.status >= 400:
            raise api_error(self.status, read if isinstance(read, dict) else {}, self.retry_after_s)
        return read

    @property
    def retry_after_s(self) -> float | None:
        """How long the hub, or a proxy before it, asks to wait."""
        text = self.headers.get("retry-after", "")
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None


Outcome = Reply | Unreachable


def get(path: str, read: Reader[T], **query: Any) -> Call[T]:
    """Read something; what is None is not asked for."""
    return Call("GET", path, read, query=_query(query))


def create(path: str, read: Reader[T], body: Mapping[str, Any], key: str | None = None) -> Call[T]:
    """Make something, once: repeats carry the same idempotency key."""
    headers = {"idempotency-key": key or uuid.uuid4().hex}
    return Call("POST", path, read, body=_body(body), headers=headers)


def act(
    path: str, read: Reader[T], body: Mapping[str, Any] | None = None, *, repeatable: bool = True
) -> Call[T]:
    """Change something that is there already."""
    sent = None if body is None else _body(body)
    return Call("POST", path, read, body=sent, repeatable=repeatable)


def place(template: str, *ids: str) -> str:
    """A path with ids in it, whatever signs they have."""
    return template.format(*(quote(one, safe="") for one in ids))


def data(read: Reader[T]) -> Reader[T]:
    """A reader of what stands in `data`."""
    return lambda document: read(member(document, "data"))


def maybe_data(read: Reader[T]) -> Reader[T]:
    """A reader that also takes the shapes of older systems, which stand in no `data`."""

    def either(document: Any) -> T:
        wrapped = isinstance(document, dict) and isinstance(document.get("data"), dict)
        return read(document["data"] if wrapped else document)

    return either


def beside(read: Reader[T]) -> Reader[T]:
    """A reader of `data` together with what stands beside it, such as `clientToken`."""

    def whole(document: Any) -> T:
        inner = member(document, "data")
        return read({**{n: v for n, v in document.items() if n != "data"}, **inner})

    return whole


def wait_s(call: Call[Any], outcome: Outcome, attempt: int, backoff_s: float) -> float | None:
    """How long to wait before asking again; None where the outcome stands.

    Only what is safe to repeat is repeated. A conflict with a time to wait is a create with the
    same key that is still worked on.
    """
    asked_s = None
    if isinstance(outcome, Reply):
        asked_s = outcome.retry_after_s
        running = outcome.status == 409 and asked_s is not None
        if outcome.status not in _PASSING and not running:
            return None
    if not call.repeatable or (asked_s or 0) > LONGEST_WAIT_S:
        return None
    grown = min(backoff_s * float(2**attempt), LONGEST_BACKOFF_S)
    return max(asked_s or 0.0, grown * random.uniform(0.5, 1.0))  # noqa: S311 - spreads repeats


def result(call: Call[T], outcome: Outcome) -> T:
    """What the caller gets. Raises ApiError, Unreachable."""
    if isinstance(outcome, Unreachable):
        raise outcome
    return call.read(outcome.document())


def member(document: Any, name: str) -> Any:
    """A member of a JSON object. Raises Unreachable where there is none."""
    if not isinstance(document, dict) or name not in document:
        raise Unreachable(f"The answer has no {name!r}; is this a Tallystick server?")
    return document[name]


def _body(fields: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def _query(fields: Mapping[str, Any]) -> dict[str, str]:
    def text(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return {name: text(value) for name, value in fields.items() if value is not None}
