"""Every way a call to the hub fails, as a tree.

TallystickError
├── ApiError            the hub answered no: `status`, `code`, `detail`, `request_id`, `errors`
│   ├── Invalid         400, 413, 415, 422  mend the request; `errors` names the fields
│   ├── Unauthenticated 401, Forbidden 403  another key
│   ├── NotFound        404
│   ├── Conflict        409  what is there stands against it
│   ├── RateLimited     429  later, after `retry_after_s`
│   └── ServerError     5xx  the hub's fault; the client has tried again already
├── Unreachable         no answer, or none that a hub would give; it may have been done
├── WatchTimedOut       nothing final in the time that you gave
└── WebhookVerificationError   the notice is not one of the hub's
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class TallystickError(Exception):
    """Base of all."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request that is wrong."""

    field: str
    message: str


class ApiError(TallystickError):
    """The hub's own words (RFC 9457). `code` never changes; all are in the hub's `/docs/errors`."""

    def __init__(
        self, status: int, problem: Mapping[str, Any], retry_after_s: float | None = None
    ) -> None:
        self.status = status
        self.code = str(problem.get("code") or "unknown")
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or self.title)
        self.request_id: str | None = problem.get("requestId")
        wrong = problem.get("errors") or ()
        self.errors = tuple(FieldError(str(e["field"]), str(e["message"])) for e in wrong)
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.detail} ({self.code}, {self.request_id or f'HTTP {status}'})")


class Invalid(ApiError):
    """Something in the request is wrong, or the gateway refuses it."""


class Unauthenticated(ApiError):
    """The key is missing, wrong or revoked."""


class Forbidden(ApiError):
    """The key's role does not allow it."""


class NotFound(ApiError):
    """There is none, or not for this key."""


class Conflict(ApiError):
    """What is there stands against it: money has come, a reference is taken, funds are too low."""


class RateLimited(ApiError):
    """Too many requests; come back after `retry_after_s`."""


class ServerError(ApiError):
    """The hub failed or is overloaded."""


class Unreachable(TallystickError):
    """No usable answer came. A create may have been done: repeat it with the same key."""


class WatchTimedOut(TallystickError):
    """Nothing final was told in the time that was given."""


class WebhookVerificationError(TallystickError):
    """The notice is forged, altered, too old or malformed: answer 400 and do nothing."""


_KINDS: dict[int, type[ApiError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def api_error(
    status: int, problem: Mapping[str, Any], retry_after_s: float | None = None
) -> ApiError:
    """The error that fits an answer."""
    kind = _KINDS.get(status, ServerError if status >= 500 else Invalid)
    return kind(status, problem, retry_after_s)
