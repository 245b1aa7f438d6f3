"""The pages as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tallystick.domain.errors import NotFound
from tallystick.domain.snapshot import Snapshot
from tallystick.gateways.base import CheckoutForm
from tallystick.web.pages import figures
from tallystick.web.pages.assets import asset_path
from tallystick.web.pages.language import CUSTOMS, QUERY, Language, words
from tallystick.web.pages.scene import page_path, true_page
from tallystick.web.pages.view import GatewayChoice, PayView, Site, Visit, pay_view, titled

if TYPE_CHECKING:
    from jinja2 import Environment

REFRESH_S: Final = 15
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a payment's page is: its own address, the one to look again at, and its status."""

    home: str
    here: str
    status: str


@cache
def _environment(own: Path | None) -> "Environment":
    """The templates here, and before them those of a product's own folder."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([_TEMPLATES] if own is None else [own, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def render_pay_page(
    snapshot: Snapshot, visit: Visit, *, gateways: Sequence[GatewayChoice], site: Site
) -> str:
    """The page of a payment link, whichever of its addresses was asked for: always the true state.

    Raises NotFound for a payment that is not a link's. The snapshot's identities (owner, reference,
    metadata, transaction) are never shown.
    """
    if snapshot.link is None:
        raise NotFound("This payment has no page; only payment links have one.")
    code = quote(snapshot.link.short_code, safe="")
    address = f"{site.base_url.rstrip('/')}/pay/{code}"
    view = pay_view(snapshot, snapshot.link.short_code, visit, gateways, address)
    place = Place(
        home=f"/pay/{code}",
        here=page_path(code, true_page(snapshot)),
        status=f"/api/payment-links/{quote(snapshot.link.id, safe='')}/status",
    )
    return render_payment(view, visit, place, site)


def render_payment(view: PayView, visit: Visit, place: Place, site: Site) -> str:
    """The page of a payment, wherever it stands."""
    return render(
        "pay.html",
        visit.language,
        site,
        view=view,
        csrf=visit.csrf,
        now=visit.now.astimezone(UTC).isoformat(timespec="milliseconds"),
        home=site.root + place.home,
        here=site.root + place.here,
        status_url=site.root + place.status,
        refresh_s=REFRESH_S,
    )


def render_form_page(
    snapshot: Snapshot,
    language: Language,
    *,
    form: CheckoutForm,
    gateway: GatewayChoice,
    site: Site,
) -> str:
    """The page that sends the payer's browser on with a form; it works without any script.

    The fields stand in the order in which they were signed.
    """
    [shown] = titled([gateway], language)
    return render(
        "form.html",
        language,
        site,
        form=form,
        gateway=shown.title,
        amount=figures.money(snapshot.due, language),
        description=figures.plain(snapshot.description),
        test_mode=snapshot.test_mode,
    )


def render_front(language: Language, *, site: Site) -> str:
    """The page for somebody who comes without an address."""
    return render("front.html", language, site, root=site.root)


def render_not_found(language: Language, *, site: Site) -> str:
    """The page for an address behind which there is no payment; the same for every reason."""
    return _notice_page("not_found", language, site, request_id=None, back=None)


def render_problem(
    language: Language,
    *,
    site: Site,
    code: str,
    status: int = 500,
    request_id: str | None = None,
    back: str | None = None,
) -> str:
    """The page for an error, by its stable code; in our own words, never in the gateway's.

    A code without words of its own is ours to mend from status 500 on, and the reader's below.

    `back` is the path of the page to return to, such as `/pay/AbC123`.
    """
    known = f"problem.{code}.title" in words(language)
    other = "problem.internal" if status >= 500 else "problem.invalid_request"
    key = f"problem.{code}" if known else other
    return _notice_page(key, language, site, request_id=request_id, back=back)


def _notice_page(
    key: str, language: Language, site: Site, *, request_id: str | None, back: str | None
) -> str:
    return render(
        "notice.html",
        language,
        site,
        key=key,
        request_id=request_id,
        back=back and site.root + back,
    )


def render(
    template: str, language: Language, site: Site, *, own: Path | None = None, **values: Any
) -> str:
    """A page from its template, with what all of them have; `own` is a product's folder of them."""
    return (
        _environment(own)
        .get_template(template)
        .render(
            t=words(language),
            language=language,
            languages=CUSTOMS,
            lang_query=QUERY,
            merchant=site.merchant,
            asset=lambda name: site.root + asset_path(name),
            **values,
        )
    )
