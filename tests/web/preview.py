"""Shows every pay page with made-up payments: `python -m tests.web.preview [folder for pictures]`.

Without a folder it serves an index on 127.0.0.1; with one it takes pictures and runs axe.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tallystick.gateways.base import CheckoutForm
from tallystick.web.pages import (
    Language,
    find_asset,
    language_headers,
    render_form_page,
    render_not_found,
    render_problem,
    security_headers,
)
from tests.web.reading import sample_page
from tests.web.samples import GATEWAYS, PLAIN, SAMPLES, SITE


def html(name: str, language: Language) -> str | None:
    """The page of a sample, or one of those beside it."""
    if name == "not_found":
        return render_not_found(language, site=SITE)
    if name == "problem":
        return render_problem(
            language,
            site=SITE,
            code="gateway_refused",
            request_id="req_01JD4Z",
            back="/pay/Qx7KpR2m",
        )
    if name == "form":
        return render_form_page(PLAIN, language, form=FORM, gateway=GATEWAYS[1], site=SITE)
    return sample_page(name, language) if name in SAMPLES else None


NAMES = (*SAMPLES, "not_found", "problem", "form")
FORM = CheckoutForm("https://pay.example/init", {"merchant": "M-1", "signature": "c2lnbmVk="})


class Preview(BaseHTTPRequestHandler):
    """Answers /{language}/{sample}, the static files, and an index."""

    def do_GET(self) -> None:
        """Answer one page or file."""
        path = self.path.partition("?")[0]
        if path.startswith("/static/"):
            self.answer_asset(path.removeprefix("/static/"))
            return
        language, _, name = path.strip("/").partition("/")
        if language in list(Language):
            self.answer(html(name, Language(language)), Language(language))
        else:
            self.answer(index(), Language.ENGLISH)

    def answer(self, page: str | None, language: Language) -> None:
        """Send HTML, with the headers that the real server sends."""
        self.send_response(200 if page else 404)
        for name, value in {**security_headers(), **language_headers(language)}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def answer_asset(self, path: str) -> None:
        """Send a static file."""
        found = find_asset(path)
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Content-Type", found[0].media_type)
            self.send_header("Cache-Control", found[1])
        self.end_headers()
        self.wfile.write(found[0].body if found else b"")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def index() -> str:
    """Links to all pages."""
    rows = "".join(
        f"<li>{name}: "
        + " ".join(f'<a href="/{language}/{name}">{language}</a>' for language in Language)
        for name in NAMES
    )
    return f"<!doctype html><title>Pages</title><ul>{rows}</ul>"


def serve(port: int = 0) -> ThreadingHTTPServer:
    """Start serving in the background."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Preview)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def say(*words: object) -> None:
    """Tell the person who looks."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def take_pictures(folder: Path, wanted: list[str]) -> None:
    """Write a picture of each page, language, width and theme, and what axe says."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    from tests.infra import programs
    from tests.infra.browser import FLAGS

    folder.mkdir(parents=True, exist_ok=True)
    server = serve()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=programs.chromium(), args=list(FLAGS))
        for width in (360, 390, 1280):
            for scheme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": width, "height": 844}, color_scheme=scheme
                )
                page = context.new_page()
                page.on("console", lambda message: say("console:", message.text))
                page.on("pageerror", lambda error: say("error:", error))
                for name in NAMES:
                    for language in Language:
                        if wanted and name not in wanted:
                            continue
                        page.goto(f"{base}/{language}/{name}")
                        where = f"{name}-{language}-{width}-{scheme}"
                        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                            say("OVERFLOW", where)
                        found = Axe().run(page)
                        if found.violations_count:
                            say("AXE", where, found.generate_report())
                        page.wait_for_timeout(950 if "paid" in name else 0)
                        page.screenshot(path=folder / f"{where}.png", full_page=True)
                context.close()
        chromium.close()
    server.shutdown()


if __name__ == "__main__":
    if sys.argv[1:]:
        take_pictures(Path(sys.argv[1]), sys.argv[2:])
    else:
        say(f"http://127.0.0.1:{serve(8790).server_address[1]}/ (Ctrl-C ends)")
        threading.Event().wait()
