"""Gift cards: sold through a payment, shown to their buyer, and found again by their code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.addresses import GIFT_CARDS, LOST, Addresses
from tallystick.domain.amount_limits import check_limits
from tallystick.domain.errors import Invalid, NotFound, RaceLost
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.offered_amounts import check_offered
from tallystick.domain.payment import Attempt, Payment
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import Beside, Opened, Wish, resume_payment, sell
from tallystick.flows.hub import Hub
from tallystick.products.gift_cards import rows
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.gift_cards.rows import Listed
from tallystick.products.gift_cards.rules import Card, CardSignal, CardState, Movement, MovementKind
from tallystick.store import attempts, ledger, snapshots
from tallystick.store.places import Place

OFFERED_FOR: Final = timedelta(hours=1)
UNKNOWN: Final = "There is no gift card with this code or id."


class Sale:
    """One gift card on its way: what its buyer wants, and the id that it has from the start."""

    def __init__(self, hub: Hub, amount: Money, gateway: str, email: str, language: str) -> None:
        self.card_id = new_id("gc", hub.now())
        self._hub, self._amount, self._gateway = hub, amount, gateway
        self._email, self._language = email, language

    async def open(self, owner_id: str | None, description: str) -> Opened[str]:
        """Open the payment; the card's row is written beside it, without a code.

        What is sold is named by the card's id. Raises Invalid for an amount that no card has, and
        what `sell` raises.
        """
        check_amount(self._hub, self._amount)
        back = f"{self._hub.settings.base_url.rstrip('/')}/gift-cards/{self.card_id}"
        wish = Wish(
            amount=self._amount,
            gateways=(self._gateway,),
            purpose="gift_card",
            description=description,
            owner_id=owner_id,
            return_url=back,
            cancel_url=back,
            expires_in=OFFERED_FOR,
        )
        return await sell(self._hub, wish, self._beside(), soon=True)

    def _beside(self) -> Beside[str]:
        mint = mint_of(self._hub)

        def write(tx: Connection, payment: Payment) -> str:
            card = Card(
                id=self.card_id,
                payment_id=payment.id,
                state=CardState.PENDING,
                amount=self._amount.minor,
                currency=self._amount.currency,
                language=self._language,
                email_sealed=mint.seal(self.card_id, "email_sealed", self._email),
                email_lookup=Addresses.of(self._hub.secret).lookup(GIFT_CARDS, self._email),
                code_hash=None,
                code_sealed=None,
                created_at=payment.created_at,
                issued_at=None,
            )
            rows.add(tx, card)
            return card.id

        return write


async def resume_sale(hub: Hub, payment_id: str) -> Opened[str]:
    """Answer a request whose worker died: the card is there, its client token is new."""
    card = await hub.database.read(lambda tx: _found(rows.of_payment(tx, payment_id)))
    return await resume_payment(hub, payment_id, card.id)


def check_amount(hub: Hub, amount: Money) -> None:
    """Raises Invalid for an amount that no card has: one of those on offer, or within limits."""
    if hub.settings.gift_card_amounts:
        check_offered(hub.settings.gift_card_amounts, amount)
    else:
        check_limits(hub.settings.gift_card_limits, amount)


def mint_of(hub: Hub) -> Mint:
    """The mint with this server's keys."""
    return Mint.of(hub.secret, hub.settings.gift_card_prefix)


async def card_of(hub: Hub, payment_id: str) -> Card | None:
    """The card that a payment buys, or None."""
    return await hub.database.read(lambda tx: rows.of_payment(tx, payment_id))


async def bought(hub: Hub, card_id: str) -> Snapshot | None:
    """The payment that buys a card, by the card's id, or None."""

    def read(tx: Connection) -> Snapshot | None:
        card = rows.find(tx, card_id)
        return None if card is None else snapshots.find(tx, card.payment_id)

    return await hub.database.read(read)


async def ordered(hub: Hub, name: str) -> Snapshot | None:
    """The payment behind an order, by the gateway's name for it or by ours, or None.

    Only gift cards and OnePay's orders are found: the callers of old know no others.
    """

    def read(tx: Connection) -> Snapshot | None:
        for attempt in sorted(_named(tx, hub, name), key=lambda one: one.id, reverse=True):
            snapshot = snapshots.find(tx, attempt.payment_id)
            if snapshot and (snapshot.purpose == "gift_card" or attempt.gateway == "onepay"):
                return snapshot
        return None

    return await hub.database.read(read)


