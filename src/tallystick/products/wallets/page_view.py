"""What the page of a wallet says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tallystick.domain.money import Money, exponent
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language
from tallystick.web.pages.view import GatewayChoice

WALLET: Final = "/wallet/topup"
_EXAMPLES: Final[Mapping[str, int]] = {"VND": 50_000, "LKR": 150_000}


@dataclass(frozen=True, slots=True)
class WalletView:
    """Everything that the template of the wallet page needs; without an owner it is closed.

    `typed` is what was no amount, or one beyond `limits`, to be mended.
    """

    owner: str | None = None
    balances: tuple[str, ...] = ()
    currency: str = "VND"
    currencies: tuple[str, ...] = ()
    example: str = ""
    choices: tuple[GatewayChoice, ...] = ()
    typed: str | None = None
    limits: tuple[str, str] | None = None
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
    limits: tuple[str, str] | None,
    test_mode: bool,
) -> WalletView:
    """The same page, with what can be chosen on it."""
    return replace(view, currencies=tuple(currencies), choices=tuple(choices), typed=typed,
                   limits=limits, test_mode=test_mode)  # fmt: skip
