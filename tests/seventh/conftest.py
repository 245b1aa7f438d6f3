"""What the conformance suite asks for beside its stage."""

from tests.gateways.conftest import wire

__all__ = ["wire"]
