"""Pace: what a gateway's account is asked is paid from the one budget that all processes share."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.budget import Budget
from tallystick.flows.hub import Hub
from tallystick.gateways.base import Gateway
from tallystick.store import budgets

PATIENCE_S: Final = 3.0


def budget_of(
    look: Callable[[Connection, str, str, float], Budget], tx: Connection, gateway: Gateway
) -> Budget:
    """The account's budget, as `budgets.find` or `budgets.lock` looks at it."""
    return look(tx, gateway.name, gateway.account, gateway.capabilities.calls_per_s)


def turn(tx: Connection, hub: Hub, gateway: Gateway, costs: int = 1) -> float:
    """Book a question that somebody waits for; how many seconds it has to wait for its turn.

    A gateway that is asked faster than it allows refuses everybody, so nobody goes before.
    """
    booked, wait_s = budget_of(budgets.lock, tx, gateway).book(hub.now(), costs)
    budgets.keep(tx, gateway.name, gateway.account, booked)
    return wait_s


def turn_soon(tx: Connection, hub: Hub, gateway: Gateway, costs: int) -> float | None:
    """The same for whoever will not wait long; None where too many are before."""
    booked, wait_s = budget_of(budgets.lock, tx, gateway).book(hub.now(), costs)
    if wait_s > PATIENCE_S:
        return None
    budgets.keep(tx, gateway.name, gateway.account, booked)
    return wait_s
