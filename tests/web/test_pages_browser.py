"""The pay page in a real browser: live, accessible, strict, and of use without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tallystick.domain.payment import AmountState, Phase
from tallystick.web.pages import Language
from tests.infra.browser import assert_accessible
from tests.web.pay_server import HOME, PayServer, pay_server
from tests.web.preview import NAMES, serve
from tests.web.samples import NOW, PLAIN

PAID = {
    "phase": Phase.PAID,
    "amount_state": AmountState.EXACT,
    "received_minor": 150_000,
    "paid_at": NOW,
}
PARTLY = {"amount_state": AmountState.PARTIAL, "received_minor": 90_000}
CLIPBOARD = ["clipboard-read", "clipboard-write"]

INJECT = """() => {
  try {
    document.createElement("p").innerHTML = "<b>";
  } catch {
    window.stopped = 1;
  }
}"""


@pytest.fixture
def payment() -> Iterator[PayServer]:
    """An open payment that waits for its payer."""
    with pay_server() as server:
        yield server


@pytest.fixture
def gallery() -> Iterator[str]:
    """The address of a server with every page."""
    server = serve()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_axe_finds_nothing_wrong_with_any_page(every_page, gallery):
    languages = list(Language)
    for number, name in enumerate(NAMES):
        every_page.goto(f"{gallery}/{languages[number % len(languages)]}/{name}")
        assert_accessible(every_page)


@pytest.mark.slow
@pytest.mark.parametrize("language", list(Language))
def test_nothing_is_wider_than_a_small_phone(new_page, gallery, language):
    page = new_page("phone", viewport={"width": 320, "height": 640})
    for name in NAMES:
        page.goto(f"{gallery}/{language}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name


def test_when_the_money_arrives_the_page_becomes_the_success_page(page, payment):
    page.goto(payment.url + "?lang=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for your payment")

    payment.change(**PAID)

    expect(page).to_have_url(re.compile(f"{HOME}/success\\?lang=en$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")


def test_a_part_payment_changes_the_page_in_place_and_is_announced(page, payment):
    page.goto(payment.url)
    page.get_by_text("Pay another way").click()
    button = page.get_by_role("button", name="Copy Account number")
    button.focus()

    payment.change(**PARTLY)

    expect(page.get_by_role("heading", level=1)).to_have_text("₫90,000 of ₫150,000 has arrived")
    expect(page.get_by_role("status")).to_contain_text("Pay the rest, ₫60,000")
    expect(button).to_be_focused()
    expect(page.get_by_role("button", name="Pay with Bank transfer")).to_be_visible()
    expect(page).to_have_title(re.compile("^₫90,000 of ₫150,000 has arrived"))
    assert page.url == payment.url


def test_the_new_words_are_in_the_language_of_the_page(page, payment):
    page.goto(payment.url + "?lang=vi")

    payment.change(**PARTLY)

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Đã nhận 90.000"))


def test_what_was_unfolded_stays_unfolded(page, payment):
    page.goto(payment.url)
    page.get_by_text("Pay another way").click()

    payment.change(description="Three tickets")

    expect(page.get_by_text("Three tickets")).to_be_visible()
    expect(page.get_by_role("button", name="Pay with Bank transfer")).to_be_visible()


def test_a_focus_whose_place_is_gone_stays_on_the_page(page, payment):
    page.goto(payment.url)
    page.get_by_role("button", name="Copy Account number").focus()

    payment.change(phase=Phase.PROCESSING)

    expect(page.get_by_role("main")).to_be_focused()


def test_a_success_page_opened_too_early_becomes_true_in_place(page, payment):
    page.goto(payment.url + "/success")
    expect(page.get_by_text("not confirmed yet")).to_be_visible()

    payment.change(**PAID)

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")


def test_the_exact_amount_is_copied_without_its_points(new_page, payment):
    page = new_page("phone", permissions=CLIPBOARD)
    page.goto(payment.url)

    page.get_by_role("button", name="Copy Exact amount").click()

    expect(page.get_by_role("status")).to_have_text("Copied: Exact amount")
    assert page.evaluate("navigator.clipboard.readText()") == "150000"
    expect(page.get_by_role("button", name="Copied Exact amount")).to_be_visible()
    expect(page.get_by_role("button", name="Copy Exact amount")).to_be_visible()


def test_copying_works_over_plain_http_too(new_page, payment):
    page = new_page(permissions=CLIPBOARD)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(payment.url)
    button = page.get_by_role("button", name="Copy Transfer content")
    button.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Copied: Transfer content")
    expect(button.or_(page.get_by_role("button", name="Copied"))).to_be_focused()
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("textarea")).to_have_value("HB7K2M9QX")


def test_the_countdown_follows_the_clock_of_the_server(page, payment):
    page.goto(payment.url)

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^14:\d\d$"))


def test_a_gateway_is_chosen_and_paid_without_any_script(new_page):
    with pay_server(PLAIN) as payment:
        page = new_page("phone", java_script_enabled=False)
        page.goto(payment.url)

        page.get_by_role("button", name="Pay with payOS").click()

        assert payment.posted == [f"{HOME}/attempts gateway=payos"]
        expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for your payment")
        expect(page.locator("noscript p")).to_be_visible()
        expect(page.locator("noscript meta[http-equiv=refresh]")).to_have_count(1)
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        expect(page.get_by_role("img", name="QR code to pay")).to_be_visible()

        payment.change(**PAID)
        page.get_by_role("link", name="Check again").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Paid")


def test_no_page_breaks_its_own_policy_and_no_markup_can_be_injected(page, gallery):
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for name in NAMES:
        page.goto(f"{gallery}/en/{name}")
    assert not [text for text in told if "Content Security Policy" in text]

    page.evaluate(INJECT)

    assert page.evaluate("stopped") == 1
    assert any("TrustedHTML" in text for text in told)


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
def test_the_halves_meet_without_motion_for_who_wants_none(new_page, gallery, wish, moves):
    page = new_page(reduced_motion=wish)
    page.goto(f"{gallery}/en/paid")

    foil = page.locator(".tally img + img")
    name = foil.evaluate("element => getComputedStyle(element).animationName")
    assert (name == "meet") == moves


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_code_can_be_scanned_in_every_theme(new_page, gallery, scheme):
    page: Page = new_page("phone", scheme)
    page.goto(f"{gallery}/en/waiting")

    code = page.get_by_role("img", name="QR code")
    assert (
        code.evaluate("element => getComputedStyle(element).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    box = code.bounding_box()
    assert box is not None
    assert box["width"] >= 240


def test_a_page_on_paper_has_the_code_and_the_account(page, gallery):
    page.goto(f"{gallery}/en/waiting")
    page.emulate_media(media="print")

    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expect(page.get_by_text("0123456789")).to_be_visible()
    expect(page.get_by_role("button", name="Copy Account number")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
