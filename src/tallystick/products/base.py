"""What a product is: one frozen value that says everything about a thing we sell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from tallystick.domain.sealing import Masters
from tallystick.flows.extensions import (
    AgreedRate,
    CompleteData,
    Effect,
    LookUp,
    PersonalData,
    ScheduledJob,
    WriteEmail,
)
from tallystick.flows.fulfilment import Fulfilment
from tallystick.flows.hub import Hub
from tallystick.settings import Settings
from tallystick.store.audit.base import Check
from tallystick.store.sealed import Sealed
from tallystick.web.parts import Watch
from tallystick.web.schema_parts import Schema

MakeFulfilment = Callable[[Masters, Settings], Fulfilment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A thing that is sold, as plain data: all that the server does for it starts here.

    `name` is its folder. `fulfilment` makes what delivers it and takes it back, under the purpose
    that its payments carry; None for what is not paid for by itself. Its tables are known once the
    product is imported. Every other field is empty where there is nothing to say:

    - `routers` and `watches` are its routes, pages and streams, in the order of the description;
      `schemas` the shapes of their answers, `events` the shape of the data of each of its events;
      `public_pages` the beginnings of addresses that payers come to from elsewhere.
    - `effects`, `jobs` and `emails` are what happens outside of requests, by name.
    - `look_ups` find the payment behind an id, by the id's prefix.
    - `checks` are its invariants, each with a code of its own.
    - `sealed` and `personal` say what it keeps under lock, and of whom.
    - `with_data` completes its events as they are told; `agreed_rates` know at which rate of
      exchange something was sold; `at_start` runs before a worker begins.
    """

    name: str
    fulfilment: MakeFulfilment | None = None
    routers: tuple[APIRouter, ...] = ()
    watches: tuple[Watch, ...] = ()
    public_pages: tuple[str, ...] = ()
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)
    jobs: Mapping[str, ScheduledJob] = field(default_factory=dict)
    emails: Mapping[str, WriteEmail] = field(default_factory=dict)
    look_ups: Mapping[str, LookUp] = field(default_factory=dict)
    with_data: Mapping[str, CompleteData] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    personal: tuple[PersonalData, ...] = ()
    agreed_rates: tuple[AgreedRate, ...] = ()
    at_start: tuple[Callable[[Hub], Any], ...] = ()
