"""The other side of the wire: gateways played over real HTTP, for development and tests."""
