// @ts-check
/** `<payment-status>`: one payment or link, live, in words. */
import { statusAddress } from "./address.js";
import { watch } from "./watch.js";
import { IN_FLIGHT, OTHER_CURRENCY, WORDS } from "./words.js";

const TONES = {
  processing: "busy",
  partial: "attention",
  paid: "good",
  paid_late: "good",
  paid_over: "good",
  expired_partial: "attention",
  canceled_money: "attention",
  other_currency: "attention",
  expired: "over",
  canceled: "over",
  draft: "over",
  missing: "over",
  unreachable: "attention",
};

// Light or dark is what the page around it is: `color-scheme` is inherited.
const STYLE = `
:host {
  display: block;
  font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
:host([hidden]) { display: none; }
[role="status"] {
  --ground: light-dark(#e7efe9, #1d2f2a);
  --ink: light-dark(#0f4c47, #a5dfcb);
  background: var(--payment-status-ground, var(--ground));
  border-radius: 14px;
  color: var(--payment-status-ink, var(--ink));
  padding: 1rem 1.25rem;
}
[data-tone="busy"] { --ground: light-dark(#e5eef9, #1a2b40); --ink: light-dark(#1d477f, #b2d2f8); }
[data-tone="attention"] { --ground: light-dark(#fbeecb, #382c10); --ink: light-dark(#6b4700, #f5d48a); }
[data-tone="good"] { --ground: light-dark(#dcf1e0, #15351f); --ink: light-dark(#0f5a2f, #9ee5b2); }
[data-tone="over"] { --ground: light-dark(#ebe8df, #2a2d26); --ink: light-dark(#45483f, #d3d4c9); }
p { margin: 0; overflow-wrap: anywhere; }
p:empty { display: none; }
.title { font-size: 1.125rem; font-weight: 650; }
`;

// Where there is no browser (a server that renders pages), the module can still be imported.
const Base = globalThis.HTMLElement ?? class {};

export class PaymentStatusElement extends Base {
  static observedAttributes = ["payment", "link", "base-url", "token", "initial-status", "lang"];

  /** @type {any} */
  #status = null;
  #scene = "loading";
  #address = "";
  #token = "";
  #stop = () => {};
  #planned = false;
  #box = element("div");
  #title = element("p", "title");
  #advice = element("p", "advice");

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet()];
    this.#box.setAttribute("role", "status");
    this.#box.setAttribute("aria-live", "polite");
    this.#box.append(this.#title, this.#advice);
    root.append(this.#box);
  }

  /** The newest status, or null. */
  get status() {
    return this.#status;
  }

  /** The client token; as a property it does not stand in the page's source. */
  get token() {
    return this.#token || this.getAttribute("token") || "";
  }

  set token(value) {
    this.#token = value;
    this.attributeChangedCallback();
  }

  connectedCallback() {
    this.attributeChangedCallback();
  }

  disconnectedCallback() {
    this.#stop();
    this.#address = "";
  }

  /** Several attributes in one go begin to follow once. */
  attributeChangedCallback() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (this.isConnected) this.#follow();
      if (!this.#status && this.#scene === "loading") this.#scene = this.#first();
      this.#draw();
    });
  }

  #follow() {
    const url = statusAddress({
      baseUrl: this.getAttribute("base-url") ?? "",
      paymentId: this.getAttribute("payment"),
      paymentLinkId: this.getAttribute("link"),
    });
    const address = `${this.token} ${url}`;
    if (address === this.#address) return;
    this.#stop();
    this.#address = address;
    this.#status = null;
    this.#scene = this.#first();
    if (!url) return;
    this.#stop = watch(url, {
      token: this.token,
      // Who has paid too late still wants to know that the money has arrived.
      ends: (status) => status.final && !/^expired/.test(sceneOf(status)),
      onStatus: (status) => this.#show(status),
      onError: (error) => this.#fail(error),
    });
  }

  /** What is shown before the first answer: what the server that made the page knew, if it said. */
  #first() {
    const word = (this.getAttribute("initial-status") ?? "").toLowerCase();
    const scene = word === "open" ? "waiting" : word;
    return ["draft", "waiting", "processing", "paid", "expired", "canceled"].includes(scene)
      ? scene
      : "loading";
  }

  /** @param {any} status */
  #show(status) {
    this.#status = status;
    this.#scene = sceneOf(status);
    this.#draw();
    const news = { bubbles: true, composed: true, detail: status };
    this.dispatchEvent(new CustomEvent("payment-status", news));
  }

  /**
   * What is known stays on the screen: a lost connection does not make it untrue.
   * @param {any} error
   */
  #fail(error) {
    const missing = [401, 403, 404].includes(error?.status);
    if (this.#status || (!missing && this.#first() !== "loading")) return;
    this.#scene = missing ? "missing" : "unreachable";
    this.#draw();
  }

  #draw() {
    const [language, words] = wordsFor(this.lang || document.documentElement.lang);
    const [title, advice] = words[this.#scene];
    this.#box.lang = language;
    this.#box.dataset.tone = TONES[/** @type {keyof TONES} */ (this.#scene)] ?? "calm";
    this.setAttribute("state", this.#scene);
    write(this.#title, filled(title, this.#status, language));
    write(this.#advice, filled(advice, this.#status, language));
  }
}

/** @param {any} status */
function sceneOf({ phase, currentStatus, statusMessage, amountState, late }) {
  if (statusMessage === OTHER_CURRENCY) return "other_currency";
  const held = amountState !== "none";
  const word = phase ?? (statusMessage === IN_FLIGHT ? "processing" : currentStatus.toLowerCase());
  if (word === "paid") return amountState === "over" ? "paid_over" : late ? "paid_late" : "paid";
  if (word === "open") return held ? "partial" : "waiting";
  if (word === "expired") return held ? "expired_partial" : "expired";
  if (word === "canceled") return held ? "canceled_money" : "canceled";
  return word;
}

/**
 * @param {string} wanted a language tag, such as `vi-VN`
 * @returns {[string, Record<string, [string, string]>]}
 */
function wordsFor(wanted) {
  const tags = [wanted, ...navigator.languages].map((tag) => tag.split("-")[0].toLowerCase());
  const language = tags.find((tag) => tag in WORDS) ?? "en";
  return [language, WORDS[language]];
}

/**
 * @param {string} text
 * @param {any} status
 * @param {string} language
 */
function filled(text, status, language) {
  const amounts = {
    due: () => status.amount,
    received: () => status.received,
    rest: () => status.amount - status.received,
    surplus: () => status.received - status.amount,
  };
  return text.replace(/\{(\w+)\}/g, (_, name) =>
    money(amounts[/** @type {keyof amounts} */ (name)](), status.currency, language),
  );
}

/**
 * @param {number} minor
 * @param {string} currency
 * @param {string} language
 */
function money(minor, currency, language) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** decimals);
}

/** Words that stay the same are not written again, so that they are not read out again.
 * @param {HTMLElement} place
 * @param {string} text
 */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/**
 * @param {string} tag
 * @param {string} [name]
 */
function element(tag, name) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (name) made.setAttribute("part", name);
  return made;
}

/** @type {CSSStyleSheet | undefined} */
let style;

/** One for all elements; made by script, so a policy without `unsafe-inline` is no matter. */
function sheet() {
  if (!style) {
    style = new CSSStyleSheet();
    style.replaceSync(STYLE);
  }
  return style;
}

if (globalThis.customElements && !customElements.get("payment-status")) {
  customElements.define("payment-status", PaymentStatusElement);
}
