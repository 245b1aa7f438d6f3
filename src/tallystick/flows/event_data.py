"""Events as they are told: completed with what is personal, which is not kept with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from tallystick.flows.hub import Hub
from tallystick.store.deliveries import Due
from tallystick.store.feed import Event

Told = TypeVar("Told", Event, Due)


def with_data(tx: Connection, hub: Hub, events: Sequence[Told]) -> list[Told]:
    """The same events with what their products know of the people in them now.

    Events are kept without it, so that they need not change when somebody is forgotten.
    """
    told = list(events)
    for begins, complete in hub.extensions.with_data.items():
        about = {one.subject for one in told if one.type.startswith(begins)}
        beside = complete(tx, hub, sorted(about)) if about else {}
        told = [
            replace(one, data={**one.data, **beside[one.subject]})
            if one.subject in beside and one.type.startswith(begins)
            else one
            for one in told
        ]
    return told
