"""The other side of the wire: gateways simulated over real HTTP, for development and tests."""
