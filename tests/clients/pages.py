"""A merchant's pages with the browser package: one for the watcher, the hook and the element."""

from __future__ import annotations

import json
from functools import cache

from tests.infra import programs
from tests.test_tidy import ROOT
from tests.web.misbehaving import Content

PACKAGE = ROOT / "clients" / "js"
# As strict as a policy can be for a page that runs scripts of its own origin.
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
WATCH = """
import { statusAddress, watch } from "/tallystick/index.js";
const { paymentId, token } = Object.fromEntries(new URLSearchParams(location.search));
const screen = document.querySelector("#screen");
watch(statusAddress({ paymentId }), {
  token,
  onStatus: (status) => (screen.textContent = status.phase),
});
"""
HOOK = """
import { createElement, createRoot, StrictMode, useState } from "react";
import { usePaymentStatusPolling } from "/tallystick/react.js";
const asked = Object.fromEntries(new URLSearchParams(location.search));
for (const name of ["initialInterval", "timeout"]) if (name in asked) asked[name] = +asked[name];
Object.assign(window, { changes: [], timeOuts: 0, renders: [] });

function Screen() {
  const [options, change] = useState(asked);
  const polling = usePaymentStatusPolling({
    ...options,
    onStatusChange: (status) => changes.push(status.version),
    onTimeout: () => timeOuts++,
  });
  Object.assign(window, { change, polling });
  const { status, isLoading, hasTimedOut } = polling;
  renders.push(status?.id ?? null);
  const known = status && (status.phase ?? status.currentStatus);
  return hasTimedOut ? "timed out" : isLoading ? "loading" : known ?? "nothing";
}
const root = createRoot(document.querySelector("#screen"));
const draw = (key) => root.render(createElement(StrictMode, { key }, createElement(Screen)));
// Begins anew, as a page does that was made with other words.
window.show = (words) => {
  Object.assign(asked, words);
  changes.length = 0;
  draw("anew");
};
draw("first");
"""
TOPUP = """
import { createElement, createRoot, useState } from "react";
import { useTopupSSE } from "/tallystick/react.js";
const { txRef, token } = Object.fromEntries(new URLSearchParams(location.search));
Object.assign(window, { updates: [], errors: [] });

function Screen() {
  const [options, change] = useState({ txRef, token });
  const topup = useTopupSSE({
    ...options,
    onStatusUpdate: (status) => updates.push(status.version),
    onError: (error) => errors.push(error.message),
  });
  Object.assign(window, { change, topup });
  return `${topup.status?.status ?? "nothing"} ${topup.isConnected ? "connected" : "alone"}`;
}
createRoot(document.querySelector("#screen")).render(createElement(Screen));
"""
MONITOR = """
import { createElement, createRoot, StrictMode, useState } from "react";
import { PaymentStatusMonitor } from "/tallystick/react.js";
const asked = Object.fromEntries(new URLSearchParams(location.search));
Object.assign(window, { changes: [] });

function Screen() {
  const [props, change] = useState(asked);
  Object.assign(window, { change });
  const onStatusChange = (status) => changes.push(status.currentStatus ?? status.phase);
  return createElement(PaymentStatusMonitor, { ...props, lang: "en", onStatusChange });
}
createRoot(document.querySelector("#screen")).render(
  createElement(StrictMode, null, createElement(Screen)),
);
"""
ELEMENT = """
import "/tallystick/payment-status.js";
const asked = Object.fromEntries(new URLSearchParams(location.search));
const element = document.createElement("payment-status");
Object.assign(window, { element, told: [], broken: [] });
addEventListener("payment-status", ({ detail }) => told.push(detail.version));
addEventListener("securitypolicyviolation", (event) => broken.push(event.violatedDirective));
const names = { paymentId: "payment", paymentLinkId: "link", lang: "lang" };
for (const name in names) if (asked[name]) element.setAttribute(names[name], asked[name]);
if (asked.token) element.token = asked.token;
document.querySelector("#screen").append(element);
"""
# CommonJS, as React is published, made into one module that a browser can import.
REACT = """
const process = { env: { NODE_ENV: "production" } }, loaded = {};
const sources = { %s };
function require(name) {
  if (!loaded[name]) {
    const module = (loaded[name] = { exports: {} });
    sources[name](module, module.exports);
    loaded[name] = module.exports;
  }
  return loaded[name];
}
export const { createElement, StrictMode } = require("react");
export const { useCallback, useEffect, useRef, useState } = require("react");
export const { createRoot } = require("react-dom/client");
"""
REACT_FILES = {
    "react": "react/cjs/react.production.js",
    "scheduler": "scheduler/cjs/scheduler.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
}


@cache
def pages() -> dict[str, Content]:
    """Every page and script, by its address."""
    scripts = {f"/tallystick/{path.name}": path.read_text() for path in PACKAGE.glob("*.js")}
    scripts |= {"/watch-page.js": WATCH, "/hook-page.js": HOOK, "/element-page.js": ELEMENT}
    scripts |= {"/topup-page.js": TOPUP, "/monitor-page.js": MONITOR, "/react.js": react()}
    return {
        "/watch": html('<script type="module" src="/watch-page.js"></script>', policy=STRICT),
        **{f"/{name}": html(
            '<script type="importmap">{"imports": {"react": "/react.js"}}</script>'
            f'<script type="module" src="/{name}-page.js"></script>'
        ) for name in ("hook", "topup", "monitor")},
        "/element": html(
            '<link rel="stylesheet" href="/scheme.css">'
            '<script type="module" src="/element-page.js"></script>', policy=STRICT,
        ),
        "/elsewhere": html('<script type="module" src="/element-page.js"></script>'),
        "/scheme.css": Content({"Content-Type": "text/css"}, b":root { color-scheme: light dark }"),
        **{address: script(text) for address, text in scripts.items()},
    }  # fmt: skip


def html(head: str, policy: str = "") -> Content:
    """A page with an empty place for the screen."""
    body = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Tea shop</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">{head}
<main><h1>Tea</h1><div id="screen"></div></main></html>"""
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Content(headers | ({"Content-Security-Policy": policy} if policy else {}), body.encode())


def script(text: str) -> Content:
    """A module."""
    return Content({"Content-Type": "text/javascript; charset=utf-8"}, text.encode())


def react() -> str:
    """React and its renderer as one module."""
    folder = programs.react()
    return REACT % ",".join(
        f"{json.dumps(name)}(module, exports) {{\n{(folder / path).read_text()}\n}}"
        for name, path in REACT_FILES.items()
    )
