"""An amount as a person types it, read in one way wherever somebody types one."""

import re
from typing import Final

from tallystick.domain.errors import AmountInvalid
from tallystick.domain.money import Money, exponent

_LONGEST: Final = 40
_SPACES: Final = re.compile(r"[\s\u00a0\u202f']")
_PLAIN: Final = re.compile(r"[0-9]+")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+")


def typed_amount(text: str, currency: str) -> Money:
    """An amount of major units as a person types it: "50000", "50.000", "1,500.00", "19,99".

    A last separator with as many digits behind it as the currency has decimals, or fewer, is the
    point; all others group by thousands, and are all the same. Whatever can be read in two ways is
    refused. Raises AmountInvalid, CurrencyUnknown.
    """
    digits = exponent(currency)
    whole, fraction = _SPACES.sub("", text)[:_LONGEST], ""
    found = re.fullmatch(rf"(.*)([.,])([0-9]{{1,{digits}}})", whole) if digits else None
    if found is not None and found[2] not in found[1]:
        whole, fraction = found[1], found[3]
    if _GROUPED.fullmatch(whole):
        whole = re.sub(r"[.,]", "", whole)
    if not _PLAIN.fullmatch(whole):
        example = Money(50_000 if not digits else 150_000, currency)
        raise AmountInvalid(
            f"{text[:_LONGEST]!r} is not an amount of {currency} that can be read in one way only; "
            f"write it like {example.major()}."
        )
    amount = Money.parse(f"{whole}.{fraction}" if fraction else whole, currency)
    if amount.minor <= 0:
        raise AmountInvalid("An amount is more than nothing.")
    return amount
