"""The pages as HTML."""

from collections.abc import Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tallystick.domain.errors import NotFound
from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages.assets import asset_path
from tallystick.web.pages.language import CUSTOMS, QUERY, Language, words
from tallystick.web.pages.scene import page_path, true_page
from tallystick.web.pages.view import GatewayChoice, Site, Visit, pay_view

if TYPE_CHECKING:
    from jinja2 import Environment

REFRESH_S: Final = 15
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
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
    view = pay_view(snapshot, snapshot.link, visit, gateways)
    code = quote(snapshot.link.short_code, safe="")
    return render(
        "pay.html",
        visit.language,
        site,
        view=view,
        csrf=visit.csrf,
        now=visit.now.astimezone(UTC).isoformat(timespec="milliseconds"),
        home=site.root + f"/pay/{code}",
        here=site.root + page_path(code, true_page(snapshot)),
        status_url=f"{site.root}/api/payment-links/{quote(snapshot.link.id, safe='')}/status",
        refresh_s=REFRESH_S,
        pace=None,
    )


def render_not_found(language: Language, *, site: Site) -> str:
    """The page for an address behind which there is no payment; the same for every reason."""
    return _notice_page("not_found", language, site, request_id=None, back=None)


def render_problem(
    language: Language,
    *,
    site: Site,
    code: str,
    request_id: str | None = None,
    back: str | None = None,
) -> str:
    """The page for an error, by its stable code; in our own words, never in the gateway's.

    `back` is the path of the page to return to, such as `/pay/AbC123`.
    """
    known = f"problem.{code}.title" in words(language)
    key = f"problem.{code}" if known else "problem.internal"
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


def render(template: str, language: Language, site: Site, **values: Any) -> str:
    """A page from its template, with what all of them have."""
    return (
        _environment()
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
