"""Resend a gift card: the letter with its code goes out once more, to another address too."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.addresses import GIFT_CARDS, LOST, Addresses
from tallystick.domain.decision import Action
from tallystick.domain.errors import Conflict
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.gift_cards import rows
from tallystick.products.gift_cards.cards import (
    Statement,
    code_of,
    email_of,
    locked,
    mint_of,
    read_statement,
)
from tallystick.products.gift_cards.deliver import ask_for_letter, letter_key
from tallystick.products.gift_cards.rules import Card, CardState
from tallystick.store import decisions, effects
from tallystick.store.forgetting import GONE

_NO_LETTER: Final = {
    CardState.PENDING: "it has no code before it is paid",
    CardState.LAPSED: "it has no code before it is paid",
    CardState.FROZEN: "unfreeze it first",
    CardState.REVOKED: "its money went back, and its code is worth nothing",
}


async def resend(hub: Hub, sold: Card, email: str | None, actor: str) -> Statement:
    """Ask for another letter; `email` becomes the buyer's address where one is given.

    Raises NotFound, Conflict for a card whose code is of no use, Invalid where another secret key
    has sealed it.
    """
    now = hub.now()
    # The answer names a person: it is forgotten with their payment.
    done = await whole(
        hub, lambda tx: _resend(tx, hub, sold.id, email, actor, now), sold.payment_id
    )
    hub.work_signal.ring()
    return done


def _resend(
    tx: Connection, hub: Hub, card_id: str, email: str | None, actor: str, now: datetime
) -> Statement:
    card = locked(tx, card_id)
    _check_worth_a_letter(tx, hub, card)
    before = email_of(hub, card)
    if email is None and before in {GONE, LOST}:
        raise Conflict("The buyer's address is not kept any more; send `email` with it.")
    elsewhere = email not in {None, before}
    if email is not None and elsewhere:
        sealed = mint_of(hub).seal(card.id, "email_sealed", email)
        lookup = Addresses.of(hub.secret).lookup(GIFT_CARDS, email)
        rows.readdress(tx, card.id, sealed, lookup)
    _ask(tx, card, now)
    told = f"The letter with the code was sent again{', to another address' if elsewhere else ''}."
    decisions.add(tx, card.payment_id, Action.RESENT, (told, actor), card.payment_id, now)
    return read_statement(tx, locked(tx, card_id))


def _check_worth_a_letter(tx: Connection, hub: Hub, card: Card) -> None:
    if card.state in _NO_LETTER:
        raise Conflict(f"The gift card is {card.state}: {_NO_LETTER[card.state]}.")
    found = read_statement(tx, card)
    if not (found.balance or found.held):
        raise Conflict("The gift card is spent: nothing is left that its code could pay for.")
    # A letter that cannot be written is refused now, and not by a job that fails for days.
    code_of(hub, card)


def _ask(tx: Connection, card: Card, now: datetime) -> None:
    """A letter that was given up is tried again as itself; one that left is followed by another.

    Another one has a name of its own: mail programs show two of one Message-ID once.
    """
    first = effects.standing(tx, letter_key(card.id))
    if first is not None and first.state == "dead":
        effects.again(tx, letter_key(card.id), now)
    else:
        ask_for_letter(tx, f"{card.id}/{new_id('job', now)}", now)
