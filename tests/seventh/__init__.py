"""A made-up gateway, added as docs/gateways/new.md says, to keep what that page says true."""

from secrets import token_hex
from typing import Final

from tallystick.sandbox.catalogue import SimulatedGateway
from tests.seventh.adapter import Stonebank, StonebankAccount
from tests.seventh.simulator import StonebankKeys, stonebank

# What would stand in `SIMULATED`. It is made up, so there is nothing real to make.
SEVENTH: Final = SimulatedGateway(
    "stonebank",
    draw=lambda: {"api_key": token_hex(16), "webhook_secret": token_hex(32)},
    simulator=lambda keys: stonebank(StonebankKeys(**keys)),
    adapter=lambda keys, hub, wire: Stonebank(
        StonebankAccount(keys["api_key"], (keys["webhook_secret"],), f"{hub}/_sim/stonebank"),
        wire,
    ),
)
