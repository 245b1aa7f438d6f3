"""What products add to the flows: plain rows of tables that the core has its own rows of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from tallystick.domain.exchange import Rate
from tallystick.mail import Email
from tallystick.store.audit.base import Check
from tallystick.store.sealed import Sealed

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub

Effect = Callable[["Hub", dict[str, Any]], Awaitable[None]]
"""An outside effect, with the payload of its row. Safe to repeat."""

WriteEmail = Callable[[Connection, "Hub", str], Email | None]
"""Writes the e-mail about this id; None where there is nothing to say any more."""

LookUp = Callable[[Connection, str], str | None]
"""The payment behind the id of something that is sold, or None."""

AgreedRate = Callable[[Connection, str], Rate | None]
"""The rate of exchange that was agreed on with a payment, or None."""


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """One row of the schedule.

    A `quiet` job leaves no trace of scheduled runs that did nothing: the worker's own loops do the
    same as soon as it is due, and this is the net below them.
    """

    every: timedelta
    work: "Callable[[Hub], Awaitable[dict[str, Any]]]"
    quiet: bool = False


Erase = Callable[[Connection, "Hub", str], Mapping[str, int]]
"""Erases what is kept of a person; tells how many rows of which kind."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What a product keeps about people: how it is found, erased and sealed.

    `email_of` and `erase` are asked with a payment; `erase` tells how many rows it emptied of which
    kind. `finish` erases what hangs on the address alone, once nothing of it is unfinished.
    `seal_rest` seals what a migration left in clear; safe to stop and to repeat.
    """

    anybody: Callable[[Connection], bool]
    bought_by: "Callable[[Connection, Hub, str], set[str]]"
    email_of: "Callable[[Connection, Hub, str], str | None]"
    erase: Erase
    finish: Erase | None = None
    seal_rest: "Callable[[Hub], Awaitable[int]] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """The rows of all products together.

    `with_data` completes events as they are told, by the beginning of their type: what is personal
    is not kept with them.
    """

    effects: Mapping[str, Effect]
    jobs: Mapping[str, ScheduledJob]
    emails: Mapping[str, WriteEmail]
    look_ups: Mapping[str, LookUp]
    with_data: "Mapping[str, CompleteData]"
    checks: tuple[Check, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    personal: tuple[PersonalData, ...] = ()
    agreed_rates: tuple[AgreedRate, ...] = ()
    at_start: "tuple[Callable[[Hub], Awaitable[None]], ...]" = ()


CompleteData = Callable[[Connection, "Hub", Sequence[str]], Mapping[str, Mapping[str, Any]]]
"""What the events about these subjects have beside what is kept of them, by subject."""

NO_EXTENSIONS = Extensions(effects={}, jobs={}, emails={}, look_ups={}, with_data={})


def gathered(parts: Sequence[Any]) -> Extensions:
    """The rows of these together; each part has what `Extensions` has, by the same names.

    Raises ValueError where two parts have a row of one name.
    """
    found: dict[str, Any] = {}
    for field in fields(Extensions):
        rows = [getattr(part, field.name) for part in parts]
        if all(isinstance(one, tuple) for one in rows):
            found[field.name] = tuple(row for one in rows for row in one)
            continue
        merged: dict[str, Any] = {}
        found[field.name] = merged
        for one in rows:
            twice = merged.keys() & one.keys()
            if twice:
                raise ValueError(f"Two products have {field.name} called {', '.join(twice)}.")
            merged |= one
    return Extensions(**found)
