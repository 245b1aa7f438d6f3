"""The same theatre as the gateways' tests have."""

from tests.gateways.conftest import theatre, wire

__all__ = ["theatre", "wire"]
