"""Amounts and times as the payer's language writes them."""

import re
import unicodedata
from copy import copy
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from tallystick.domain.amount_limits import Limits, span
from tallystick.domain.money import Money, exponent
from tallystick.web.pages.language import CUSTOMS, Language

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

# Where a currency is at home in one time zone, its payers are too. Neither has summer time, so
# fixed offsets need no zone database.
_HOMES: Final[dict[str, tzinfo]] = {
    "VND": timezone(timedelta(hours=7)),
    "LKR": timezone(timedelta(hours=5, minutes=30)),
}
# CLDR wants a space between a symbol made of letters and the digits; Babel leaves it out.
_TIGHT: Final = re.compile(r"^(\D*(?:[^\W\d_]|\.))(?=\d)")
# Direction marks, embeddings, overrides and isolates: they can make one text look like another.
# The joiners U+200C and U+200D stay, Sinhala is written with them.
_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def money(amount: Money, language: Language) -> str:
    """An amount with its currency's sign and its own decimals: "50.000 ₫", "Rs. 1,500.00"."""
    locale = CUSTOMS[language].money
    pattern = _pattern(locale, exponent(amount.currency))
    text: str = pattern.apply(
        Decimal(amount.major()), locale, currency=amount.currency, currency_digits=False
    )
    return _TIGHT.sub("\\1\N{NO-BREAK SPACE}", text)


def limits(limits_: Limits, currency: str, language: Language) -> tuple[str, str]:
    """The least and the greatest amount of something, as the reader's language writes them."""
    least, greatest = span(limits_, currency)
    return money(least, language), money(greatest, language)


@cache
def _pattern(locale: str, decimals: int) -> "NumberPattern":
    """The locale's pattern for money, with our number of decimals.

    CLDR rounds some currencies to whole units in which ISO 4217 counts cents (LAK, RSD, IQD…).
    """
    from babel import Locale

    pattern: NumberPattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def moment(time: datetime, language: Language, zone: tzinfo) -> str:
    """A time to the minute, with the zone it is told in: "20 Nov 2026, 14:05 (GMT+7)"."""
    from babel.dates import format_skeleton

    local, locale = time.astimezone(zone), CUSTOMS[language].dates
    day = format_skeleton("yMMMd", local, locale=locale)
    clock = format_skeleton("Hm", local, locale=locale)
    return f"{day}, {clock} ({zone_label(local)})"


def zone_label(local: datetime) -> str:
    """The offset of a time in words that every language shares: "GMT+5:30", "UTC"."""
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def home_zone(currency: str) -> tzinfo:
    """The time zone that payers of a currency most likely live in; UTC where there are many."""
    return _HOMES.get(currency, UTC)


def plain(text: str) -> str:
    """Somebody else's text in one line, without control characters and direction tricks."""
    visible = _BIDI.sub("", text)
    spaced = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in visible)
    return " ".join(spaced.split(" ")).strip()
