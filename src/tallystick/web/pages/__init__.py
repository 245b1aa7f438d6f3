"""The pages that a payer sees, as pure functions from a snapshot to HTML."""

from tallystick.web.pages.assets import Asset, asset_path, find_asset
from tallystick.web.pages.headers import language_headers, security_headers
from tallystick.web.pages.language import COOKIE, QUERY, Language, negotiate
from tallystick.web.pages.render import (
    render_form_page,
    render_front,
    render_not_found,
    render_pay_page,
    render_problem,
)
from tallystick.web.pages.scene import PageKind, page_path, true_page
from tallystick.web.pages.view import GatewayChoice, Manner, Site, Visit

__all__ = [
    "COOKIE",
    "QUERY",
    "Asset",
    "GatewayChoice",
    "Language",
    "Manner",
    "PageKind",
    "Site",
    "Visit",
    "asset_path",
    "find_asset",
    "language_headers",
    "negotiate",
    "page_path",
    "render_form_page",
    "render_front",
    "render_not_found",
    "render_pay_page",
    "render_problem",
    "security_headers",
    "true_page",
]
