"""Addresses that open a payer's own bank app with a VietQR transfer filled in.

Source: vietqr.io, "Deeplink app ngân hàng" and its changelog up to 2.18 (2026-07-31). Only apps
that fill in account, amount and memo are here: one that merely opens leaves the payer to type.
"""

from typing import Final
from urllib.parse import quote, urlencode

from tallystick.domain.vietqr import TO_ACCOUNT, VietQR

_DOOR: Final = "https://dl.vietqr.io/pay"

# The payer's app, by the name that the door knows it by; the largest bank first.
APPS: Final = {
    "bidv": "BIDV", "icb": "VietinBank", "mb": "MB", "acb": "ACB", "ocb": "OCB",
}  # fmt: skip

# How the door calls the bank that receives; it does not take the six digits.
_RECEIVERS: Final = {
    "970436": "vcb", "970415": "icb", "970418": "bidv", "970405": "vba", "970422": "mb",
    "970407": "tcb", "970416": "acb", "970432": "vpb", "970423": "tpb", "970403": "stb",
    "970437": "hdb", "970441": "vib", "970443": "shb", "970448": "ocb", "970431": "eib",
    "970440": "seab", "971025": "momo",
}  # fmt: skip


def bank_links(code: VietQR, name: str | None, back: str) -> tuple[tuple[str, str], ...]:
    """The banks' names and addresses; none where the transfer cannot be filled in whole.

    `name` is whose account it is, `back` the address that the app returns to.
    """
    receiver = _RECEIVERS.get(code.bank_bin)
    if receiver is None or code.service != TO_ACCOUNT or not (code.amount and code.memo):
        return ()
    wish = {"ba": f"{code.account}@{receiver}", "am": code.amount, "tn": code.memo}
    if name:
        wish["bn"] = name
    query = urlencode({**wish, "url": back}, safe="@", quote_via=quote)
    return tuple((title, f"{_DOOR}?app={app}&{query}") for app, title in APPS.items())