@dataclass(frozen=True, slots=True)
class Search:
    """Which cards a list shows; all that is set must hold. `order` is the gateway's name or ours.

    A `state` is one word of CardState.
    """

    email: str | None = None
    payment: str | None = None
    order: str | None = None
    state: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def listing(hub: Hub, search: Search, after: Place | None, limit: int) -> list[Listed]:
    """One page, newest first, one more than `limit` where there are more.

    An order is looked for at the gateways that are set up.
    """

    def read(tx: Connection) -> list[Listed]:
        filters: list[tuple[str, Sequence[str]]] = []
        if search.email is not None:
            found_by = Addresses.of(hub.secret).lookups(GIFT_CARDS, search.email)
            filters.append(("email_lookup", found_by))
        if search.payment is not None:
            filters.append(("payment_id", [search.payment]))
        if search.order is not None:
            paid_by = [attempt.payment_id for attempt in _named(tx, hub, search.order)]
            filters.append(("payment_id", paid_by))
        if search.state is not None:
            filters.append(("state", [search.state]))
        span = (search.created_after, search.created_before)
        return rows.page(tx, filters, span, after, limit)

    return await hub.database.read(read)


def _named(tx: Connection, hub: Hub, name: str) -> list[Attempt]:
    return [
        attempt
        for gateway in hub.accounts
        for attempt in attempts.named(tx, gateway.name, gateway.account, [name])
    ]


def email_of(hub: Hub, card: Card) -> str:
    """Who bought it, or `LOST` where its secret was given up. Only for callers who may know."""
    try:
        return mint_of(hub).unseal(card.id, "email_sealed", card.email_sealed)
    except Invalid:
        return LOST


def code_of(hub: Hub, card: Card) -> str | None:
    """The code, for whoever may see it; None before it is paid and after the money went back."""
    if card.code_sealed is None or card.state is CardState.REVOKED:
        return None
    return mint_of(hub).unseal(card.id, "code_sealed", card.code_sealed)


async def find(hub: Hub, card_id: str) -> Card:
    """The card with this id. Raises NotFound."""
    return await hub.database.read(lambda tx: _found(rows.find(tx, card_id)))


async def find_by_code(hub: Hub, code: str) -> Card | None:
    """The card with this code, or None: what can be no code is looked up nowhere."""
    hashes = mint_of(hub).lookups(code)
    if not hashes:
        return None
    return await hub.database.read(lambda tx: rows.by_code(tx, hashes))


@dataclass(frozen=True, slots=True)
class Statement:
    """A card with what is on it and how it came to that, read in one transaction.

    `balance` can be spent and `held` is set aside, in minor units.
    """

    card: Card
    balance: int
    held: int
    history: Sequence[Movement]


def read_statement(tx: Connection, card: Card) -> Statement:
    """Everything about one card, as it is in this transaction."""
    return Statement(card, balance(tx, card), rows.held(tx, card.id), rows.history(tx, card.id))


def balance(tx: Connection, card: Card) -> int:
    """What can be spent, in minor units."""
    return ledger.balance(tx, accounts.gift_card(card.id)).get(card.currency, 0)


async def statement(hub: Hub, card_id: str) -> Statement:
    """Everything about one card. Raises NotFound."""
    return await hub.database.read(lambda tx: read_statement(tx, _found(rows.find(tx, card_id))))


async def freeze(hub: Hub, card_id: str) -> Statement:
    """Nobody can spend it until it is unfrozen. Safe to repeat. Raises NotFound, Conflict."""
    return await _turn(hub, card_id, CardSignal.FREEZE, MovementKind.FREEZE)


async def unfreeze(hub: Hub, card_id: str) -> Statement:
    """It can be spent again. Safe to repeat. Raises NotFound, Conflict."""
    return await _turn(hub, card_id, CardSignal.UNFREEZE, MovementKind.UNFREEZE)


_TURNED: Final = {CardSignal.FREEZE: CardState.FROZEN, CardSignal.UNFREEZE: CardState.ACTIVE}


async def _turn(hub: Hub, card_id: str, signal: CardSignal, kind: MovementKind) -> Statement:
    now = hub.now()

    def body(tx: Connection) -> Statement:
        card = locked(tx, card_id)
        if card.state is not _TURNED[signal]:
            if not rows.move(tx, card, card.after(signal)):
                raise RaceLost("Another writer moved this gift card first.")
            note(tx, card, kind, None, 0, now)
        return read_statement(tx, locked(tx, card_id))

    return await hub.database.write(body)


def locked(tx: Connection, card_id: str) -> Card:
    """The card, which nobody else changes meanwhile. Raises NotFound."""
    return _found(rows.lock(tx, card_id))


def note(
    tx: Connection, card: Card, kind: MovementKind, reference: str | None, minor: int, now: datetime
) -> Movement:
    """Write a line of the card's history, with what can be spent after it."""
    line = Movement(
        id=new_id("mov", now), card_id=card.id, kind=kind, reference=reference, amount=minor,
        currency=card.currency, balance=balance(tx, card), at=now,
    )  # fmt: skip
    rows.note(tx, line)
    return line


def _found(card: Card | None) -> Card:
    if card is None:
        raise NotFound(UNKNOWN)
    return card
