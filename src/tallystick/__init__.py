"""Tallystick: a self-hosted payments hub that always knows whether it has been paid."""

__version__ = "0.1.0"
