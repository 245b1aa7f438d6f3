"""What a pay page says, worked out from a snapshot, before it becomes HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.datastructures import URL

from tallystick.domain.bank_apps import bank_links
from tallystick.domain.errors import Invalid
from tallystick.domain.money import Money
from tallystick.domain.payment import AttemptState, Phase, is_final
from tallystick.domain.snapshot import AttemptPart, Snapshot
from tallystick.domain.vietqr import VietQR
from tallystick.web.pages import figures, qr
from tallystick.web.pages.language import Language, Words, words
from tallystick.web.pages.scene import TONES, PageKind, Scene, Tone, scene_of

_PAYABLE: Final = {AttemptState.AWAITING_PAYER, AttemptState.PROCESSING}
_SHOWS_CHECKOUT: Final = {Scene.WAITING, Scene.PARTIAL}
_SHOWS_CHOICES: Final = {
    Scene.CHOOSE, Scene.RETRY, Scene.PREPARING, Scene.WAITING, Scene.PARTIAL,
}  # fmt: skip
_SHOWS_STEPS: Final = {Scene.PREPARING, Scene.WAITING, Scene.PARTIAL, Scene.PROCESSING}
_REFRESHES: Final = {
    Scene.PREPARING, Scene.WAITING, Scene.PARTIAL, Scene.CLOSING, Scene.PROCESSING,
    Scene.OTHER_CURRENCY, Scene.EXPIRED, Scene.EXPIRED_PARTIAL,
}  # fmt: skip
_STANDS_STILL: Final = {Scene.CLOSING, Scene.PROCESSING, Scene.OTHER_CURRENCY}


class Manner(StrEnum):
    """How one pays at a gateway, as far as a payer sees it."""

    QR = "qr"
    HOSTED = "hosted"


@dataclass(frozen=True, slots=True)
class GatewayChoice:
    """A gateway that the payer may choose: its name in our addresses and its title for people."""

    name: str
    title: str
    manner: Manner | None = None


def titled(choices: Sequence[GatewayChoice], language: Language) -> tuple[GatewayChoice, ...]:
    """The same gateways with titles in the reader's language, where we have words for them."""
    tell = words(language)
    return tuple(
        replace(one, title=tell(key)) if (key := f"gateway.{one.name}") in tell else one
        for one in choices
    )


@dataclass(frozen=True, slots=True)
class Site:
    """What is the same on every page of this server: its public address and who is paid."""

    base_url: str
    merchant: str | None = None

    @property
    def root(self) -> str:
        """The path that our addresses begin with; empty where the server has a host of its own."""
        return urlsplit(self.base_url).path.rstrip("/")


@dataclass(frozen=True, slots=True)
class Visit:
    """How and when a page is read.

    `notice` is a code such as `declined`, shown in our own words while the payment is open; a code
    that we do not know shows nothing. `zone` is for times; where it is not given, the one that
    payers of the currency live in.
    """

    language: Language
    now: datetime
    page: PageKind = PageKind.PAY
    csrf: str | None = None
    notice: str | None = None
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list: `label` names its words, `copy` is what its button copies."""

    label: str
    text: str
    copy: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Where the payer pays: the code, the account, the gateway's own page, as far as given.

    `apps` are the names and addresses of bank apps that open with the transfer filled in. A bill is
    found by the payer's bank by its reference; there is no account to send to.
    """

    apps: tuple[tuple[str, str], ...]
    code: Markup | None
    code_withheld: bool
    bill: bool
    transfer: tuple[Fact, ...]
    checkout_url: str | None
    instructions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PayView:
    """Everything that the template of the pay page needs, in the payer's language."""

    scene: Scene
    tone: Tone
    title: str
    advice: str
    notice: str | None
    version: int
    final: bool
    listens: bool
    refreshes: bool
    amount_label: str
    amount: str
    progress: tuple[int, int] | None
    description: str
    deadline: datetime | None
    facts: tuple[Fact, ...]
    gateway: str
    panel: Panel | None
    steps: tuple[str, ...]
    choices: tuple[GatewayChoice, ...]
    back: tuple[str, str] | None
    test_mode: bool


