"""Gift cards, top-ups and wallets: money that somebody holds with the merchant."""

from dataclasses import dataclass
from datetime import datetime

from tallystick.client.calls import Call, act, create, data, get, maybe_data, place
from tallystick.client.endpoints import L, Resource, endpoint, listed, watched
from tallystick.client.following import PAUSE_S, SILENCE_S, Watched
from tallystick.client.pages import Page, listing
from tallystick.client.reading import Thing, named, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardOrder(Thing):
    """A gift card that is being bought. Its code does not exist before it is paid."""

    id: str
    order_code: str | int
    amount: int
    client_token: str | None = secret(default=None)
    gateway: str | None = None
    gateway_order_id: str | None = None
    one_pay_order_id: str | None = None
    va_number: str | None = None
    qr_code: str | None = None
    qr_code_url: str | None = None
    expired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCard(Thing):
    """A card and what is left on it. The rest, such as its history, is in `raw`."""

    balance: int
    currency: str | None = None
    status: str | None = None
    id: str | None = None
    email: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(Thing):
    """A top-up and how it is paid. Give `client_token` to the payer's browser."""

    tx_ref: str = named("tx_ref")
    amount: int
    currency: str
    status: str
    client_token: str | None = secret(default=None)
    order_code: str | int | None = None
    checkout_url: str | None = None
    qr_code: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpStatus(Thing):
    """`pending`, `confirmed`, `failed` or `expired`."""

    tx_ref: str = named("tx_ref")
    status: str
    amount: int
    version: int
    final: bool
    currency: str | None = None
    confirmed_at: datetime | None = named("confirmed_at", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet(Thing):
    """What an owner holds; the balances per currency are in `raw`."""

    owner_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletEntry(Thing):
    """One movement on a wallet: positive came in, negative went out."""

    amount: int
    currency: str
    created_at: datetime | None = None
    reference: str | None = None


class GiftCards(Resource[L]):
    """`hub.gift_cards`."""

    @endpoint
    def create(
        self,
        *,
        email: str,
        amount: int,
        currency: str | None = None,
        gateway: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[GiftCardOrder]:
        """Begin to sell a card; its code goes to the e-mail address once it is paid."""
        body = {"email": email, "amount": amount, "currency": currency, "gateway": gateway}
        return create("/api/gift-cards", maybe_data(GiftCardOrder.read), body, idempotency_key)

    @endpoint
    def get(self, code: str) -> Call[GiftCard]:
        """What is left on a card, by its code or its id."""
        return get(place("/api/gift-cards/{}", code), maybe_data(GiftCard.read))

    @listed
    def list(
        self,
        *,
        email: str | None = None,
        payment: str | None = None,
        order: str | None = None,
        state: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Call[Page[GiftCard]]:
        """All cards that fit, newest first; `order` is the gateway's name for it, or ours."""
        return listing(
            "/api/gift-cards", GiftCard.read, email=email, payment=payment, order=order,
            state=state, createdAfter=created_after, createdBefore=created_before, limit=limit,
        )  # fmt: skip

    @endpoint
    def resend(
        self, code: str, *, email: str | None = None, idempotency_key: str | None = None
    ) -> Call[GiftCard]:
        """Send the letter with the code again; `email` takes the place of the buyer's address.

        `code` may be the card's id. Raises Conflict for a card whose code is of no use.
        """
        path = place("/api/gift-cards/{}/resend", code)
        return create(path, maybe_data(GiftCard.read), {"email": email}, idempotency_key)

    @endpoint
    def redeem(
        self, code: str, *, amount: int, reference: str, idempotency_key: str | None = None
    ) -> Call[GiftCard]:
        """Take money off a card. Raises Conflict where there is not enough on it."""
        body = {"amount": amount, "reference": reference}
        path = place("/api/gift-cards/{}/redeem", code)
        return create(path, maybe_data(GiftCard.read), body, idempotency_key)

    @endpoint
    def freeze(self, code: str) -> Call[GiftCard]:
        """Let nothing more be taken off a card."""
        return act(place("/api/gift-cards/{}/freeze", code), maybe_data(GiftCard.read))


class TopUps(Resource[L]):
    """`hub.topups`."""

    @endpoint
    def create(
        self,
        *,
        amount: int,
        owner_id: str | None = None,
        currency: str | None = None,
        gateway: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[TopUp]:
        """Begin a top-up of an owner's wallet."""
        body = {"amount": amount, "ownerId": owner_id, "currency": currency, "gateway": gateway,
                "returnUrl": return_url}  # fmt: skip
        return create("/api/topup/init", data(TopUp.read), body, idempotency_key)

    @endpoint
    def status(self, tx_ref: str) -> Call[TopUpStatus]:
        """The live status, once."""
        return get("/api/topup/status", data(TopUpStatus.read), tx_ref=tx_ref)

    @watched
    def watch(
        self,
        tx_ref: str,
        *,
        timeout_s: float | None = None,
        pause_s: float = PAUSE_S,
        silence_s: float = SILENCE_S,
    ) -> Watched[TopUpStatus]:
        """Each new state, until a final one. Raises WatchTimedOut after `timeout_s`.

        Where no stream gets through, the status is read after `pause_s`, then ever less often, up
        to each 30 s. A stream without a sign of life for `silence_s` is given up.
        """
        return Watched(
            "/api/topup", TopUpStatus.read, {"tx_ref": tx_ref}, timeout_s, pause_s, silence_s
        )


class Wallets(Resource[L]):
    """`hub.wallets`."""

    @endpoint
    def get(self, owner_id: str) -> Call[Wallet]:
        """What an owner holds."""
        return get(place("/api/wallets/{}", owner_id), data(Wallet.read))

    @listed
    def entries(
        self,
        owner_id: str,
        *,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Call[Page[WalletEntry]]:
        """All movements of a wallet, newest first."""
        return listing(
            place("/api/wallets/{}/entries", owner_id), WalletEntry.read,
            createdAfter=created_after, createdBefore=created_before, limit=limit,
        )  # fmt: skip

    @endpoint
    def spend(
        self,
        owner_id: str,
        *,
        amount: int,
        currency: str,
        reference: str,
        idempotency_key: str | None = None,
    ) -> Call[Wallet]:
        """Pay from a wallet. Raises Conflict where there is not enough in it."""
        body = {"amount": amount, "currency": currency, "reference": reference}
        path = place("/api/wallets/{}/spend", owner_id)
        return create(path, data(Wallet.read), body, idempotency_key)
