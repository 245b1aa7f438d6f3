"""Every gateway of the catalogue, as its own adapter declares it, and what a payer pays there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tallystick.gateways.base import Capabilities
from tallystick.gateways.wire import HttpWire
from tallystick.sandbox.catalogue import SIMULATED, SimulatedGateway

PREFERRED = ("VND", "LKR", "USD")


@dataclass(frozen=True, slots=True)
class GatewayUnderTest:
    """One gateway to pay at. `wish` is what a payment or link there asks for."""

    name: str
    capabilities: Capabilities

    @property
    def wish(self) -> dict[str, Any]:
        """50 000 minor units in a currency that it takes."""
        takes = self.capabilities.currencies or {"VND"}
        currency = next(one for one in PREFERRED if one in takes)
        return {"amount": 50_000, "currency": currency, "gateway": self.name}


def under_test(gateway: SimulatedGateway) -> GatewayUnderTest:
    """What the adapter says of itself; nobody is asked for it."""
    adapter = gateway.adapter(gateway.draw(), "http://127.0.0.1:9", HttpWire())
    return GatewayUnderTest(adapter.name, adapter.capabilities)


EVERY_GATEWAY = tuple(map(under_test, SIMULATED))
TOLD = tuple(gateway for gateway in EVERY_GATEWAY if gateway.capabilities.webhooks)
ASKED = tuple(gateway for gateway in EVERY_GATEWAY if gateway.capabilities.asks)
