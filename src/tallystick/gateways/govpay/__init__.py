"""GovPay+ of LankaPay: the payer types our reference into a bank app, and GovPay+ calls us."""

from tallystick.gateways.govpay.gateway import GovPay, GovPayAccount

__all__ = ["GovPay", "GovPayAccount"]
