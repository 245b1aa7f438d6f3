"""The pages of gift cards: the form, and the wait that ends with the code."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language, words
from tallystick.web.pages.render import REFRESH_S, render
from tallystick.web.pages.scene import Scene, Tone
from tallystick.web.pages.view import Fact, GatewayChoice, PayView, Site, Visit, pay_view, titled

SHOP: Final = "/gift-cards"
_TEMPLATES: Final = Path(__file__).parent / "templates"

_PAID: Final = {Scene.PAID, Scene.PAID_LATE, Scene.PAID_OVER}
_OWN_ADVICE: Final = {Scene.EXPIRED, Scene.CANCELED}


@dataclass(frozen=True, slots=True)
class Bought:
    """What the buyer's own browser may see of a card. `code` is there once it is paid."""

    card_id: str
    code: str | None
    email: str


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody has typed, and what is wrong with it: a field's name, or a notice.

    `limits` are the least and the greatest amount, for one beyond them. `offered` are the only
    amounts that there are, none where any can be typed.
    """

    email: str = ""
    amount: str = ""
    currency: str = "VND"
    wrong: str | None = None
    limits: tuple[str, str] | None = None
    offered: tuple[Money, ...] = ()
    notice: str | None = None


def render_gift_form(
    language: Language, form: Form, choices: Sequence[GatewayChoice], *, site: Site,
    currencies: Sequence[str], test_mode: bool = False,
) -> str:  # fmt: skip
    """The form. It works without any script; nothing starts at a gateway before it is sent."""
    offers = [
        (f"{one.major()} {one.currency}", figures.money(one, language)) for one in form.offered
    ]
    if not choices:
        form = replace(form, notice=words(language)("gift.none"))
    example = Money(50_000, "VND") if form.currency == "VND" else Money(1999, "USD")
    return render(
        "gift_form.html", language, site, own=_TEMPLATES, form=form, offers=offers,
        choices=titled(choices, language), currencies=currencies,
        example=example.major(), shop=site.root + SHOP, test_mode=test_mode,
    )  # fmt: skip


def render_gift_page(
    snapshot: Snapshot, bought: Bought, visit: Visit, *, gateways: Sequence[GatewayChoice],
    site: Site,
) -> str:  # fmt: skip
    """The page of one card for its buyer: pay, wait, and the code when it is paid."""
    here = f"{site.root}{SHOP}/{quote(bought.card_id, safe='')}"
    order = "" if snapshot.attempt is None else snapshot.attempt.our_ref
    view = _told(pay_view(snapshot, order, visit, gateways), snapshot, bought, visit)
    return render(
        "gift.html",
        visit.language,
        site,
        own=_TEMPLATES,
        view=view,
        code=bought.code and Fact("gift_code", bought.code, bought.code),
        csrf=None,
        now=visit.now.astimezone(UTC).isoformat(timespec="milliseconds"),
        home=here,
        here=here,
        shop=site.root + SHOP,
        status_url=f"{site.root}/api/payments/{quote(snapshot.id, safe='')}/status",
        refresh_s=REFRESH_S,
    )


def _told(view: PayView, snapshot: Snapshot, bought: Bought, visit: Visit) -> PayView:
    """The pay page's view in the words of a gift card. It has no other gateway to choose."""
    tell = words(visit.language)
    view = replace(view, choices=(), back=None)
    if snapshot.phase is Phase.PAID and bought.code is None:
        title, advice = tell("gift.revoked.title"), tell("gift.revoked.advice")
        return replace(view, tone=Tone.OVER, title=title, advice=advice)
    if view.scene in _PAID:
        sent = tell("gift.ready.advice", email=figures.plain(bought.email))
        advice = sent if view.scene is not Scene.PAID_OVER else f"{view.advice} {sent}"
        return replace(view, title=tell("gift.ready.title"), advice=advice)
    if view.scene in _OWN_ADVICE:
        return replace(view, advice=tell(f"gift.{view.scene}.advice"))
    return view
