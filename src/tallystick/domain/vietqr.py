"""The text inside a VietQR code: a NAPAS payload that any Vietnamese bank app can pay.

Source: NAPAS "Technical Specifications on NAPAS QR Switching" 1.5.2 (EMV merchant-presented
codes); checked against the package vietnam-qr-pay 1.5.1, 2026-11.
"""

import re
from binascii import crc_hqx
from dataclasses import dataclass
from typing import Final, Self

from tallystick.domain.errors import Invalid

_NAPAS: Final = "A000000727"
_DONG: Final = "704"
TO_ACCOUNT: Final = "QRIBFTTA"
TO_CARD: Final = "QRIBFTTC"
LONGEST_MEMO: Final = 25
_LONGEST: Final = 99
# 62: what goes into the additional data, in this order.
_BILL, _REFERENCE, _TERMINAL, _MEMO = "01", "05", "07", "08"
_DIGITS: Final = re.compile(r"[0-9]{2}")
_AMOUNT: Final = re.compile(r"[1-9][0-9]{0,12}")

# Who stands behind a bank identification number (NAPAS members, 2026-11).
BANKS: Final = {
    "970436": "Vietcombank", "970415": "VietinBank", "970418": "BIDV", "970405": "Agribank",
    "970422": "MB", "970407": "Techcombank", "970416": "ACB", "970432": "VPBank",
    "970423": "TPBank", "970403": "Sacombank", "970437": "HDBank", "970441": "VIB",
    "970443": "SHB", "970426": "MSB", "970448": "OCB", "970431": "Eximbank",
    "970440": "SeABank", "970449": "LPBank", "970452": "KienlongBank", "970428": "Nam A Bank",
    "970412": "PVcomBank", "970429": "SCB", "970425": "ABBANK", "970409": "Bac A Bank",
    "970454": "BVBank", "970427": "VietABank", "970433": "Vietbank", "970419": "NCB",
    "970430": "PGBank", "970400": "Saigonbank", "970438": "BaoViet Bank", "970424": "Shinhan Bank",
    "970406": "Vikki", "970414": "MBV", "970446": "Co-opBank", "422589": "CIMB",
    "546034": "CAKE", "546035": "Ubank", "963388": "Timo", "963369": "Liobank",
    "971025": "MoMo",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VietQR:
    """One transfer that a payer is asked to make. A payer can still edit amount and memo.

    `bank_bin` is the bank's six digits; `account` is an account, card or virtual account, with
    letters in it or not. `amount` is in dong.
    """

    bank_bin: str
    account: str
    amount: int | None = None
    memo: str | None = None
    bill: str | None = None
    reference: str | None = None
    terminal: str | None = None
    service: str = TO_ACCOUNT
    name: str | None = None
    city: str | None = None

    def payload(self, *, longest_memo: int = LONGEST_MEMO) -> str:
        """The text to draw. Some gateways carry a longer memo than the 25 of the specification.

        Raises Invalid where a part has the wrong form.
        """
        self._check(longest_memo)
        amount = None if self.amount is None else str(self.amount)
        whom = _field("00", self.bank_bin) + _field("01", self.account)
        more = (
            _field(_BILL, self.bill)
            + _field(_REFERENCE, self.reference)
            + _field(_TERMINAL, self.terminal)
            + _field(_MEMO, self.memo)
        )
        text = (
            _field("00", "01")
            + _field("01", "11" if amount is None else "12")
            + _field("38", _field("00", _NAPAS) + _field("01", whom) + _field("02", self.service))
            + _field("53", _DONG)
            + _field("54", amount)
            + _field("58", "VN")
            + _field("59", self.name)
            + _field("60", self.city)
            + _field("62", more or None)
            + "6304"
        )
        return text + checksum(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a payload back; memos longer than the specification allows are accepted.

        Raises Invalid where the checksum is wrong or it is not a NAPAS payload.
        """
        if not text.isascii() or text[-8:-4] != "6304" or checksum(text[:-4]) != text[-4:]:
            raise Invalid("The VietQR text is damaged: its checksum does not fit.")
        fields = _fields(text)
        transfer = _fields(fields.get("38", ""))
        whom = _fields(transfer.get("01", ""))
        if (
            transfer.get("00") != _NAPAS
            or fields.get("53") != _DONG
            or not {"00", "01"} <= set(whom)
        ):
            raise Invalid("The text is not a NAPAS transfer in dong.")
        amount, more = fields.get("54"), _fields(fields.get("62", ""))
        if amount is not None and not _AMOUNT.fullmatch(amount):
            raise Invalid("The VietQR text has an amount that is not a whole number of dong.")
        return cls(
            bank_bin=whom["00"],
            account=whom["01"],
            amount=None if amount is None else int(amount),
            memo=more.get(_MEMO),
            bill=more.get(_BILL),
            reference=more.get(_REFERENCE),
            terminal=more.get(_TERMINAL),
            service=transfer.get("02", TO_ACCOUNT),
            name=fields.get("59"),
            city=fields.get("60"),
        )

    def _check(self, longest_memo: int) -> None:
        ok = {
            "bank_bin": re.fullmatch(r"[0-9]{6}", self.bank_bin),
            "account": re.fullmatch(r"[0-9A-Za-z]{1,19}", self.account),
            "amount": self.amount is None or 0 < self.amount < 10**13,
            "service": self.service in {TO_ACCOUNT, TO_CARD},
            "memo": _plain(self.memo, longest_memo),
            "bill": _plain(self.bill, 25),
            "reference": _plain(self.reference, 25),
            "terminal": _plain(self.terminal, 25),
            "name": _plain(self.name, 25),
            "city": _plain(self.city, 15),
        }
        wrong = tuple(
            (name, "has a form that NAPAS does not take") for name, fine in ok.items() if not fine
        )
        if wrong:
            raise Invalid(f"A VietQR cannot be drawn: {wrong[0][0]} {wrong[0][1]}.", wrong)


def checksum(text: str) -> str:
    """CRC-16/CCITT-FALSE of the text, as four upper-case hex digits."""
    return f"{crc_hqx(text.encode('ascii'), 0xFFFF):04X}"


def _plain(text: str | None, longest: int) -> bool:
    return text is None or (text.isascii() and text.isprintable() and 0 < len(text) <= longest)


def _field(tag: str, value: str | None) -> str:
    if value is None:
        return ""
    if len(value) > _LONGEST:
        raise Invalid(f"A VietQR cannot be drawn: field {tag} is longer than {_LONGEST}.")
    return f"{tag}{len(value):02}{value}"


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        tag, length = text[at : at + 2], text[at + 2 : at + 4]
        if not _DIGITS.fullmatch(length) or at + 4 + int(length) > len(text) or tag in found:
            raise Invalid("The VietQR text is damaged: its fields do not add up.")
        found[tag] = text[at + 4 : at + 4 + int(length)]
        at += 4 + int(length)
    return found
