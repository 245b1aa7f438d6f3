"""What the page of a wallet says, and how an amount is read that a person typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tallystick.domain.errors import AmountInvalid
from tallystick.domain.money import Money, exponent
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language
from tallystick.web.pages.view import GatewayChoice

WALLET: Final = "/wallet/topup"
_GROUPED: Final = re.compile(r"[0-9]{1,3}([.,][0-9]{3})+")
_EXAMPLES: Final[Mapping[str, int]] = {"VND": 50_000, "LKR": 150_000}


@dataclass(frozen=True, slots=True)
class WalletView:
    """Everything that the template of the wallet page needs; without an owner it is closed.

    `typed` is what could not be read as an amount, to be mended.
    """

    owner: str | None = None
    balances: tuple[str, ...] = ()
    currency: str = "VND"
    currencies: tuple[str, ...] = ()
    example: str = ""
    choices: tuple[GatewayChoice, ...] = ()
    typed: str | None = None
    test_mode: bool = False


def wallet_view(
    owner: str, held: Mapping[str, int], currency: str, language: Language
) -> WalletView:
    """The page of an open wallet, in one currency."""
    shown = {currency: 0, **held}
    return WalletView(
        owner=figures.plain(owner),
        balances=tuple(figures.money(Money(shown[one], one), language) for one in sorted(shown)),
        currency=currency,
        example=Money(_EXAMPLES.get(currency, 20 * 10 ** exponent(currency)), currency).major(),
    )


def with_choices(
    view: WalletView,
    currencies: Sequence[str],
    choices: Sequence[GatewayChoice],
    *,
    typed: str | None,
    test_mode: bool,
) -> WalletView:
    """The same page, with what can be chosen on it."""
    return replace(view, currencies=tuple(currencies), choices=tuple(choices), typed=typed,
                   test_mode=test_mode)  # fmt: skip


def typed_amount(text: str, currency: str) -> Money:
    """An amount of major units as a person types it: "50000", "50.000", "1,500.00", "19,99".

    A last separator with as many digits behind it as the currency has decimals is the point; all
    others group by thousands. Raises AmountInvalid.
    """
    digits = exponent(currency)
    plain = re.sub(r"[\s\u00a0\u202f']", "", text)[:40]
    whole, point, fraction = plain, "", ""
    found = re.fullmatch(rf"(.*)[.,]([0-9]{{1,{digits}}})", plain) if digits else None
    if found is not None:
        whole, point, fraction = found[1], ".", found[2]
    if _GROUPED.fullmatch(whole):
        whole = re.sub(r"[.,]", "", whole)
    amount = Money.parse(whole + point + fraction, currency)
    if amount.minor <= 0:
        raise AmountInvalid("An amount is more than nothing.")
    return amount
