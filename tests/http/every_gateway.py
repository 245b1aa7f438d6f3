"""Every gateway of the catalogue, as its own adapter declares it, and what a payer pays there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tallystick.gateways.base import Capabilities
from tallystick.gateways.wire import HttpWire
from tallystick.sandbox.catalogue import SIMULATED, SimulatedGateway

PREFERRED = ("VND", "LKR", "USD")


@dataclass(frozen=True, slots=True)
class Till:
    """One gateway to pay at. `wish` is what a payment or link there asks for."""

    name: str
    capabilities: Capabilities

    @property
    def wish(self) -> dict[str, Any]:
        """50 000 minor units in a currency that it takes."""
        takes = self.capabilities.currencies or {"VND"}
        currency = next(one for one in PREFERRED if one in takes)
        return {"amount": 50_000, "currency": currency, "gateway": self.name}


def till_of(gateway: SimulatedGateway) -> Till:
    """What the adapter says of itself; nobody is asked for it."""
    adapter = gateway.adapter(gateway.draw(), "http://127.0.0.1:9", HttpWire())
    return Till(adapter.name, adapter.capabilities)


TILLS = tuple(map(till_of, SIMULATED))
TOLD = tuple(till for till in TILLS if till.capabilities.webhooks)
ASKED = tuple(till for till in TILLS if till.capabilities.asks)
