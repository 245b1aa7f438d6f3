"""The languages a payer may read the pages in, and their words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

COOKIE: Final = "lang"
QUERY: Final = "lang"
_LOCALES: Final = Path(__file__).parent.parent / "locale"
_LONGEST_HEADER: Final = 500
_RANGE: Final = re.compile(r"([a-zA-Z]{1,8}|\*)(?:-[a-zA-Z0-9-]+)?(?:;q=([01](?:\.\d{0,3})?))?")


class Language(StrEnum):
    """One language that the pages are written in; the value is its BCP 47 tag."""

    ENGLISH = "en"
    VIETNAMESE = "vi"
    SINHALA = "si"
    TAMIL = "ta"


_TAGS: Final[Mapping[str, Language]] = {language.value: language for language in Language}


@dataclass(frozen=True, slots=True)
class Custom:
    """What a language calls itself, and the CLDR locales it writes money and dates by."""

    own_name: str
    money: str
    dates: str


CUSTOMS: Final[Mapping[Language, Custom]] = {
    # "en" for money writes $19.99, not US$19.99; "en_GB" for dates writes 20 Nov 2026.
    Language.ENGLISH: Custom("English", "en", "en_GB"),
    Language.VIETNAMESE: Custom("Tiếng Việt", "vi_VN", "vi_VN"),
    Language.SINHALA: Custom("සිංහල", "si_LK", "si_LK"),
    Language.TAMIL: Custom("தமிழ்", "ta_LK", "ta_LK"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue of one language: `words("copy.action")`."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: str) -> str:
        """The text for a key, with its places filled. Raises KeyError for a key we do not have."""
        text = self.texts[key]
        return text.format_map(values) if values else text

    def __contains__(self, key: str) -> bool:
        return key in self.texts


@cache
def words(language: Language) -> Words:
    """The catalogue of a language, read once."""
    file = _LOCALES / f"{language}.json"
    return Words(language, json.loads(file.read_text(encoding="utf-8")))


def negotiate(accept_language: str | None, query_lang: str | None, cookie: str | None) -> Language:
    """The language to answer in: what was just chosen, then what was chosen before, then asked."""
    for chosen in (query_lang, cookie):
        known = _known(chosen or "")
        if known is not None:
            return known
    return _best(accept_language or "")


def _known(tag: str) -> Language | None:
    return _TAGS.get(tag[:35].lower().partition("-")[0])


def _best(header: str) -> Language:
    """The first of the most wanted that we have (RFC 9110, section 12.5.4); English otherwise."""
    best, weight = Language.ENGLISH, 0.0
    for part in header[:_LONGEST_HEADER].split(","):
        match = _RANGE.fullmatch(part.replace(" ", ""))
        if match is None:
            continue
        language, quality = _known(match[1]), float(match[2] or 1)
        if match[1] == "*":
            language = Language.ENGLISH
        if language is not None and quality > weight:
            best, weight = language, quality
    return best
