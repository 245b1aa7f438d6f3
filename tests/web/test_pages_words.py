"""The words of the pages in every language, and how they write money and time."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import tallystick.web.pages as pages_package
from tallystick.domain.link import Message
from tallystick.domain.money import Money
from tallystick.web.pages import (
    Language,
    Manner,
    figures,
    negotiate,
)
from tallystick.web.pages.language import words
from tallystick.web.pages.scene import Scene
from tests.web.reading import every_language

KEY = re.compile(r"""\bt\(\s*'([a-z_.]+)'""")


def wanted_keys() -> set[str]:
    """Every key that the templates and the code can ask for."""
    folder = Path(pages_package.__file__).parent.parent / "templates"
    keys = {key for file in folder.glob("*.html") for key in KEY.findall(file.read_text())}
    keys |= {f"scene.{scene}.{part}" for scene in Scene for part in ("title", "advice")}
    keys |= {f"manner.{manner}" for manner in Manner}
    labels = "amount rest received refunded code paid_at method deadline ended_at bank "
    labels += "account_number va_number account_name transfer_amount transfer_content "
    labels += "reference_number"
    keys |= {f"label.{label}" for label in labels.split()}
    steps = "pay_transfer bank_sends pay_hosted gateway_confirms page_tells"
    keys |= {f"next.{step}" for step in steps.split()}
    keys |= {"back.return", "back.cancel", "not_found.title", "not_found.advice"}
    keys |= {"notice.unconfirmed", "notice.still_open"}
    return {key for key in keys if not key.endswith(".")}


@every_language
def test_every_message_has_words_in_every_language(language):
    texts = words(language).texts
    scenes = {f"scene.{message}.{part}" for message in Message for part in ("title", "advice")}

    missing = (scenes | wanted_keys()) - {key for key, text in texts.items() if text.strip()}

    assert not missing, f"{language}.json has no words for {sorted(missing)}"


@every_language
def test_every_language_says_the_same_things_with_the_same_figures(language):
    english, texts = words(Language.ENGLISH).texts, words(language).texts

    assert texts.keys() == english.keys()
    for key, text in texts.items():
        assert places(text) == places(english[key]), f"{language}.json, {key}: {text}"


def places(text: str) -> set[str]:
    """The names between braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [each for each in Language if each is not Language.ENGLISH])
def test_nothing_is_left_in_english(language):
    english = words(Language.ENGLISH).texts

    same = [key for key, text in words(language).texts.items() if text == english[key]]

    assert not same, f"{language}.json repeats the English words of {same}"


def test_a_catalogue_names_no_key_twice():
    folder = Path(pages_package.__file__).parent.parent / "locale"

    for file in folder.glob("*.json"):
        pairs = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=list)
        assert len(pairs) == len(dict(pairs)), file.name


@pytest.mark.parametrize(
    ("header", "query", "cookie", "expected"),
    [
        (None, None, None, "en"),
        ("", "", "", "en"),
        ("vi-VN,vi;q=0.9,en;q=0.8", None, None, "vi"),
        ("fr-FR, si ;q=0.5, ta; q=0.7", None, None, "ta"),
        ("en;q=0.1, si-LK;q=0.2", None, None, "si"),
        ("ta;q=0.5, vi;q=0.5", None, None, "ta"),
        ("ta;q=0, *;q=0.5", None, None, "en"),
        ("vi;q=7, ta;q=0.1", None, None, "ta"),
        ("vi", None, "ta", "ta"),
        ("vi", "si", "ta", "si"),
        ("vi", "xx", "yy", "vi"),
        ("vi", "SI-lk", None, "si"),
        ("vi" + ",xx" * 100_000, None, None, "vi"),
        ("\x00;q=nan,🙂,vi;q=", "<script>", "\udcff", "en"),
    ],
)
def test_the_language_is_the_chosen_one_then_the_wanted_one(header, query, cookie, expected):
    assert negotiate(header, query, cookie) == expected


@pytest.mark.parametrize(
    ("amount", "language", "expected"),
    [
        (Money(50_000, "VND"), Language.VIETNAMESE, "50.000 ₫"),
        (Money(50_000, "VND"), Language.ENGLISH, "₫50,000"),
        (Money(150_000, "LKR"), Language.ENGLISH, "LKR 1,500.00"),
        (Money(150_000, "LKR"), Language.SINHALA, "රු. 1,500.00"),
        (Money(150_000, "LKR"), Language.TAMIL, "Rs. 1,500.00"),
        (Money(1999, "USD"), Language.ENGLISH, "$19.99"),
        (Money(1234, "BHD"), Language.ENGLISH, "BHD 1.234"),
        (Money(123_456, "RSD"), Language.ENGLISH, "RSD 1,234.56"),
    ],
)
def test_money_is_written_as_the_language_does(amount, language, expected):
    assert figures.money(amount, language).replace("\xa0", " ") == expected


def test_a_large_amount_loses_no_digit():
    assert figures.money(Money(9_007_199_254_740_991, "USD"), Language.ENGLISH) == (
        "$90,071,992,547,409.91"
    )


def test_times_are_told_with_their_zone():
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    west = timezone(-timedelta(hours=3, minutes=30))

    def told(zone: Any) -> str:
        return figures.moment(noon, Language.ENGLISH, zone)

    assert told(figures.home_zone("VND")) == "20 Nov 2026, 19:00 (GMT+7)"
    assert told(figures.home_zone("LKR")) == "20 Nov 2026, 17:30 (GMT+5:30)"
    assert told(figures.home_zone("USD")) == "20 Nov 2026, 12:00 (UTC)"
    assert told(west) == "20 Nov 2026, 08:30 (GMT-3:30)"
