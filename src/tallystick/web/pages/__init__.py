"""The pages that a payer sees, as pure functions from a snapshot to HTML."""

from tallystick.products.wallets.page_view import WALLET, WalletView, wallet_view, with_choices
from tallystick.web.pages.assets import Asset, asset_path, find_asset
from tallystick.web.pages.headers import language_headers, security_headers
from tallystick.web.pages.language import COOKIE, QUERY, Language, negotiate
from tallystick.web.pages.render import (
    render_form_page,
    render_front,
    render_not_found,
    render_pay_page,
    render_problem,
    render_topup,
    render_wallet,
)
from tallystick.web.pages.scene import PageKind, page_path, true_page
from tallystick.web.pages.view import GatewayChoice, Manner, Site, Visit

__all__ = [
    "COOKIE",
    "QUERY",
    "WALLET",
    "Asset",
    "GatewayChoice",
    "Language",
    "Manner",
    "PageKind",
    "Site",
    "Visit",
    "WalletView",
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
    "render_topup",
    "render_wallet",
    "security_headers",
    "true_page",
    "wallet_view",
    "with_choices",
]
