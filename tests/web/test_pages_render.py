"""What a pay page says: every state, in words, and never more than is true."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from tallystick.domain.errors import NotFound
from tallystick.domain.link import Message
from tallystick.domain.payment import AmountState, AttemptState, Phase, Review, is_final
from tallystick.web.pages import (
    GatewayChoice,
    Language,
    PageKind,
    Site,
    Visit,
    page_path,
    render_pay_page,
    true_page,
)
from tallystick.web.pages.figures import money
from tallystick.web.pages.language import words
from tallystick.web.pages.scene import TONES, Scene, scene_of
from tallystick.web.pages.view import titled
from tests.http.every_gateway import EVERY_GATEWAY
from tests.web.reading import Reader, every_language, every_sample, pay_page, sample_page
from tests.web.samples import (
    BILL,
    CHECKOUT,
    NOW,
    OPEN,
    PLAIN,
    SAMPLES,
    SITE,
    SOME,
    attempt,
    offering,
    paid,
)

PAID_SCENES = {
    Scene.PAID, Scene.PAID_LATE, Scene.PAID_OVER, Scene.PARTLY_REFUNDED, Scene.REFUNDED,
}  # fmt: skip


@every_language
@every_sample
def test_every_page_tells_its_state_in_words(name, language):
    sample = SAMPLES[name]

    page = Reader(sample_page(name, language))

    (main,) = page.all("main")
    assert main["data-scene"] == sample.scene
    assert main["data-tone"] == TONES[sample.scene]
    fixed = words(language).texts[f"scene.{sample.scene}.advice"].partition("{")[0].strip()
    assert fixed in page.text
    assert page.all("html")[0]["lang"] == language


@pytest.mark.parametrize("message", list(Message))
def test_there_is_a_sample_of_every_message(message):
    assert message in {sample.scene.value for sample in SAMPLES.values()}


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("amount_state", list(AmountState))
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("state", [None, *AttemptState])
def test_every_state_a_payment_can_be_in_has_a_page(phase, amount_state, late, state):
    received = {"none": 0, "partial": 1, "exact": 150_000, "over": 150_001}[amount_state]
    snapshot = replace(
        PLAIN,
        phase=phase,
        amount_state=amount_state,
        late=late,
        received_minor=received,
        attempt=attempt(state) if state else None,
    )

    page = pay_page(snapshot)

    scene = scene_of(snapshot, NOW, choices=True)
    assert f'data-scene="{scene}"' in page
    assert (scene in PAID_SCENES) == (phase is Phase.PAID)


@every_language
@pytest.mark.parametrize("page", list(PageKind))
@every_sample
def test_no_page_says_paid_before_it_is_paid(name, page, language):
    sample = SAMPLES[name]
    titles = [words(language).texts[f"scene.{scene}.title"] for scene in PAID_SCENES]
    visit = Visit(language, sample.now, page)

    html = render_pay_page(sample.snapshot, visit, gateways=sample.gateways, site=SITE)

    headline = unescape(re.findall(r"<h1>(.*?)</h1>", html)[0])
    is_paid = sample.snapshot.phase is Phase.PAID
    assert (headline in titles) == is_paid
    assert ('data-tone="good"' in html) == is_paid
    if not is_paid:
        assert not [title for title in titles if f">{title}" in html or f"{title} ·" in html]


def test_the_success_page_of_an_open_payment_says_that_it_is_not_confirmed():
    page = Reader(pay_page(OPEN, PageKind.SUCCESS))

    assert "not confirmed yet" in page.text
    assert "Waiting for your payment" in page.text


def test_the_canceled_page_of_an_open_payment_says_that_it_is_open():
    assert "This payment is still open." in Reader(pay_page(OPEN, PageKind.CANCELED)).text


def test_the_expired_page_of_a_paid_payment_says_paid():
    assert "<h1>Paid</h1>" in pay_page(paid(), PageKind.EXPIRED)


def test_a_payment_with_the_full_amount_in_review_is_not_asked_for_more():
    held = replace(OPEN, amount_state=AmountState.EXACT, received_minor=150_000)

    page = Reader(pay_page(held))

    assert "Please do not pay again" in page.text
    assert not page.all("form")


def test_after_the_deadline_nothing_invites_to_pay_while_the_last_check_runs():
    page = Reader(pay_page(OPEN, now=OPEN.expires_at))

    assert "Please do not pay now" in page.text
    assert not page.all("form")
    assert CHECKOUT["account_number"] not in page.text


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OPEN])
def test_only_an_open_payment_shows_where_to_send_money(phase):
    page = Reader(pay_page(replace(OPEN, phase=phase)))

    assert CHECKOUT["account_number"] not in page.text
    assert not page.all("svg")
    assert not page.all("form")


def test_a_part_payment_asks_for_the_rest_and_withholds_the_code_for_the_whole():
    html = pay_page(SOME)
    page = Reader(html)

    assert "₫90,000 of ₫150,000 has arrived" in page.text
    assert "Pay the rest, ₫60,000" in page.text
    assert 'data-copy="60000"' in html
    assert 'data-copy="150000"' not in html
    assert not page.all("svg")
    assert "asks for another amount" in page.text


def test_a_part_payment_shows_a_code_for_exactly_the_rest():
    code = emv("54", "0560000")

    assert "<svg" in pay_page(replace(SOME, attempt=offering(qr_code=code)))


def test_a_part_payment_shows_a_code_in_which_the_payer_types_the_amount():
    code = emv("53", "03704")

    assert "<svg" in pay_page(replace(SOME, attempt=offering(qr_code=code)))


def test_a_part_payment_shows_no_code_that_cannot_be_read():
    assert "<svg" not in pay_page(replace(SOME, attempt=offering(qr_code="https://pay.example/1")))


def test_a_code_for_another_amount_is_never_shown():
    code = emv("54", "0515000")

    assert "<svg" not in pay_page(replace(OPEN, attempt=offering(qr_code=code)))


def emv(tag: str, rest: str) -> str:
    """The start of an EMV payment code with one more field."""
    return f"000201{tag}{rest}"


def test_a_return_code_is_told_in_our_words_and_only_while_it_matters():
    declined = "The payment was declined."

    assert declined in pay_page(PLAIN, notice="declined")
    assert declined not in pay_page(paid(), notice="declined")
    assert "call-0900" not in pay_page(PLAIN, notice="call-0900")


def test_a_refund_is_told_on_the_paid_page():
    assert "Refunded ₫50,000" in Reader(sample_page("paid_refunded")).text


@every_sample
def test_a_final_page_leads_back_to_the_merchant_and_each_that_is_not_paid_listens(name):
    snapshot = SAMPLES[name].snapshot

    html = sample_page(name)

    assert ("https://shop.example/thanks" in html) == is_final(snapshot.phase)
    status = "/api/payment-links/plink_01JD4Z0V7Q8W9X2Y3Z4A5B6C7D/status"
    assert (f'data-status="{status}"' in html) == (snapshot.phase is not Phase.PAID)


def test_no_banks_app_is_opened_with_the_invented_account_of_a_test():
    assert "https://dl.vietqr.io/" in sample_page("waiting")
    assert "vietqr.io" not in sample_page("waiting_test")


@pytest.mark.parametrize("language", Language)
def test_a_bill_has_one_reference_in_the_language_of_its_reader(language):
    page = Reader(sample_page("waiting_bill", language))
    assert BILL.attempt is not None
    asked = replace(BILL, attempt=replace(BILL.attempt, state=AttemptState.FAILED))

    assert page.text.count("TS7K2M9QX4TW") == 1
    assert "Qx7KpR2m" not in page.text
    assert "Open your bank's app." not in page.text
    told = words(language)("instructions.govpay", amount=money(BILL.due, language))
    assert " ".join(told.split()) in page.text
    assert words(language)("bill.title") in page.text
    assert words(language)("transfer.exact") not in page.text
    # Where the number does not stand with what is to be paid, it is what the payment is called.
    for later in (asked, replace(BILL, phase=Phase.PAID, paid_at=NOW)):
        told = Reader(pay_page(later, language=language)).text
        assert ("TS7K2M9QX4TW" in told, "Qx7KpR2m" in told) == (True, False)


@pytest.mark.parametrize("language", Language)
def test_gateways_have_titles_in_the_language_of_the_reader(language):
    page = Reader(sample_page("choose", language)).text
    own = GatewayChoice("till_of_a_shop", "The shop's own till")

    for title in ("payOS", words(language)("gateway.sepay"), words(language)("gateway.onepay_vpc")):
        assert title in page
    assert [one.title for one in titled([own], language)] == ["The shop's own till"]


def test_the_titles_in_english_are_those_that_the_gateways_give_themselves():
    told = words(Language.ENGLISH)
    titles = {f"gateway.{gateway.name}": gateway.capabilities.title for gateway in EVERY_GATEWAY}

    # A title that is a name alone needs no words of ours.
    assert {key: title for key, title in titles.items() if key in told} == {
        key: text for key, text in told.texts.items() if key.startswith("gateway.")
    }
    assert {key for key in titles if key not in told} == {"gateway.payos", "gateway.govpay"}


def test_the_apps_of_banks_open_with_the_transfer_filled_in():
    page = Reader(pay_page(OPEN))

    links = [link for link in page.all("a") if "https://dl.vietqr.io/" in (link["href"] or "")]
    assert len(links) == 5
    assert all(link["rel"] == "noreferrer" for link in links)
    assert links[0]["href"] == (
        "https://dl.vietqr.io/pay?app=bidv&ba=0123456789@mb&am=150000&tn=HB7K2M9QX"
        "&bn=CONG%20TY%20TNHH%20HOA%20SEN&url=https%3A%2F%2Fpay.example%2Fpay%2FQx7KpR2m"
    )
    assert page.text.index("Open your bank") < page.text.index("Scan to pay")


@pytest.mark.parametrize(
    "snapshot",
    [SOME, paid(), replace(OPEN, attempt=offering(checkout_url="https://pay.example/1")),
     replace(OPEN, attempt=offering(qr_code="https://pay.example/1"))],
    ids=["asks for too much", "paid", "no code", "no transfer"],
)  # fmt: skip
def test_no_app_is_opened_with_what_is_not_to_be_paid(snapshot):
    assert "dl.vietqr.io" not in pay_page(snapshot)


def test_a_paid_page_without_a_way_back_has_no_empty_part():
    html = pay_page(paid(return_url=None))

    assert 'class="rest"' not in html
    assert 'class="ways"' not in html


def test_without_a_return_address_there_is_no_way_back():
    assert 'id="back"' not in pay_page(paid(return_url=None))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://["]
)
def test_an_address_that_is_not_of_the_web_is_no_link(url):
    assert url not in pay_page(paid(return_url=url))
    assert url not in pay_page(replace(OPEN, attempt=offering(checkout_url=url)))


def test_the_choice_is_a_plain_form_that_works_without_a_script():
    page = Reader(pay_page(PLAIN, csrf="token-1"))

    (form,) = page.all("form")
    assert (form["method"], form["action"]) == ("post", "/pay/Qx7KpR2m/attempts")
    buttons = [(button["name"], button["value"]) for button in page.all("button")]
    assert buttons == [("gateway", "payos"), ("gateway", "sepay"), ("gateway", "onepay_vpc")]
    assert {"type": "hidden", "name": "csrf", "value": "token-1"} in page.all("input")


def test_another_gateway_can_be_chosen_while_waiting_but_not_the_same():
    page = Reader(pay_page(OPEN))

    chosen = [button["value"] for button in page.all("button") if "name" in button]
    assert chosen == ["sepay", "onepay_vpc"]


@every_sample
def test_a_page_that_waits_refreshes_itself_without_a_script(name):
    html = sample_page(name)
    waits = SAMPLES[name].scene in {
        Scene.PREPARING, Scene.WAITING, Scene.PARTIAL, Scene.CLOSING, Scene.PROCESSING,
        Scene.OTHER_CURRENCY, Scene.EXPIRED, Scene.EXPIRED_PARTIAL,
    }  # fmt: skip

    head = html.partition("</head>")[0]
    assert ('<noscript><meta http-equiv="refresh" content="15"></noscript>' in head) == waits


@every_language
def test_who_paid_in_another_currency_is_asked_not_to_pay_again(language):
    foreign = replace(OPEN, review=Review.WRONG_CURRENCY)

    page = Reader(pay_page(foreign, language=language))

    asked = words(language).texts["scene.processing.advice"].rstrip(".")
    assert asked in page.text
    assert page.all("main")[0]["data-scene"] == Scene.OTHER_CURRENCY
    assert not page.all("form")
    assert CHECKOUT["account_number"] not in page.text


def test_a_server_below_a_path_of_its_host_keeps_the_path_everywhere():
    html = pay_page(OPEN, site=Site("https://shop.example/hub/"))

    own = [
        value
        for _, attrs in Reader(html).elements
        for name, value in attrs.items()
        if name in {"href", "src", "action", "data-status", "data-home"} and value
    ]
    rooted = [value for value in own if value.startswith("/")]
    assert len(rooted) > 8
    assert all(value.startswith("/hub/") for value in rooted)


def test_the_pages_and_their_addresses():
    assert page_path("AbC", PageKind.PAY) == "/pay/AbC"
    assert page_path("AbC", PageKind.SUCCESS) == "/pay/AbC/success"
    pages = {phase: true_page(replace(PLAIN, phase=phase)) for phase in Phase}
    assert {phase for phase, page in pages.items() if page is PageKind.SUCCESS} == {Phase.PAID}


def test_a_payment_that_is_not_a_links_has_no_page():
    with pytest.raises(NotFound):
        pay_page(replace(PLAIN, link=None))
