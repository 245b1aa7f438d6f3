"""Polar: card payments in many currencies on Polar's own page, with Polar as merchant of record."""

from tallystick.gateways.polar.gateway import Polar, PolarAccount

__all__ = ["Polar", "PolarAccount"]
