"""One file per gateway: nothing outside this package knows a gateway's words."""

from typing import Final

NAMES: Final = (
    "govpay", "onepay", "onepay_vpc", "payos", "polar", "sandbox", "sepay", "sepay_pg",
)  # fmt: skip
"""What payments may name as their gateway, also where it is not set up here any more."""
