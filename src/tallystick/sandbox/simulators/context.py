"""What a simulated gateway may use of the stage that it plays on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tallystick.sandbox.simulators.base import Message, Simulator
from tallystick.sandbox.simulators.books import Books
from tallystick.sandbox.simulators.clock import VirtualClock
from tallystick.sandbox.simulators.faults import Faults


@dataclass(frozen=True, slots=True)
class SimulatorContext:
    """`base_url` is this gateway's own address; `knock` posts one message and tells the status.

    `call` tells the body of the answer too. `hub_url` is where the hub itself is served.
    """

    books: Books
    clock: VirtualClock
    faults: Faults
    base_url: str
    knock: Callable[[str, Message], Awaitable[int]]
    call: Callable[[str, Message], Awaitable[tuple[int, bytes]]]
    hub_url: str


@dataclass(frozen=True, slots=True)
class SimulatorFactory:
    """One simulator to be played: its name and how it is made."""

    name: str
    play: Callable[[SimulatorContext], Simulator]
