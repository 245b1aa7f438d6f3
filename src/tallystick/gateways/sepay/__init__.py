"""SePay: watches a Vietnamese bank account and tells of every transfer."""

from tallystick.gateways.sepay.gateway import SePay, SePayAccount, notice_signature

__all__ = ["SePay", "SePayAccount", "notice_signature"]
