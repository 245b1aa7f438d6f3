"""The same stand-in for the hub as the gateways' tests have."""

from tests.gateways.conftest import hub, wire

__all__ = ["hub", "wire"]
