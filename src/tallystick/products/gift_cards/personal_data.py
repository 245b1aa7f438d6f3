"""What gift cards know of people: those they were sent to, found, erased, and sealed."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.addresses import GIFT_CARDS, Addresses
from tallystick.domain.errors import Invalid, NotConfigured
from tallystick.domain.sealing import Masters
from tallystick.flows.addresses import SLICE
from tallystick.flows.extensions import PersonalData
from tallystick.flows.hub import Hub
from tallystick.products.gift_cards import personal_rows, rows
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.gift_cards.tables import gift_cards
from tallystick.store.forgetting import GONE
from tallystick.store.sealed import Sealed


def _bought_by(tx: Connection, hub: Hub, email: str) -> set[str]:
    return {*personal_rows.given_to(tx, Addresses.of(hub.secret).lookups(GIFT_CARDS, email))}


def _email_of(tx: Connection, hub: Hub, payment_id: str) -> str | None:
    card = personal_rows.card_of(tx, payment_id)
    return None if card is None else _mint(hub).unseal(card[0], "email_sealed", card[1])


def _erase(tx: Connection, hub: Hub, payment_id: str) -> Mapping[str, int]:
    card = personal_rows.card_of(tx, payment_id)
    if card is None or _email_of(tx, hub, payment_id) == GONE:
        return {"recipients": 0}
    lookup = Addresses.of(hub.secret).lookup(GIFT_CARDS, GONE)
    rows.readdress(tx, card[0], _mint(hub).seal(card[0], "email_sealed", GONE), lookup)
    return {"recipients": 1}


async def _seal_rest(hub: Hub) -> int:
    """They are sealed from the first; a migration could not say what they are found by."""
    done = 0
    after: str | None = ""
    while after is not None:
        after, found = await hub.database.write(partial(_find_some, hub, after))
        done += found
    return done


def _find_some(hub: Hub, after: str, tx: Connection) -> tuple[str | None, int]:
    book, mint = Addresses.of(hub.secret), Mint.of(hub.secret, hub.settings.gift_card_prefix)
    found = personal_rows.unfound(tx, after, SLICE)
    names: list[tuple[str, str]] = []
    for card_id, sealed in found:
        try:
            address = mint.unseal(card_id, "email_sealed", sealed)
        except Invalid:
            # Its secret was given up: nobody finds it by its address any more.
            continue
        names.append((card_id, book.lookup(GIFT_CARDS, address)))
    if names:
        personal_rows.find_by(tx, names)
    return (found[-1][0] if found else None), len(names)


def _mint(hub: Hub) -> Mint:
    if not hub.secret.secrets:
        raise NotConfigured(
            "Set TALLYSTICK_SECRET_KEY to the server's, which seals who gift cards were sent to."
        )
    return Mint.of(hub.secret, hub.settings.gift_card_prefix)


def _code_hash(masters: Masters, code: str) -> Mapping[str, Any]:
    # The prefix is not hashed.
    return {"code_hash": Mint.of(masters, "").lookup(code)}


def _found_by(masters: Masters, address: str) -> Mapping[str, Any]:
    return {"email_lookup": Addresses.of(masters).lookup(GIFT_CARDS, address)}


PERSONAL_DATA = PersonalData(
    anybody=personal_rows.anybody, bought_by=_bought_by, email_of=_email_of, erase=_erase,
    seal_rest=_seal_rest,
)  # fmt: skip
SEALED = (
    Sealed(gift_cards.c.code_sealed, "gift-card-seal", "gift_cards.code_sealed",
           beside=_code_hash),
    Sealed(gift_cards.c.email_sealed, "gift-card-seal", "gift_cards.email_sealed",
           beside=_found_by),
)  # fmt: skip
