"""What a caller can do about each error, for the reference page and the printed table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.domain.errors import HubError

ERROR_HELP: Final[Mapping[str, str]] = {
    "address_refused": "Use a public https address on port 443 or 8443, as `detail` says.",
    "address_too_long": "Ask for less at once; an address has up to 8 KiB.",
    "amount_invalid": "Send a whole number of minor units: 50000 for 50.000 ₫, 1999 for $19.99.",
    "body_too_large": "Send less: 256 kB to the API, 64 kB to the webhooks.",
    "books_broken": "Run `tallystick audit`; it names the rows.",
    "insufficient_funds": "Ask for what is left, or for less; nothing was taken.",
    "conflict": "Read it again and decide anew; `detail` says what state it is in.",
    "coupon_over": "Order without the coupon, or with another one.",
    "coupon_unknown": "Check the code; `GET /api/coupons` lists what there is.",
    "coupon_used_up": "Order without the coupon, or with another one.",
    "currency_mismatch": "Use one currency.",
    "currency_unknown": "Use an ISO 4217 code in capitals, such as VND.",
    "database_unavailable": "Repeat it. The operator looks after the database.",
    "forbidden": "Use a key with a higher role; `detail` names it.",
    "gateway_not_offered": "Choose one of the gateways of `GET /api/gateways` that takes it.",
    "gateway_refused": "`detail` has the gateway's words. Another amount or gateway may do.",
    "gateway_unavailable": "Use another gateway. The operator checks its keys.",
    "gateway_unreachable": "Repeat it with the same Idempotency-Key; nothing is charged twice.",
    "headers_too_large": "Send up to 100 lines and 32 KiB; clear the cookies of this site.",
    "idempotency_key_reused": "Use a fresh key for each new request.",
    "internal": "Tell the operator the `requestId`; the log has the rest.",
    "invalid_request": "Mend the fields that `errors` names.",
    "malformed_json": "Send one JSON object: no duplicate keys, no NaN, UTF-8.",
    "method_not_allowed": "Use the method that `Allow` names.",
    "not_configured": "The operator sets what `detail` names.",
    "not_found": "Check the id, and whose it is.",
    "notice_not_authentic": "For gateways: the keys on both sides differ.",
    "not_reached": "Mend the server at your own address; the call is repeated.",
    "nothing_to_refund": "Read the payment: `refunded` says what has gone back already.",
    "outcome_unknown": "Repeat it with the same `Idempotency-Key`; without one, look first whether "
    "it was done.",
    "race_lost": "Repeat it.",
    "reference_taken": "Find the other payment with `GET /api/payments?reference=…`.",
    "refund_too_large": "Ask for what is left, which `detail` names, or for less.",
    "refused": "`detail` says what cannot be done.",
    "request_too_slow": "Send it again, without pauses.",
    "still_running": "Repeat it with the same key after `Retry-After`.",
    "too_many_requests": "Wait for `Retry-After`; use the stream in place of polling.",
    "unauthenticated": "Send a secret key, a client token or a JWT as Bearer.",
    "unavailable": "Repeat it after `Retry-After`.",
    "unsupported_media_type": "Send application/json, uncompressed.",
}
_UNTOLD: Final = {"internal": "Something went wrong on our side."}


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One error as it is explained: when it comes, and what to do about it."""

    status: int
    code: str
    title: str
    when: str
    remedy: str


def error_entries() -> list[ErrorEntry]:
    """One entry for each code, by status and code."""
    found: dict[str, type[HubError]] = {}
    waiting = [HubError]
    for kind in waiting:
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    entries = [
        ErrorEntry(kind.status, code, kind.title, _when(kind), ERROR_HELP[code])
        for code, kind in found.items()
    ]
    return sorted(entries, key=lambda entry: (entry.status, entry.code))


def _when(kind: type[HubError]) -> str:
    """The first sentence of what the class says of itself."""
    first = (kind.__doc__ or "").partition("\n")[0].partition(". ")[0]
    return _UNTOLD.get(kind.code) or f"{first.rstrip('.')}."
