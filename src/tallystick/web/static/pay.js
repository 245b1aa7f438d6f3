// @ts-check
/**
 * Keeps an open pay page true. Every word comes from the server: when the payment changes, this
 * fetches the page again and swaps its `<main>`.
 */
import { watch } from "./watch.js";

const ENDINGS = { PAID: "success", EXPIRED: "expired", CANCELED: "canceled" };
const RETRY_MS = 5000;
const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const main = () => /** @type {HTMLElement} */ (document.querySelector("main"));

/** How far the server's clock is ahead of this device's, in milliseconds. */
const ahead = (() => {
  const [load] = performance.getEntriesByType("navigation");
  const answered = /** @type {PerformanceNavigationTiming | undefined} */ (load)?.responseStart ?? 0;
  return Date.parse(main().dataset.now ?? "") - (performance.timeOrigin + answered);
})();

const shown = () => Number(main().dataset.version);
let wanted = shown();

/** @param {{version: number, final: boolean, currentStatus?: keyof typeof ENDINGS}} status */
function follow(status) {
  if (status.version <= shown()) return;
  wanted = status.version;
  // A top-up has one address for all of its states.
  const ending = status.final && status.currentStatus && ENDINGS[status.currentStatus];
  const path = ending ? `${main().dataset.home}/${ending}` : "";
  if (path && location.pathname !== path) location.replace(path + location.search);
  else fetchAgain();
}

/**
 * An XMLHttpRequest parses the page without running it, and without a sink that Trusted Types
 * would have to guard.
 */
function fetchAgain() {
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.onloadend = () => {
    const fresh = request.status === 200 && request.response?.querySelector("main");
    if (fresh && Number(fresh.dataset.version) > shown()) {
      document.title = request.response.title;
      swap(fresh);
    }
    if (shown() < wanted) setTimeout(fetchAgain, RETRY_MS);
  };
  request.send();
}

/** @param {HTMLElement} fresh */
function swap(fresh) {
  const focused = document.activeElement;
  const inside = main().contains(focused);
  const open = [...main().querySelectorAll("details[open]")].map((details) => details.id);
  main().replaceWith(fresh);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (inside) (document.getElementById(focused?.id ?? "") ?? fresh).focus({ preventScroll: true });
  tick();
  const words = [fresh.querySelector("h1"), fresh.querySelector("h1 + p")];
  say(words.map((word) => word?.textContent).join(" "));
}

/** @param {string} words */
function say(words) {
  live.textContent = words;
}

/** Counts down in the server's time. */
function tick() {
  for (const timer of document.querySelectorAll("[data-until]")) {
    const until = Date.parse(/** @type {HTMLElement} */ (timer).dataset.until ?? "");
    const left = Math.max(0, Math.ceil((until - Date.now() - ahead) / 1000));
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    timer.textContent = (hours ? `${hours}:${two(minutes)}` : minutes) + `:${two(seconds)}`;
    timer.closest("[hidden]")?.removeAttribute("hidden");
  }
}

/** @param {HTMLElement} button */
async function copy(button) {
  const text = button.dataset.copy ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyOldWay(text)) return;
  }
  const label = /** @type {HTMLElement} */ (button.firstElementChild);
  const before = label.textContent;
  const done = button.dataset.done ?? "";
  if (before === done) return;
  label.textContent = done;
  say(`${done}: ${button.lastElementChild?.textContent?.trim()}`);
  setTimeout(() => (label.textContent = before), 2000);
}

/**
 * For pages without the clipboard interface, such as those over plain HTTP.
 * @param {string} text
 */
function copyOldWay(text) {
  const field = document.createElement("textarea");
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  field.value = text;
  field.className = "unseen";
  field.readOnly = true;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused.focus();
  return copied;
}

document.documentElement.classList.add("live");
document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element && target.closest("[data-copy]");
  if (button) copy(/** @type {HTMLElement} */ (button));
});
tick();
setInterval(tick, 1000);
// Money may come when the time is over, too: only a payment that is paid is left alone.
const isPaid = (/** @type {any} */ { final, phase, currentStatus, status }) =>
  final && /^(paid|confirmed)$/i.test(phase ?? currentStatus ?? status);
const { status } = main().dataset;
if (status) watch(status, { onStatus: follow, ends: isPaid });
