"""The headers that go out with every page."""

from collections.abc import Iterable
from typing import Final

from tallystick.web.pages.language import Language

_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    # No script of ours writes markup; so none may, not even one that slipped in.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def security_headers(form_actions: Iterable[str] = ("'self'",)) -> dict[str, str]:
    """What keeps a page from being framed, sniffed, injected into or kept.

    `form_actions` are the only origins that its forms, and their redirects, may lead to.
    """
    policy = {**_POLICY, "form-action": " ".join(form_actions)}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not "no-referrer": browsers would then send `Origin: null` with our own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), clipboard-write=(self)",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }


def language_headers(language: Language) -> dict[str, str]:
    """What tells caches and readers which language this is and what it depends on."""
    return {"Content-Language": str(language), "Vary": "Accept-Language, Cookie"}
