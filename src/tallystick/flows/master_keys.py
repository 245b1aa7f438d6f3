"""The master secrets: taken up at the start, and all that is sealed with an old one sealed anew."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Invalid, NotConfigured
from tallystick.domain.sealing import KEPT, Masters, derived, seal, unseal
from tallystick.flows.hub import Hub
from tallystick.store import master_keys, sealed
from tallystick.store.columns import AnyRow
from tallystick.store.database import Database
from tallystick.store.sealed import Sealed

SLICE: Final = 100
_PLACE: Final = "kept_keys.sealed"
_HOW: Final = "Write the old secret after the new one, with a comma between them"


def columns_of(hub: Hub) -> tuple[Sealed, ...]:
    """Every column that is sealed: the core's, and those of the products."""
    return (*sealed.SEALED, *hub.extensions.sealed)


async def take_up(
    database: Database, masters: Masters, columns: Sequence[Sealed], now: datetime
) -> Masters:
    """The secrets with the keys that are kept; the newest is noted as in use.

    Raises NotConfigured where something is sealed with a secret that is not configured.
    """
    return await database.write(lambda tx: _take_up(tx, masters, columns, now))


def with_kept(tx: Connection, masters: Masters) -> Masters:
    """The secrets with the keys that are kept, as far as there are some. Raises Invalid."""
    keys = derived(masters, "kept")
    found = {
        purpose: unseal(keys, f"{_PLACE}/{purpose}", value)
        for purpose, value in master_keys.kept(tx).items()
    }
    return replace(masters, kept=found)


def missing(tx: Connection, masters: Masters, columns: Sequence[Sealed]) -> str | None:
    """One sentence where something is sealed with a secret that is not configured, or None."""
    in_use = master_keys.in_use(tx)
    lost = [one for one in in_use if one not in masters.ids]
    if lost:
        return (
            f"TALLYSTICK_SECRET_KEY lacks the secret {', '.join(lost)}, which rows are sealed "
            f"with. {_HOW}, and run `tallystick keys rotate-master` before you drop it."
        )
    for of, row in sealed.samples(tx, columns) if not in_use else ():
        try:
            _opened(masters, of, row)
        except Invalid:
            return (
                f"TALLYSTICK_SECRET_KEY is not the one that {of.name} is sealed with. {_HOW}, or "
                "set it back."
            )
    return None


@dataclass(slots=True)
class Rotation:
    """How many values of each column were sealed anew, and how many nothing opens any more."""

    done: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


async def rotate(hub: Hub, *, give_up: bool = False) -> Rotation:
    """Seal everything with the newest secret, in slices.

    Safe to stop and to repeat, beside a working server. Afterwards the other secrets may be
    dropped. Raises NotConfigured where a value cannot be opened with any of them; to `give_up`
    leaves it as it is.
    """
    told = Rotation()
    while True:
        before, told.lost = told.done.total(), Counter()
        for of in columns_of(hub):
            await _reseal(hub, of, told, give_up=give_up)
        # What was written meanwhile by a server that still has the old secret in front.
        if told.done.total() == before:
            break
    newest = hub.secret.ids[0]
    await hub.database.write(lambda tx: _finish(tx, newest, hub.now()))
    return told


def _finish(tx: Connection, newest: str, now: datetime) -> None:
    master_keys.use(tx, newest, now)
    master_keys.retire_all_but(tx, newest)


def _take_up(tx: Connection, masters: Masters, columns: Sequence[Sealed], now: datetime) -> Masters:
    lacking = missing(tx, masters, columns)
    if lacking is not None:
        raise NotConfigured(lacking)
    # At first nobody knows which of them sealed what there is.
    for one in masters.ids[:1] if master_keys.in_use(tx) else masters.ids:
        master_keys.use(tx, one, now)
    known, keys, oldest = master_keys.kept(tx), derived(masters, "kept"), masters.secrets[-1]
    for purpose in KEPT:
        if purpose not in known:
            value = seal(keys, f"{_PLACE}/{purpose}", derived(oldest, purpose))
            master_keys.keep(tx, purpose, value, now)
    return with_kept(tx, masters)


async def _reseal(hub: Hub, of: Sealed, told: Rotation, *, give_up: bool) -> None:
    header, after = derived(hub.secret, of.purpose).header, tuple[str, ...]()
    while True:
        rows = await hub.database.read(partial(_next, of, header, after))
        if not rows:
            return
        after = of.names(rows[-1])
        done, lost = await hub.database.write(partial(_replace, hub, of, rows, give_up))
        told.done[of.name] += done
        told.lost[of.name] += lost


def _next(of: Sealed, header: bytes, after: tuple[str, ...], tx: Connection) -> list[AnyRow]:
    return sealed.other(tx, of, header, after, SLICE)


def _replace(
    hub: Hub, of: Sealed, rows: list[AnyRow], give_up: bool, tx: Connection
) -> tuple[int, int]:
    done = lost = 0
    for row in rows:
        try:
            plain = _opened(hub.secret, of, row)
        except Invalid:
            if not give_up:
                named = f"{of.name} ({'/'.join(of.names(row))})"
                raise NotConfigured(
                    f"A value of {named} was sealed with a secret that TALLYSTICK_SECRET_KEY "
                    f"lacks. {_HOW}, and repeat this."
                ) from None
            if of.name != _PLACE:
                lost += 1
                continue
            plain = derived(hub.secret.secrets[0], row[0])
        value = seal(derived(hub.secret, of.purpose), of.place_of(row), plain)
        beside = {} if of.beside is None else of.beside(hub.secret, plain.decode())
        done += sealed.replace(tx, of, row, value, beside)
        if of.also is not None:
            of.also(tx, hub.secret, row[0], plain.decode())
    return done, lost


def _opened(masters: Masters, of: Sealed, row: AnyRow) -> bytes:
    return unseal(derived(masters, of.purpose), of.place_of(row), row[-1])
