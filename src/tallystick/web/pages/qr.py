"""QR codes, drawn here as SVG so that no other server learns who pays."""

import re
from typing import Final

from markupsafe import Markup

from tallystick.domain.errors import Refused
from tallystick.domain.money import Money

_LONGEST: Final = 1200
_QUIET_ZONE: Final = 4
# EMV QRCPS, merchant-presented mode: two digits of tag, two of length, then the value.
_FIELD: Final = re.compile(r"(\d\d)(\d\d)")
_EMV_START: Final = "000201"
_EMV_AMOUNT: Final = "54"


def draw(payload: str) -> Markup | None:
    """The payload as an SVG element, dark on white in every theme; None where it fits in no code.

    The quiet zone of four modules is part of the picture (ISO/IEC 18004, section 6.3.8). There is
    nothing of the payload's text in the markup, only its modules.
    """
    if not payload or len(payload) > _LONGEST:
        return None
    import segno

    try:
        code = segno.make_qr(payload, error="m", boost_error=False)
    except ValueError:
        return None
    svg = code.svg_inline(
        border=_QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - made of numbers by segno, of nothing that came from outside


def asked_amount(payload: str, currency: str) -> Money | None:
    """The amount that an EMV payment code asks for; None where it names none that we can read."""
    text = emv_fields(payload).get(_EMV_AMOUNT)
    if text is None:
        return None
    try:
        return Money.parse(text, currency)
    except Refused:
        return None


def lets_payer_choose(payload: str) -> bool:
    """Whether it is a payment code without an amount, where the payer types it."""
    fields = emv_fields(payload)
    return bool(fields) and _EMV_AMOUNT not in fields


def emv_fields(payload: str) -> dict[str, str]:
    """The outer fields of an EMV payment code by tag; empty for anything else."""
    fields: dict[str, str] = {}
    at = 0
    if not payload.startswith(_EMV_START):
        return fields
    while match := _FIELD.match(payload, at):
        end = match.end() + int(match[2])
        fields[match[1]] = payload[match.end() : end]
        at = end
    return fields if at == len(payload) else {}
