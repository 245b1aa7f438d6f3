"""E-mail addresses: put into what is told of orders, and sealed where a migration could not."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from tallystick.domain.addresses import (
    CUSTOMERS,
    GIFT_CARDS,
    ORDERS,
    REFERRERS,
    Addresses,
    Place,
)
from tallystick.domain.errors import Invalid
from tallystick.flows.hub import Hub
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.orders import coupon_rows
from tallystick.products.orders import rows as orders
from tallystick.store import addresses
from tallystick.store.deliveries import Due
from tallystick.store.feed import Event

SLICE: Final = 200
_OF_ORDERS: Final = "order."
Told = TypeVar("Told", Event, Due)


def with_addresses(tx: Connection, hub: Hub, events: Sequence[Told]) -> list[Told]:
    """The events as they are told: those of orders with the address that the order has now.

    Events are kept without it, so that they need not change when somebody is forgotten.
    """
    about = {one.subject for one in events if one.type.startswith(_OF_ORDERS)}
    if not about:
        return list(events)
    book = Addresses.of(hub.secret)
    emails = {
        name: book.opened(ORDERS, name, kept)
        for name, kept in orders.emails(tx, sorted(about)).items()
    }
    return [
        replace(one, data={**one.data, "email": emails[one.subject]})
        if one.subject in emails
        else one
        for one in events
    ]


async def seal_rest(hub: Hub) -> int:
    """Seal what a migration left without knowing the key, in slices; how much there was.

    Safe to stop and to repeat.
    """
    done = 0
    for place in (ORDERS, REFERRERS):
        while sealed := await hub.database.write(partial(_seal_some, hub, place)):
            done += sealed
    after: str | None = ""
    while after is not None:
        after, found = await hub.database.write(partial(_find_some, hub, after))
        done += found
    customer: tuple[str, str] | None = ("", "")
    while customer is not None:
        customer, named = await hub.database.write(partial(_name_some, hub, customer))
        done += named
    return done


def _seal_some(hub: Hub, place: Place, tx: Connection) -> int:
    book = Addresses.of(hub.secret)
    found = addresses.plain(tx, place.name, SLICE)
    if found:
        rows = [
            (name, book.lookup(place, address), book.seal(place, name, address))
            for name, address in found
        ]
        addresses.seal(tx, place.name, rows)
    return len(found)


def _find_some(hub: Hub, after: str, tx: Connection) -> tuple[str | None, int]:
    book, mint = Addresses.of(hub.secret), Mint.of(hub.secret, hub.settings.gift_card_prefix)
    found = addresses.unfound(tx, after, SLICE)
    names: list[tuple[str, str]] = []
    for card_id, sealed in found:
        try:
            address = mint.unseal(card_id, "email_sealed", sealed)
        except Invalid:
            # Its secret was given up: nobody finds it by its address any more.
            continue
        names.append((card_id, book.lookup(GIFT_CARDS, address)))
    if names:
        addresses.find_by(tx, names)
    return (found[-1][0] if found else None), len(names)


def _name_some(
    hub: Hub, after: tuple[str, str], tx: Connection
) -> tuple[tuple[str, str] | None, int]:
    book = Addresses.of(hub.secret)
    found = coupon_rows.unnamed(tx, after, SLICE)
    for coupon_id, customer in found:
        coupon_rows.rename(tx, coupon_id, book.lookups(CUSTOMERS, customer))
    return (found[-1] if found else None), len(found)
