"""What a simulated gateway may use of its surroundings, and how one is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tallystick.sandbox.simulators.base import Message, Simulator
from tallystick.sandbox.simulators.books import Books
from tallystick.sandbox.simulators.clock import VirtualClock
from tallystick.sandbox.simulators.faults import Faults


@dataclass(frozen=True, slots=True)
class SimulatorContext:
    """`base_url` is this gateway's own address; `post` posts one message and tells the status.

    `call` tells the body of the answer too. `hub_url` is where the hub itself is served.
    """

    books: Books
    clock: VirtualClock
    faults: Faults
    base_url: str
    post: Callable[[str, Message], Awaitable[int]]
    call: Callable[[str, Message], Awaitable[tuple[int, bytes]]]
    hub_url: str


@dataclass(frozen=True, slots=True)
class SimulatorFactory:
    """One simulator that is to be made: its name, and how."""

    name: str
    make: Callable[[SimulatorContext], Simulator]
