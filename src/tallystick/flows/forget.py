"""Forget: a person's data goes, the books stay, and what was erased is written down."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.addresses import CUSTOMERS, GIFT_CARDS, ORDERS, Addresses
from tallystick.domain.errors import Conflict, NotConfigured, NotFound
from tallystick.domain.ids import new_id
from tallystick.flows.addresses import seal_rest
from tallystick.flows.hub import Hub
from tallystick.flows.timer import UNFINISHED
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.orders import rows as orders
from tallystick.products.orders.ordering import email_of
from tallystick.products.orders.rules import Order
from tallystick.store import forgetting, payments, raw_bytes, unmatched
from tallystick.store.forgetting import GONE
from tallystick.store.unmatched import Decision

ACTION: Final = "forgotten"
_ACTOR: Final = "command line"


async def forget_payment(hub: Hub, payment_id: str, reason: str) -> Mapping[str, int]:
    """Erase what ties a payment to a person; how much of each kind.

    Raises NotFound, Conflict while it can still be paid, NotConfigured where an address has to be
    sealed anew and the secret key is not set.
    """
    return await hub.database.write(partial(_erase, hub, payment_id, reason))


async def forget_person(hub: Hub, email: str, reason: str) -> Mapping[str, int]:
    """The same for everything that was bought with an address. Raises NotFound too.

    What can still be paid stays, counted as `unfinished`.
    """
    if not await hub.database.read(forgetting.anybody):
        raise NotFound("Nothing was bought with this address.")
    book = Addresses.of(hub.secret)
    await seal_rest(hub)

    def theirs(tx: Connection) -> set[str]:
        ordered = forgetting.ordered_by(tx, book.lookups(ORDERS, email))
        return {*ordered, *forgetting.given_to(tx, book.lookups(GIFT_CARDS, email))}

    about = await hub.database.read(theirs)
    if not about:
        raise NotFound("Nothing was bought with this address.")
    erased: Counter[str] = Counter()
    for payment_id in sorted(about):
        try:
            erased.update(await forget_payment(hub, payment_id, reason))
        except Conflict:
            erased["unfinished"] += 1
    if not erased["unfinished"]:
        stranger = new_id("ref", hub.now()).replace("ref_", "forgotten_")
        names = book.lookups(CUSTOMERS, email)
        erased["coupon customers"] += await hub.database.write(
            lambda tx: forgetting.customer(tx, names, stranger)
        )
    return erased


def _erase(hub: Hub, payment_id: str, reason: str, tx: Connection) -> Mapping[str, int]:
    payment = payments.lock(tx, payment_id)
    if payment is None:
        raise NotFound("There is no payment with this id.")
    if payment.phase in UNFINISHED:
        raise Conflict("The payment can still be paid; cancel it first, or wait for its end.")
    order = orders.of_payment(tx, payment_id)
    bought_by = None if order is None else email_of(hub, order)
    emails = {bought_by, _recipient(hub, tx, payment_id)} - {None}
    erased = {
        "payments": 1,
        "raw bytes": raw_bytes.erase(tx, forgetting.subjects(tx, payment_id)),
        "memos": forgetting.memos(tx, payment_id),
        "kept answers": forgetting.answers(tx, payment_id),
        "buyers": int(_clear_buyer(hub, tx, order)),
        "recipients": int(_clear_recipient(hub, tx, payment_id)),
        "effects": sum(forgetting.effects(tx, str(email)) for email in emails if email != GONE),
    }
    told = ", ".join(f"{many} {what}" for what, many in erased.items() if many)
    words = f"Personal data erased ({told}): {reason}"
    now = hub.now()
    unmatched.decide(tx, payment_id, Decision(ACTION, words, _ACTOR, payment_id, now))
    return erased


def _clear_buyer(hub: Hub, tx: Connection, order: Order | None) -> bool:
    if order is None or email_of(hub, order) == GONE:
        return False
    forgetting.buyer(tx, order.id, Addresses.of(hub.secret).kept(ORDERS, order.id, GONE))
    return True


def _recipient(hub: Hub, tx: Connection, payment_id: str) -> str | None:
    card = forgetting.card_of(tx, payment_id)
    return None if card is None else _mint(hub).unseal(card[0], "email_sealed", card[1])


def _clear_recipient(hub: Hub, tx: Connection, payment_id: str) -> bool:
    card = forgetting.card_of(tx, payment_id)
    if card is None or _recipient(hub, tx, payment_id) == GONE:
        return False
    lookup = Addresses.of(hub.secret).lookup(GIFT_CARDS, GONE)
    gift_cards.readdress(tx, card[0], _mint(hub).seal(card[0], "email_sealed", GONE), lookup)
    return True


def _mint(hub: Hub) -> Mint:
    if not hub.secret.secrets:
        raise NotConfigured(
            "Set TALLYSTICK_SECRET_KEY to the server's, which seals who gift cards were sent to."
        )
    return Mint.of(hub.secret, hub.settings.gift_card_prefix)
