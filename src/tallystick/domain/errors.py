"""Every way the hub says no, as a tree.

HubError
├── Refused            the caller can mend it; the message says how
│   ├── Invalid        400  a value is wrong
│   ├── Unauthenticated 401, Forbidden 403, NotFound 404, Conflict 409, TooLarge 413 …
│   └── TooMany        429  later, after `retry_after_s`
├── GatewayError       what a gateway did to us; adapters translate into these
├── Unavailable        503  ours to mend; safe to repeat
└── BooksBroken        500  an invariant of the books does not hold
"""

from typing import ClassVar


class HubError(Exception):
    """Base of all. `code` is stable, `status` is HTTP's, `retryable` says "the same call later"."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class Refused(HubError):
    """The caller asked for something that cannot be done as asked."""

    status = 400
    code = "refused"
    title = "Refused"


class Invalid(Refused):
    """A value is missing, malformed or out of range. `errors` names fields and messages."""

    code = "invalid_request"
    title = "Invalid request"

    def __init__(self, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class MalformedJson(Invalid):
    """The body is not the strict JSON that we read."""

    code = "malformed_json"
    title = "Malformed JSON"


class AmountInvalid(Invalid):
    """An amount is not a whole, safe number of minor units."""

    code = "amount_invalid"
    title = "Invalid amount"


class CurrencyUnknown(Invalid):
    """A currency code is not in ISO 4217."""

    code = "currency_unknown"
    title = "Unknown currency"


class MoneyMismatch(Invalid):
    """Two amounts of different currencies met in one sum."""

    code = "currency_mismatch"
    title = "Currencies differ"


class GatewayNotOffered(Invalid):
    """The gateway is not configured here, or does not take this currency or amount."""

    code = "gateway_not_offered"
    title = "Gateway not offered"


class AddressRefused(Invalid):
    """An address to call back is not https, or leads into a private network."""

    code = "address_refused"
    title = "Address refused"


class CouponUnknown(Invalid):
    """There is no such coupon, or it takes nothing off in this currency."""

    code = "coupon_unknown"
    title = "Unknown coupon"


class Unauthenticated(Refused):
    """No proof, or a wrong proof, of who is asking."""

    status = 401
    code = "unauthenticated"
    title = "Not authenticated"


class NoticeNotAuthentic(Unauthenticated):
    """A gateway's notice whose signature, key or token is wrong. Nothing of it is kept."""

    code = "notice_not_authentic"
    title = "Notice not authentic"


class Forbidden(Refused):
    """Who is asking is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(Refused):
    """Unknown, or somebody else's: both answered the same way."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(Refused):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"

    def __init__(self, detail: str, *, allowed: str = "GET") -> None:
        super().__init__(detail)
        self.allowed = allowed


class Conflict(Refused):
    """The thing is in a state that does not allow this."""

    status = 409
    code = "conflict"
    title = "Conflict"


class StillRunning(Conflict):
    """The same request, or the same job, is being worked on right now."""

    code = "still_running"
    title = "Still running"
    retryable = True


class ReferenceTaken(Conflict):
    """The merchant's own reference is used by another payment."""

    code = "reference_taken"
    title = "Reference already used"


class InsufficientFunds(Conflict):
    """A wallet or gift card has less than what is asked of it."""

    code = "insufficient_funds"
    title = "Not enough money left"


class CouponOver(Conflict):
    """The coupon has expired, or the merchant has ended it."""

    code = "coupon_over"
    title = "Coupon no longer valid"


class CouponUsedUp(Conflict):
    """The coupon has been used as often as it may be, in all or by this customer."""

    code = "coupon_used_up"
    title = "Coupon used up"


class NothingToRefund(Conflict):
    """All that came has gone back, is promised back, or was spent."""

    code = "nothing_to_refund"
    title = "Nothing to refund"


class RefundTooLarge(Conflict):
    """More is asked for than can still go back; `detail` says how much that is."""

    code = "refund_too_large"
    title = "More than is left"


class TooLarge(Refused):
    """The body is over its limit."""

    status = 413
    code = "body_too_large"
    title = "Body too large"


class TooSlow(Refused):
    """The request was not sent to its end in time."""

    status = 408
    code = "request_too_slow"
    title = "Request too slow"
    retryable = True


class TargetTooLong(Refused):
    """The address with its query is over its limit."""

    status = 414
    code = "address_too_long"
    title = "Address too long"


class HeadTooLarge(Refused):
    """The headers are over their limit, in bytes or in lines."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"


class UnsupportedMedia(Refused):
    """The body is of a type or encoding that we do not read."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class KeyReused(Refused):
    """An idempotency key came again with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class GatewayRefused(Refused):
    """The gateway understood the request and said no. `detail` carries its words."""

    status = 422
    code = "gateway_refused"
    title = "Refused by the gateway"


class TooMany(Refused):
    """A rate or connection limit is reached."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    retryable = True


class Unavailable(HubError):
    """Ours to mend; the same call may succeed later."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    retryable = True


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or cannot write."""

    code = "database_unavailable"
    title = "Database unavailable"


class OutcomeUnknown(DatabaseUnavailable):
    """The database went away while it committed; whether the request was done is not known."""

    code = "outcome_unknown"
    title = "Outcome unknown"
    retryable = False


class RaceLost(Unavailable):
    """Somebody else wrote first; the transaction body is run again with what is there now."""

    code = "race_lost"
    title = "Lost a race"


class BooksBroken(HubError):
    """An audit found rows that must never be; a person must look. The log names all of them."""

    code = "books_broken"
    title = "The books do not hold"


class NotConfigured(Unavailable):
    """The part needs a secret that is not set. It never fails open."""

    code = "not_configured"
    title = "Not configured"
    retryable = False


class GatewayUnavailable(Unavailable):
    """The gateway rejects our keys or cannot be used as configured; a person must mend it."""

    code = "gateway_unavailable"
    title = "Gateway unavailable"


class GatewayUnreachable(GatewayUnavailable):
    """No usable answer. `sent` says whether the request may have taken effect there."""

    code = "gateway_unreachable"
    title = "Gateway unreachable"

    def __init__(self, detail: str, *, sent: bool = True) -> None:
        super().__init__(detail)
        self.sent = sent


class NotReached(Unavailable):
    """The merchant's own address did not answer a call of ours; it is called again later."""

    code = "not_reached"
    title = "Address not reached"
