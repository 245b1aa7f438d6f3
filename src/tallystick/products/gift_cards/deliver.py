"""A gift card: the transaction that makes it paid gives it its code, its value and its e-mail."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.answer_types import Amount, Minor
from tallystick.domain.errors import NotFound
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.sealing import Masters
from tallystick.flows.fulfilment import Fulfilment
from tallystick.products.gift_cards import rows
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.gift_cards.rules import Card, CardSignal, CardState, Movement, MovementKind
from tallystick.settings import Settings
from tallystick.store import effects, outbox
from tallystick.store.outbox import News


class GiftCard(Fulfilment):
    """Money that stands on a card until it is spent. There is no code before it is paid."""

    purpose = "gift_card"

    def __init__(self, mint: Mint) -> None:
        self._mint = mint

    @classmethod
    def make(cls, secret: Masters, settings: Settings) -> "GiftCard":
        """With the keys of this server."""
        return cls(Mint.of(secret, settings.gift_card_prefix))

    def account(self, tx: Connection, payment: Payment) -> str:
        """The card's own account: what is left on it is what we owe."""
        return accounts.gift_card(_card(tx, payment).id)

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Draw the code, keep its hash and a sealed copy, and ask for the e-mail."""
        card = _card(tx, payment)
        face = payment.amount
        code, code_hash = self._fresh_code(tx)
        sealed = self._mint.seal(card.id, "code_sealed", code)
        card.after(CardSignal.PAID)
        rows.issue(tx, card, face, code_hash, sealed, now)
        _note(tx, card, MovementKind.ISSUE, Money(face, card.currency), face, now)
        ask_for_letter(tx, card.id, now)
        outbox.tell(tx, _issued(card, payment, face), now)

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Nobody paid; the card waits for money that is late."""
        card = _card(tx, payment)
        if card.state is CardState.PENDING:
            rows.move(tx, card, card.after(CardSignal.LAPSE))

    def revoke(
        self, tx: Connection, payment: Payment, back: Money, now: datetime, *, keep_access: bool
    ) -> None:
        """Write the refund into the card's history; a card with nothing left is over.

        The refund itself is taken from the card's account, so `keep_access` changes nothing here:
        money that went back cannot be spent.
        """
        card = rows.lock(tx, _card(tx, payment).id) or _card(tx, payment)
        used = rows.used(tx, card.id)
        gone = sum(used.get(kind, 0) for kind in _GONE) + back.minor
        held = rows.held(tx, card.id)
        left = max(card.amount - gone - held, 0)
        _note(tx, card, MovementKind.REFUND, back, left, now)
        if not (left or held) and card.state in {CardState.ACTIVE, CardState.FROZEN}:
            rows.move(tx, card, card.after(CardSignal.REVOKE))

    def _fresh_code(self, tx: Connection) -> tuple[str, str]:
        """A code that no card has; with 85 random bits the first will do."""
        while True:
            code = self._mint.draw()
            code_hash = self._mint.lookup(code)
            if code_hash is not None and rows.by_code(tx, [code_hash]) is None:
                return code, code_hash


def ask_for_letter(tx: Connection, about: str, now: datetime) -> None:
    """Ask for the letter with the code: `about` is the card, and `/` and a name for a later one."""
    effects.add(tx, "send_mail", letter_key(about), {"letter": "gift_card", "about": about}, now)


def letter_key(about: str) -> str:
    """What the job of a letter is known by."""
    return f"gift_card/{about}"


_GONE = (MovementKind.REDEEM, MovementKind.CAPTURE, MovementKind.REFUND)


def _card(tx: Connection, payment: Payment) -> Card:
    card = rows.of_payment(tx, payment.id)
    if card is None:
        raise NotFound(f"The payment {payment.id} buys no gift card that exists.")
    return card


def _note(
    tx: Connection, card: Card, kind: MovementKind, amount: Money, balance: int, now: datetime
) -> None:
    line = Movement(
        id=new_id("mov", now), card_id=card.id, kind=kind, reference=None, amount=amount.minor,
        currency=amount.currency, balance=balance, at=now,
    )  # fmt: skip
    rows.note(tx, line)


class GiftCardNews(Amount):
    """A card as merchants' systems are told of it: everything but the code and the buyer."""

    id: str
    status: str
    balance: Minor
    paymentId: str


def _issued(card: Card, payment: Payment, face: int) -> News:
    data: GiftCardNews = {
        "id": card.id, "status": CardState.ACTIVE, "amount": face, "currency": card.currency,
        "balance": face, "paymentId": payment.id,
    }  # fmt: skip
    return News("giftcard.issued", card.id, card.id, data, payment.id)
