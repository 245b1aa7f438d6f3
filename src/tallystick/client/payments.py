"""Payments: open, read, follow, ask, cancel, and why one is where it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tallystick.client.calls import Call, act, beside, create, data, get, place
from tallystick.client.endpoints import L, Resource, endpoint, listed, watched
from tallystick.client.following import PAUSE_S, SILENCE_S, Watched
from tallystick.client.pages import Page, listing
from tallystick.client.reading import Thing, secret

Phase = Literal["draft", "open", "processing", "paid", "expired", "canceled"]
AmountState = Literal["none", "partial", "exact", "over"]
Metadata = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout(Thing):
    """What a payer needs, whichever of it the gateway gives. `qr_code` is the raw text."""

    checkout_url: str | None = None
    qr_code: str | None = None
    bank_name: str | None = None
    bank_bin: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    transfer_content: str | None = None
    va_number: str | None = None
    instructions: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Thing):
    """One amount that is to be collected. Amounts are whole minor units."""

    id: str
    phase: Phase
    amount_state: AmountState
    late: bool
    amount: int
    currency: str
    received: int
    refunded: int
    version: int
    created_at: datetime
    expires_at: datetime
    review: str | None = None
    gateway: str | None = None
    reference: str | None = None
    description: str = ""
    checkout: Checkout | None = None
    owner_id: str | None = None
    metadata: Metadata | None = None
    test_mode: bool = False
    paid_at: datetime | None = None
    as_of: datetime | None = None
    next_check_at: datetime | None = None
    client_token: str | None = secret(default=None)
    """For the payer's browser; only the creating call gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatus(Thing):
    """What a payer may see. `final` says that nothing more happens without money or a person."""

    id: str
    phase: Phase
    amount_state: AmountState
    late: bool
    amount: int
    currency: str
    received: int
    refunded: int
    status_message: str
    advice: str
    expires_at: datetime
    version: int
    final: bool
    as_of: datetime | None = None
    source: str | None = None
    next_check_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Thing):
    """One piece of evidence and what it changed, with a sentence that says so."""

    at: datetime
    source: str
    sentence: str
    trust: str | None = None
    claim: str | None = None
    before: str | None = None
    after: str | None = None
    times: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Thing):
    """Why a payment is where it is."""

    id: str
    phase: Phase
    reasons: tuple[Reason, ...]
    due: str | None = None
    next_check_at: datetime | None = None


class Payments(Resource[L]):
    """`hub.payments`."""

    @endpoint
    def create(
        self,
        *,
        amount: int,
        currency: str,
        gateway: str,
        description: str | None = None,
        reference: str | None = None,
        owner_id: str | None = None,
        return_url: str | None = None,
        cancel_url: str | None = None,
        expires_in: int | None = None,
        metadata: Metadata | None = None,
        test_mode: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Payment]:
        """Open a payment. With a key of your own you may repeat this, also after a crash."""
        body: dict[str, Any] = {
            "amount": amount, "currency": currency, "gateway": gateway,
            "description": description, "reference": reference, "ownerId": owner_id,
            "returnUrl": return_url, "cancelUrl": cancel_url, "expiresIn": expires_in,
            "metadata": metadata, "testMode": test_mode,
        }  # fmt: skip
        return create("/api/payments", beside(Payment.read), body, idempotency_key)

    @endpoint
    def get(self, payment_id: str) -> Call[Payment]:
        """Read a payment; asks no gateway."""
        return get(place("/api/payments/{}", payment_id), data(Payment.read))

    @listed
    def list(
        self,
        *,
        phase: Phase | None = None,
        amount_state: AmountState | None = None,
        gateway: str | None = None,
        owner_id: str | None = None,
        reference: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Call[Page[Payment]]:
        """All payments that fit, newest first; `limit` is how many one request brings."""
        return listing(
            "/api/payments", Payment.read, phase=phase, amountState=amount_state, gateway=gateway,
            ownerId=owner_id, reference=reference, createdAfter=created_after,
            createdBefore=created_before, limit=limit,
        )  # fmt: skip

    @endpoint
    def check(self, payment_id: str) -> Call[Payment]:
        """Ask the gateway now."""
        return act(place("/api/payments/{}/check", payment_id), data(Payment.read))

    @endpoint
    def cancel(self, payment_id: str) -> Call[Payment]:
        """Take the offer back. Raises Conflict where money is there or on its way."""
        return act(place("/api/payments/{}/cancel", payment_id), data(Payment.read))

    @endpoint
    def status(self, payment_id: str) -> Call[PaymentStatus]:
        """The live status, once."""
        return get(place("/api/payments/{}/status", payment_id), data(PaymentStatus.read))

    @endpoint
    def why(self, payment_id: str) -> Call[Proof]:
        """The evidence, in order."""
        return get(place("/api/payments/{}/why", payment_id), data(Proof.read))

    @watched
    def watch(
        self,
        payment_id: str,
        *,
        timeout_s: float | None = None,
        pause_s: float = PAUSE_S,
        silence_s: float = SILENCE_S,
    ) -> Watched[PaymentStatus]:
        """Each new state, until a final one. Raises WatchTimedOut after `timeout_s`.

        Where no stream gets through, the status is read after `pause_s`, then ever less often, up
        to each 30 s. A stream without a sign of life for `silence_s` is given up.
        """
        path = place("/api/payments/{}", payment_id)
        return Watched(path, PaymentStatus.read, {}, timeout_s, pause_s, silence_s)


def texts(values: Iterable[str] | None) -> "list[str] | None":
    """A JSON array, where there is anything."""
    return None if values is None else [*values]
