"""The pages of a wallet: the form, and a top-up that was started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tallystick.domain.money import Money, exponent
from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language
from tallystick.web.pages.render import Place, render, render_payment
from tallystick.web.pages.view import GatewayChoice, Site, Visit, pay_view, titled

WALLET: Final = "/wallet/topup"
_TEMPLATES: Final = Path(__file__).parent / "templates"
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


def render_topup(
    snapshot: Snapshot, tx_ref: str, visit: Visit, *, gateway: GatewayChoice, site: Site
) -> str:
    """The page of a top-up that was started: where to pay it, and what came of it."""
    address = f"{site.base_url.rstrip('/')}{WALLET}/{tx_ref}"
    view = pay_view(snapshot, tx_ref, visit, [gateway], address)
    place = Place(
        home=f"{WALLET}/{tx_ref}",
        here=f"{WALLET}/{tx_ref}",
        status=f"/api/topup/status?tx_ref={tx_ref}",
    )
    # The merchant's page where it named one; else the wallet, where the owner came from.
    merchants = view.back is not None and place.home not in view.back[0]
    back = view.back if merchants else (site.root + WALLET, "wallet")
    return render_payment(replace(view, choices=(), back=back), visit, place, site)


def render_wallet(view: WalletView, language: Language, *, site: Site) -> str:
    """The page where the owner of a wallet says how much to put into it."""
    view = replace(view, choices=titled(view.choices, language))
    return render("wallet.html", language, site, own=_TEMPLATES, view=view, home=site.root + WALLET)