def pay_view(
    snapshot: Snapshot,
    code: str,
    visit: Visit,
    gateways: Sequence[GatewayChoice],
    address: str = "",
) -> PayView:
    """Work out the page for a payment as it stands at `visit.now`, at its public address.

    Its payer knows it by `code`.
    """
    tell = words(visit.language)
    gateways = titled(gateways, visit.language)
    scene = scene_of(snapshot, visit.now, choices=bool(gateways))
    amounts = _amounts(snapshot, visit.language)
    rest = scene is Scene.PARTIAL
    panel = _panel(snapshot, visit.language, address) if scene in _SHOWS_CHECKOUT else None
    gateway = _title(snapshot, gateways)
    return PayView(
        scene=scene,
        tone=TONES[scene],
        title=tell(f"scene.{scene}.title", **amounts),
        advice=tell(f"scene.{scene}.advice", **amounts),
        notice=_notice(snapshot, visit, tell),
        version=snapshot.version,
        final=is_final(snapshot.phase),
        listens=snapshot.phase is not Phase.PAID,
        refreshes=scene in _REFRESHES,
        amount_label="rest" if rest else "amount",
        amount=amounts["rest" if rest else "due"],
        progress=(snapshot.received_minor, snapshot.due.minor) if rest else None,
        description=figures.plain(snapshot.description),
        deadline=snapshot.expires_at if _counts_down(snapshot, scene) else None,
        facts=_facts(snapshot, _reference(snapshot, panel, code), visit, gateway),
        gateway=gateway,
        panel=panel,
        steps=_steps(scene, panel) if scene in _SHOWS_STEPS else (),
        choices=_choices(scene, snapshot.attempt, gateways),
        back=_back(snapshot),
        test_mode=snapshot.test_mode,
    )


def _amounts(snapshot: Snapshot, language: Language) -> dict[str, str]:
    due, received = snapshot.due.minor, snapshot.received_minor
    minors = {
        "due": due,
        "received": received,
        "rest": max(due - received, 0),
        "surplus": max(received - due, 0),
        "refunded": snapshot.refunded_minor,
    }
    currency = snapshot.due.currency
    return {name: figures.money(Money(minor, currency), language) for name, minor in minors.items()}


def _notice(snapshot: Snapshot, visit: Visit, tell: Words) -> str | None:
    """What a payer should hear who comes from somewhere else than this page."""
    if snapshot.phase not in {Phase.OPEN, Phase.PROCESSING}:
        return None
    if visit.notice and f"notice.{visit.notice}" in tell:
        return tell(f"notice.{visit.notice}")
    if visit.page is PageKind.SUCCESS:
        return tell("notice.unconfirmed")
    is_open = snapshot.phase is Phase.OPEN
    return tell("notice.still_open") if is_open and visit.page is not PageKind.PAY else None


def _counts_down(snapshot: Snapshot, scene: Scene) -> bool:
    return snapshot.phase is Phase.OPEN and scene not in _STANDS_STILL


def _reference(snapshot: Snapshot, panel: Panel | None, code: str) -> str | None:
    """What a payer calls the payment: one name, at the bank and on this page.

    A bill's is the reference number that the bank asks for; where the panel shows it, nothing else.
    """
    given = {} if snapshot.attempt is None else snapshot.attempt.checkout
    if not _is_bill(given):
        return code
    return None if panel is not None else given["transfer_content"]


def _is_bill(given: Mapping[str, str]) -> bool:
    """Whether the payer's bank finds it by its reference, without an account."""
    account = given.get("account_number") or given.get("va_number")
    return bool(given.get("transfer_content")) and not account


def _facts(snapshot: Snapshot, code: str | None, visit: Visit, gateway: str) -> tuple[Fact, ...]:
    """The record of the payment: what a payer would write down."""
    zone = visit.zone or figures.home_zone(snapshot.due.currency)
    amounts = _amounts(snapshot, visit.language)
    paid = snapshot.phase is Phase.PAID
    facts = [Fact("code", code, code)] if code else []
    if snapshot.received_minor > 0 and (not paid or snapshot.received_minor != snapshot.due.minor):
        facts.append(Fact("received", amounts["received"]))
    if paid and snapshot.paid_at is not None:
        facts.append(Fact("paid_at", figures.moment(snapshot.paid_at, visit.language, zone)))
    if paid and gateway:
        facts.append(Fact("method", gateway))
    if snapshot.refunded_minor > 0:
        refunded = Money(snapshot.refunded_minor, snapshot.due.currency)
        facts.append(Fact("refunded", figures.money(refunded, visit.language)))
    if snapshot.phase in {Phase.OPEN, Phase.EXPIRED}:
        label = "ended_at" if visit.now >= snapshot.expires_at else "deadline"
        facts.append(Fact(label, figures.moment(snapshot.expires_at, visit.language, zone)))
    return tuple(facts)


def _title(snapshot: Snapshot, gateways: Sequence[GatewayChoice]) -> str:
    name = snapshot.attempt.gateway if snapshot.attempt else snapshot.gateway
    return next((choice.title for choice in gateways if choice.name == name), name or "")


