"""What strangers wrote stays text; the pages stay small, strict and our own."""

from __future__ import annotations

import gzip
import re
import sys
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from tallystick.domain.money import Money
from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages import (
    GatewayChoice,
    Language,
    Site,
    asset_path,
    find_asset,
    language_headers,
    qr,
    render_not_found,
    render_problem,
    security_headers,
)
from tallystick.web.pages.assets import assets
from tallystick.web.pages.language import words
from tests.web.reading import Reader, every_language, every_sample, pay_page, sample_page
from tests.web.samples import (
    CHECKOUT,
    OPEN,
    PLAIN,
    QR,
    SAMPLES,
    SITE,
    offering,
)

PAGE_LIMIT = 30_000
WATCH_LIMIT = 1_500
HOSTILE = "</p><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202egnp.exe"


def page_with(place: str, text: str) -> str:
    """A page on which a stranger's text stands in one place."""
    if place in {"qr_code", *CHECKOUT, "instructions"}:
        return pay_page(replace(OPEN, attempt=offering(**{**CHECKOUT, place: text})))
    if place == "problem":
        back = "/pay/" + text
        return render_problem(Language.ENGLISH, site=SITE, code=text, request_id=text, back=back)
    pages: dict[str, tuple[Snapshot, dict[str, Any]]] = {
        "description": (replace(OPEN, description=text), {}),
        "merchant": (OPEN, {"site": Site("https://pay.example", text)}),
        "gateway": (OPEN, {"gateways": [GatewayChoice("payos", text)]}),
        "choice": (PLAIN, {"gateways": [GatewayChoice(text, text)]}),
        "csrf": (PLAIN, {"csrf": text}),
        "notice": (PLAIN, {"notice": text}),
    }
    snapshot, more = pages[place]
    return pay_page(snapshot, **more)


PLACES = [
    "description",
    "merchant",
    "gateway",
    "choice",
    "csrf",
    "notice",
    "problem",
    "instructions",
]


@pytest.mark.parametrize("place", [*PLACES, *CHECKOUT])
def test_what_others_wrote_stays_text(place):
    harmless, page = Reader(page_with(place, "Hoa")), Reader(page_with(place, HOSTILE))

    assert skeleton(page) == skeleton(harmless)


def skeleton(page: Reader) -> list[tuple[str, list[str]]]:
    """The elements of a page with the names of their attributes."""
    return [(tag, sorted(attrs)) for tag, attrs in page.elements]


def test_a_direction_override_cannot_turn_a_text_around():
    html = pay_page(
        replace(
            OPEN, description=HOSTILE, attempt=offering(**{**CHECKOUT, "account_name": HOSTILE})
        )
    )

    assert "\u202e" not in html
    assert "gnp.exe" in html


def test_sinhala_keeps_the_joiner_that_its_letters_are_made_with():
    assert "ශ්‍රී" in pay_page(replace(OPEN, description="ශ්‍රී ලංකා"))


def test_what_is_copied_is_what_is_shown():
    checkout = {**CHECKOUT, "account_number": "0123\u202e456\n789", "transfer_content": " A  B "}
    html = pay_page(replace(OPEN, attempt=offering(**checkout)))

    for fact in ("0123456 789", "A  B"):
        assert f'<span class="value">{fact}</span>' in html
        assert f'data-copy="{fact}"' in html


@every_sample
def test_identities_are_on_no_page(name):
    html = sample_page(name)

    for secret in (
        "owner-77",
        "merchant-reference",
        "metadata-value",
        "FT26324123456789",
        PLAIN.id,
    ):
        assert secret not in html


def all_pages() -> dict[str, str]:
    """One of each page."""
    return {
        **{name: sample_page(name) for name in SAMPLES},
        "not_found": render_not_found(Language.ENGLISH, site=SITE),
        "problem": render_problem(Language.ENGLISH, site=SITE, code="conflict", back="/pay/x"),
    }


@pytest.mark.parametrize("name", [*SAMPLES, "not_found", "problem"])
def test_no_page_has_a_script_or_style_of_its_own_or_loads_from_elsewhere(name):
    page = Reader(all_pages()[name])

    assert all(attrs.get("src") for attrs in page.all("script"))
    assert not page.all("style")
    for tag, attrs in page.elements:
        assert not [attr for attr in attrs if attr == "style" or attr.startswith("on")], (
            tag,
            attrs,
        )
        loaded = attrs.get("src") or (attrs.get("href") if tag == "link" else None)
        assert loaded is None or find_asset(loaded.removeprefix("/static/")), (tag, attrs)


