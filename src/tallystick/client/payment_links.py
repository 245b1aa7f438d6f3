"""Payment links: an address that anybody who has it can pay, once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tallystick.client.calls import Call, act, create, data, get, place
from tallystick.client.endpoints import L, Resource, endpoint, listed, watched
from tallystick.client.following import PAUSE_S, SILENCE_S, Watched
from tallystick.client.pages import Page, listing
from tallystick.client.payments import AmountState, Metadata, texts
from tallystick.client.reading import Thing

LinkState = Literal["DRAFT", "OPEN", "PAID", "EXPIRED", "CANCELED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLink(Thing):
    """A link; send its `url` to the payer."""

    id: str
    short_code: str
    url: str
    current_status: LinkState
    payment_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    received: int | None = None
    amount_state: AmountState | None = None
    late: bool = False
    review: str | None = None
    description: str = ""
    gateways: tuple[str, ...] = ()
    metadata: Metadata | None = None
    return_url: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction(Thing):
    """The money, as the gateway names it."""

    transaction_id: str
    gateway: str
    amount: int
    currency: str
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLinkStatus(Thing):
    """The live status of a link. `transaction_info` is for callers with a key or client token."""

    id: str
    short_code: str
    current_status: LinkState
    status_message: str
    amount_state: AmountState
    late: bool
    received: int
    version: int
    final: bool
    is_expired: bool
    amount: int | None = None
    currency: str | None = None
    advice: str = ""
    last_event_type: str | None = None
    last_event_timestamp: datetime | None = None
    payment_method: str | None = None
    transaction_info: Transaction | None = None
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    as_of: datetime | None = None
    next_check_at: datetime | None = None


class PaymentLinks(Resource[L]):
    """`hub.payment_links`."""

    @endpoint
    def create(
        self,
        *,
        amount: int,
        currency: str,
        description: str,
        gateways: Iterable[str] | None = None,
        expires_in: int | None = None,
        draft: bool | None = None,
        return_url: str | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Call[PaymentLink]:
        """Make a link. Nothing starts at a gateway until the payer chooses one."""
        body: dict[str, Any] = {
            "amount": amount, "currency": currency, "description": description,
            "gateways": texts(gateways), "expiresIn": expires_in, "draft": draft,
            "returnUrl": return_url, "metadata": metadata,
        }  # fmt: skip
        return create("/api/payment-links", data(PaymentLink.read), body, idempotency_key)

    @endpoint
    def get(self, link_id: str) -> Call[PaymentLink]:
        """Read a link by its id or short code."""
        return get(place("/api/payment-links/{}", link_id), data(PaymentLink.read))

    @listed
    def list(
        self,
        *,
        current_status: LinkState | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Call[Page[PaymentLink]]:
        """All links that fit, newest first."""
        return listing(
            "/api/payment-links", PaymentLink.read, currentStatus=current_status,
            createdAfter=created_after, createdBefore=created_before, limit=limit,
        )  # fmt: skip

    @endpoint
    def open(self, link_id: str) -> Call[PaymentLink]:
        """Open a draft."""
        return act(place("/api/payment-links/{}/open", link_id), data(PaymentLink.read))

    @endpoint
    def cancel(self, link_id: str) -> Call[PaymentLink]:
        """Take the link back. Raises Conflict where money is there or on its way."""
        return act(place("/api/payment-links/{}/cancel", link_id), data(PaymentLink.read))

    @endpoint
    def status(self, link_id: str) -> Call[PaymentLinkStatus]:
        """The live status, once."""
        return get(place("/api/payment-links/{}/status", link_id), data(PaymentLinkStatus.read))

    @watched
    def watch(
        self,
        link_id: str,
        *,
        timeout_s: float | None = None,
        pause_s: float = PAUSE_S,
        silence_s: float = SILENCE_S,
    ) -> Watched[PaymentLinkStatus]:
        """Each new state, until a final one. Raises WatchTimedOut after `timeout_s`.

        Where no stream gets through, the status is read after `pause_s`, then ever less often, up
        to each 30 s. A stream without a sign of life for `silence_s` is given up.
        """
        path = place("/api/payment-links/{}", link_id)
        return Watched(path, PaymentLinkStatus.read, {}, timeout_s, pause_s, silence_s)
