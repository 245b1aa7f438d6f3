"""What the conformance suite asks for beside its simulator."""

from tests.gateways.conftest import wire

__all__ = ["wire"]
