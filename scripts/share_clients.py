"""Copy into `clients/js` what the browser package shares with the server's own pages."""

import json
from pathlib import Path
from typing import Final

from tallystick.domain.link import SENTENCES, Message

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "clients" / "js"
WEB = ROOT / "src" / "tallystick" / "web"
LANGUAGES: Final = ("en", "vi", "si", "ta")
# What the element shows, by its own name, and where the pages' catalogue has the words.
SCENES: Final = {
    "draft": "scene.draft",
    "waiting": "scene.waiting",
    "partial": "scene.partial",
    "processing": "scene.processing",
    "paid": "scene.paid",
    "paid_late": "scene.paid_late",
    "paid_over": "scene.paid_over",
    "expired": "scene.expired",
    "expired_partial": "scene.expired_partial",
    "canceled": "scene.canceled",
    "canceled_money": "scene.canceled_money",
    "other_currency": "scene.other_currency",
    "missing": "not_found",
    "unreachable": "problem.unavailable",
}


def files() -> dict[str, str]:
    """Every shared file of the package, by its name."""
    static = WEB / "static"
    shared = {name: (static / name).read_text() for name in ("watch.js", "watch.d.ts")}
    return {**shared, "words.js": words()}


def words() -> str:
    """The sentences of the pages that `<payment-status>` uses too, title and advice each."""
    table = {language: scenes(language) for language in LANGUAGES}
    printed = json.dumps(table, ensure_ascii=False, indent=2)
    return (
        "// @ts-check\n"
        "/** What the pay pages say of each state. Printed by `scripts/share_clients.py`. */\n\n"
        "/** @type {Record<string, Record<string, [string, string]>>} */\n"
        f"export const WORDS = {printed};\n\n"
        "/** How the status of a link, which has no such phase, says that money is in flight. */\n"
        f"export const IN_FLIGHT = {json.dumps(SENTENCES[Message.PROCESSING][0])};\n\n"
        "/** How a status says that nobody should pay again, whatever the phase. */\n"
        f"export const OTHER_CURRENCY = {json.dumps(SENTENCES[Message.OTHER_CURRENCY][0])};\n"
    )


def scenes(language: str) -> dict[str, list[str]]:
    """The title and the advice of each scene in one language."""
    catalogue = json.loads((WEB / "locale" / f"{language}.json").read_text())
    found = {
        name: [catalogue[f"{place}.title"], catalogue[f"{place}.advice"]]
        for name, place in SCENES.items()
    }
    return {"loading": [f"{catalogue['site.page']} …", ""], **found}


def main() -> None:
    """Write them all."""
    for name, text in files().items():
        (PACKAGE / name).write_text(text)


if __name__ == "__main__":
    main()