@pytest.mark.parametrize("name", [*SAMPLES, "not_found", "problem"])
def test_there_is_one_live_region_and_one_main_heading(name):
    page = Reader(all_pages()[name])

    live = [attrs for _, attrs in page.elements if "aria-live" in attrs]
    assert [attrs["aria-live"] for attrs in live] == ["polite"]
    assert len(page.all("h1")) == 1
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_the_policy_allows_our_own_files_and_nothing_else():
    policy = security_headers()["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    for part in (
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "connect-src 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    elsewhere = security_headers(["https://pay.example"])["Content-Security-Policy"]
    assert elsewhere.endswith("form-action https://pay.example")


def test_pages_are_kept_by_nobody_and_say_their_language():
    assert security_headers()["Cache-Control"] == "no-store"
    assert language_headers(Language.TAMIL)["Content-Language"] == "ta"


def test_a_pay_page_with_all_that_it_loads_is_small(capsys):
    sizes = {
        (name, language): len(gzip.compress(sample_page(name, language).encode(), 9))
        for name in SAMPLES
        for language in Language
    }
    largest = max(sizes, key=lambda key: sizes[key])
    loaded = set(re.findall(r'/static/\w+/([\w.]+)"', sample_page(*largest)))
    files = {name: len(assets()[name].gzipped) for name in sorted(loaded)}

    total = sizes[largest] + sum(files.values())

    with capsys.disabled():
        sys.stdout.write(
            f"\ngzip bytes: HTML {sizes[largest]} ({'-'.join(largest)}), {files}, all {total}\n"
        )
    assert {"pay.css", "pay.js", "watch.js", "logo.svg"} < loaded
    assert total <= PAGE_LIMIT


def test_the_browser_client_is_tiny():
    found = find_asset("watch.js")

    assert found is not None
    assert len(found[0].gzipped) <= WATCH_LIMIT
    assert b"import" not in found[0].body.replace(b'import("./watch.d.ts")', b"")


def test_a_code_is_dark_on_white_with_its_quiet_zone():
    svg = str(qr.draw(QR))

    assert '<path fill="#fff" d="M0 0h45v45h-45z"/><path stroke="#000" d="M4 4.5' in svg
    assert "HB7K2M9QX" not in svg
    assert "style" not in svg


@pytest.mark.parametrize("payload", ["", "x" * 5000, "日本" * 700])
def test_what_fits_in_no_code_is_not_drawn(payload):
    assert qr.draw(payload) is None


@pytest.mark.parametrize(
    "payload", ["0002015405", "00020154061500", "000201" + "9" * 40, "https://x"]
)
def test_a_code_that_cannot_be_read_names_no_amount(payload):
    assert qr.asked_amount(payload, "VND") is None


def test_a_code_tells_what_it_asks_for():
    assert qr.asked_amount(QR, "VND") == Money(150_000, "VND")
    assert not qr.lets_payer_choose(QR)


def test_a_static_file_is_kept_for_ever_under_the_name_of_its_edition():
    path = asset_path("pay.css").removeprefix("/static/")

    assert find_asset(path) == (assets()["pay.css"], "public, max-age=31536000, immutable")
    assert find_asset("pay.css") == (assets()["pay.css"], "no-cache")


@pytest.mark.parametrize(
    "path", ["", "x", "../pay.css", "a/b/pay.css", "watch.d.ts", "..%2fpay.css"]
)
def test_nothing_else_is_a_static_file(path):
    assert find_asset(path) is None


@every_language
def test_the_pages_without_a_payment(language):
    missing = render_not_found(language, site=SITE)
    problem = render_problem(
        language, site=SITE, code="conflict", request_id="req_1", back="/pay/x"
    )
    unknown = render_problem(language, site=SITE, code="no_such_code")

    assert words(language)("not_found.title") in unescape(missing)
    assert "req_1" in problem
    assert 'href="/pay/x"' in problem
    assert words(language)("problem.internal.title") in unescape(unknown)
