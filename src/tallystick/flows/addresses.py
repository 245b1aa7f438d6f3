"""E-mail addresses that a migration could not seal: sealed now, in slices."""

from functools import partial
from typing import Final

from sqlalchemy import Connection, Table

from tallystick.domain.addresses import Addresses, Place
from tallystick.flows.hub import Hub
from tallystick.store import addresses

SLICE: Final = 200


async def seal_rest(hub: Hub) -> int:
    """Seal what a migration left without knowing the key, in slices; how much there was.

    Safe to stop and to repeat.
    """
    sealing = [one.seal_rest for one in hub.extensions.personal]
    return sum([await seal(hub) for seal in sealing if seal is not None])


async def seal_column(hub: Hub, table: Table, place: Place) -> int:
    """The same for the addresses of one table."""
    done = 0
    while sealed := await hub.database.write(partial(_seal_some, hub, table, place)):
        done += sealed
    return done


def _seal_some(hub: Hub, table: Table, place: Place, tx: Connection) -> int:
    book = Addresses.of(hub.secret)
    found = addresses.plain(tx, table, SLICE)
    if found:
        rows = [
            (name, book.lookup(place, address), book.seal(place, name, address))
            for name, address in found
        ]
        addresses.seal(tx, table, rows)
    return len(found)