def _panel(snapshot: Snapshot, language: Language, address: str) -> Panel | None:
    attempt = snapshot.attempt
    if attempt is None or attempt.state not in _PAYABLE:
        return None
    given, rest = attempt.checkout, _rest(snapshot)
    payload = given.get("qr_code", "")
    fits = _asks_for(payload, rest, untouched=snapshot.received_minor <= 0)
    code = qr.draw(payload) if fits else None
    return Panel(
        # The accounts of a test are invented, and a bank's app is not.
        apps=_apps(payload, given.get("account_name"), address)
        if fits and not snapshot.test_mode
        else (),
        code=code,
        code_withheld=bool(payload) and not fits,
        bill=_is_bill(given),
        transfer=_transfer(given, rest, language),
        checkout_url=web_address(given.get("checkout_url")),
        instructions=_instructions(attempt, rest, language),
    )


def _instructions(attempt: AttemptPart, rest: Money, language: Language) -> tuple[str, ...]:
    """How one pays there: in the reader's language where we have words, else in the gateway's."""
    tell, key = words(language), f"instructions.{attempt.gateway}"
    told = attempt.checkout.get("instructions", "")
    if told and key in tell and _is_bill(attempt.checkout):
        told = tell(key, amount=figures.money(rest, language))
    return tuple(filter(None, map(figures.plain, told.split("\n"))))


def _apps(payload: str, name: str | None, address: str) -> tuple[tuple[str, str], ...]:
    try:
        return bank_links(VietQR.parse(payload), name, address)
    except Invalid:
        return ()


def _rest(snapshot: Snapshot) -> Money:
    return Money(snapshot.due.minor - snapshot.received_minor, snapshot.due.currency)


def _asks_for(payload: str, rest: Money, *, untouched: bool) -> bool:
    """Whether scanning the code pays what is still due, no more and no less."""
    asked = qr.asked_amount(payload, rest.currency)
    if asked is not None:
        return asked == rest
    return untouched or qr.lets_payer_choose(payload)


def _transfer(given: Mapping[str, str], rest: Money, language: Language) -> tuple[Fact, ...]:
    """The lines of a bank transfer by hand; none where there is nothing to pay to.

    Without an account it is a bill, which the payer's bank finds by its reference.
    """
    account, virtual = given.get("account_number"), given.get("va_number")
    content = given.get("transfer_content")
    if not (account or virtual or content):
        return ()
    texts = (
        ("bank", given.get("bank_name") or given.get("bank_bin")),
        ("account_number", account),
        ("va_number", virtual if virtual != account else None),
        ("account_name", given.get("account_name")),
    )
    facts = [_copied(label, text) for label, text in texts if text]
    facts.append(Fact("transfer_amount", figures.money(rest, language), rest.major()))
    if content:
        label = "reference_number" if _is_bill(given) else "transfer_content"
        facts.append(_copied(label, content))
    return tuple(facts)


def _copied(label: str, text: str) -> Fact:
    shown = figures.plain(text)
    return Fact(label, shown, shown)


def _steps(scene: Scene, panel: Panel | None) -> tuple[str, ...]:
    if panel is not None and panel.bill:
        return "pay_bill", "bank_sends", "page_tells"
    if panel is not None and (panel.transfer or panel.code):
        return "pay_transfer", "bank_sends", "page_tells"
    if panel is not None and panel.checkout_url:
        return "pay_hosted", "gateway_confirms", "page_tells"
    return ("gateway_confirms", "page_tells") if scene is Scene.PROCESSING else ("page_tells",)


def _choices(
    scene: Scene, attempt: AttemptPart | None, gateways: Sequence[GatewayChoice]
) -> tuple[GatewayChoice, ...]:
    """The gateways to offer. The one in use is not offered again, unless it is of no more use."""
    if scene not in _SHOWS_CHOICES:
        return ()
    in_use = attempt.gateway if attempt and scene in {Scene.WAITING, Scene.PREPARING} else None
    return tuple(choice for choice in gateways if choice.name != in_use)


def _back(snapshot: Snapshot) -> tuple[str, str] | None:
    """The way back to the merchant: where to, and the label's name."""
    if is_final(snapshot.phase):
        url, label = web_address(snapshot.return_url), "return"
    else:
        url, label = web_address(snapshot.cancel_url), "cancel"
    error = snapshot.payment_error
    if url and error is not None and snapshot.purpose == "task":
        # The portal that waits for the task hears why its user comes back without having paid.
        url = str(URL(url).include_query_params(payment_error=error))
    return (url, label) if url else None


def web_address(url: str | None) -> str | None:
    """The address, if it is one that a link may lead to: never `javascript:` and its like."""
    try:
        scheme = urlsplit(url or "").scheme
    except ValueError:
        return None
    return url if scheme in {"http", "https"} else None
