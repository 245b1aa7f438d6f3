"""Simulated gateways on a clock that moves: never part of a process that takes money."""
