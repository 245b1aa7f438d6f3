"""What a payer, a bank, a gateway or an attacker does, written once for all simulated gateways."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final

from tallystick.domain.errors import Conflict, Invalid
from tallystick.domain.money import Money, exponent
from tallystick.sandbox.simulators.act_context import ActContext
from tallystick.sandbox.simulators.base import Change, Refunder, Reverser, SlowRefunder, Transfer
from tallystick.sandbox.simulators.faults import Fault

_REPLAY_AFTER_S: Final = 3600.0
_REPEATS: Final = 10
_MOST_REPEATS: Final = 1000
_STRANGERS_S: Final = 600.0
_STRANGERS_WORDS: Final = (
    "NGUYEN VAN A chuyen tien", "tra no", "tien nha thang 11", "CT tu 0451 toi 9704", "luong",
    "MBVCB.9911 an trua", "", "TS thue nha", "mung cuoi TS 2026",
)  # fmt: skip
_STRANGE: Final = {"zNewFlag": True, "aNewList": [{"b": "2", "a": "đ/1"}], "newNothing": None}


def _told(scene: ActContext, amount: int) -> str:
    return str(Money(amount, scene.order().currency))


def _pay(scene: ActContext) -> str:
    owed = scene.owed()
    if scene.amount not in {None, owed}:
        raise Invalid(f"`pay` pays what is due, {owed}; use underpay or overpay for less or more.")
    scene.tell(scene.arrive(scene.money(owed)))
    return f"The payer paid {_told(scene, owed)}."


def _underpay(scene: ActContext) -> str:
    owed = scene.owed()
    amount = scene.amount or owed - max(1, owed // 10)
    if not 0 < amount < owed:
        raise Invalid(f"`underpay` pays less than {owed} and more than 0.")
    scene.tell(scene.arrive(scene.money(amount)))
    return f"The payer paid {_told(scene, amount)} of {_told(scene, owed)}."


def _overpay(scene: ActContext) -> str:
    owed = scene.owed()
    amount = scene.amount or owed + max(1, owed // 10)
    if amount <= owed:
        raise Invalid(f"`overpay` pays more than {owed}.")
    scene.tell(scene.arrive(scene.money(amount)))
    return f"The payer paid {_told(scene, amount)} where {_told(scene, owed)} was due."


def _pay_twice(scene: ActContext) -> str:
    amount = scene.order().amount
    for _ in range(2):
        scene.tell(scene.arrive(scene.money(amount)))
    return f"The payer paid {_told(scene, amount)} twice, with two references."


def _pay_late(scene: ActContext) -> str:
    status = scene.order().status
    return f"{_pay(scene)} The offer was {status} by then."


def _wrong_currency(scene: ActContext) -> str:
    order, traits = scene.order(), scene.simulator.traits
    others = traits.currencies - {order.currency}
    usual = "USD" if order.currency != "USD" else "EUR"
    currency = scene.currency or min(others, key=lambda one: (one != usual, one), default=usual)
    exponent(currency)
    if currency == order.currency:
        raise Invalid(f"`wrong_currency` pays in another currency than {currency}.")
    if traits.currencies and currency not in traits.currencies:
        moves = ", ".join(sorted(traits.currencies))
        raise Conflict(f"{traits.title} moves {moves} only; {currency} cannot arrive.")
    paid = Money(scene.amount or order.amount, currency)
    scene.tell(scene.arrive(scene.money(paid.minor, currency)))
    return f"The payer paid {paid} where {order.currency} was due."


def _decline(scene: ActContext) -> str:
    scene.tell(scene.keep(scene.simulator.decline(scene.order(), scene.now)))
    return "The payment failed."


def _cancel(scene: ActContext) -> str:
    scene.tell(scene.keep(scene.simulator.cancel(scene.order(), scene.now)))
    return "The payer gave up at the gateway."


def _mangle_memo(scene: ActContext) -> str:
    memo = scene.simulator.memo(scene.order())
    if memo is None:
        title = scene.simulator.traits.title
        raise Conflict(f"Payers of {title} write no memo, so no bank can mangle it.")
    content = mangled(memo, scene.luck)
    scene.tell(scene.arrive(scene.money(scene.owed(), memo=content)))
    return f"The payer paid; the bank made {content!r} of the memo {memo!r}."


def _forget_memo(scene: ActContext) -> str:
    if scene.simulator.memo(scene.order()) is None:
        title = scene.simulator.traits.title
        raise Conflict(f"Payers of {title} write no memo, so there is none to forget.")
    times = 1 if scene.times is None else scene.times
    events = scene.arrive(scene.money(scene.owed(), memo="chuyen tien"))
    for _ in range(min(times, _MOST_REPEATS)):
        scene.tell(events)
    return f"The payer paid and wrote no code; the notice comes {times} times."


def _lose_webhook(scene: ActContext) -> str:
    scene.arrive(scene.money(scene.owed()))
    return "The payer paid, and no notice will ever come."


def _repeat_webhook(scene: ActContext) -> str:
    times = _REPEATS if scene.times is None else scene.times
    if not 1 <= times <= _MOST_REPEATS:
        raise Invalid(f"times is a whole number from 1 to {_MOST_REPEATS}.")
    events = scene.arrive(scene.money(scene.owed()))
    for copy in range(times):
        scene.tell(events, together="copies", once=copy > 0)
    return f"The payer paid; the same notice comes {times} times at once."


def _reorder_webhooks(scene: ActContext) -> str:
    owed = scene.owed()
    if not scene.simulator.traits.splits or owed < 2:
        events = scene.arrive(scene.money(owed))
    else:
        first = scene.arrive(scene.money(owed // 2))
        events = first + scene.arrive(scene.money(owed - owed // 2))
    scene.tell(events[::-1])
    return f"The payer paid in {len(scene.moved)} transfers; the notices come in reverse."


def _replay_webhook(scene: ActContext) -> str:
    events = scene.arrive(scene.money(scene.owed()))
    scene.tell(events, due=scene.now)
    later = scene.now + timedelta(seconds=scene.delay_s or _REPLAY_AFTER_S)
    scene.tell(events, due=later, sealed_at=scene.now, once=True)
    return "The payer paid; the same bytes, signed at the same time, come again later."


def _forge_webhook(scene: ActContext) -> str:
    order, owed = scene.order(), scene.owed()
    forged = scene.simulator.take(order, scene.money(owed)).events
    scene.tell(forged, rightly=False, once=True)
    if not scene.simulator.traits.asks:
        return "Nobody paid; a notice with a wrong signature came."
    scene.tell(scene.simulator.take(order, scene.money(owed)).events, once=True)
    return "Nobody paid; a wrongly signed notice came, then a rightly signed lie."


def _truncate_webhook(scene: ActContext) -> str:
    scene.tell(scene.arrive(scene.money(scene.owed())), cut=True)
    return "The payer paid; the notice is cut short first, and comes whole with the retry."


def _unknown_field(scene: ActContext) -> str:
    events = scene.arrive(scene.money(scene.owed()))
    scene.tell(tuple({**event, **_STRANGE} for event in events))
    return "The payer paid; the notice has fields that nobody knows."


def _unknown_value(scene: ActContext) -> str:
    order, title = scene.order(), scene.simulator.traits.title
    if not scene.simulator.traits.grows:
        raise Conflict(f"{title} has no list of values that would get longer.")
    scene.keep(Change(replace(order, terms={**order.terms, "tomorrow": True})))
    scene.tell(scene.arrive(scene.money(scene.owed())))
    return f"The payer paid; of this order {title} tells values that no published list has."


def _dashboard_refund(scene: ActContext) -> str:
    simulator, order = scene.simulator, scene.order()
    title = simulator.traits.title
    if not isinstance(simulator, Refunder):
        raise Conflict(f"{title} has no refunds: money goes back by a merchant's own transfer.")
    if not order.transfers:
        raise Conflict(f"There is no money at {title} that could go back.")
    amount = scene.amount or order.received
    scene.tell(scene.keep(simulator.refund(order, amount, scene.now)))
    return f"The merchant gave {_told(scene, amount)} back in the dashboard of {title}."


def _reverse_refund(scene: ActContext) -> str:
    simulator, order = _reverser(scene, "no refunds that could come back"), scene.order()
    scene.tell(scene.keep(simulator.reverse_refund(order, scene.now)))
    return f"{simulator.traits.title} took the last refund back: its money is here again."


def _slow_refunds(scene: ActContext) -> str:
    scene.keep(_slow_refunder(scene).slow_refunds(scene.order()))
    return "Refunds of this order wait for the payer's bank: they are pending until finish_refund."


def _finish_refund(scene: ActContext) -> str:
    scene.tell(scene.keep(_slow_refunder(scene).finish_refund(scene.order(), scene.now)))
    return "The payer's bank took the last pending refund: it went through."


def _slow_refunder(scene: ActContext) -> SlowRefunder:
    if not isinstance(scene.simulator, SlowRefunder):
        raise Conflict(f"{scene.simulator.traits.title} has no refunds that wait for a bank.")
    return scene.simulator


def _chargeback(scene: ActContext, state: str) -> str:
    simulator, order = _reverser(scene, "no cards"), scene.order()
    if not order.transfers:
        raise Conflict(f"There is no money at {simulator.traits.title} that a bank could dispute.")
    scene.tell(scene.keep(simulator.charge_back(order, state, scene.now)))
    return _CHARGED_BACK[state]


_CHARGED_BACK: Final = {
    "open": "The payer's bank disputes the last payment.",
    "lost": "The payer's bank took the last payment back.",
    "won": "The payer's bank gave up: the last payment stays.",
}


def _reverser(scene: ActContext, lacks: str) -> Any:
    if not isinstance(scene.simulator, Reverser):
        raise Conflict(f"{scene.simulator.traits.title} has {lacks}.")
    return scene.simulator


def _stray_transfer(scene: ActContext) -> str:
    order, amount = scene.order(), scene.amount or scene.order().amount
    name = scene.simulator.reference(scene.luck, scene.now)
    transfer = Transfer(name, amount, order.currency, scene.now, "chuyen tien")
    terms = {**order.terms, "metadata": {}, "refunds": type(order.terms.get("refunds", []))()}
    stray = replace(order, ref=f"stray-{name}", id=f"{order.id[:8]}-{name}", amount=amount,
                    terms=terms, transfers=())  # fmt: skip
    scene.keep(scene.simulator.take(stray, transfer))
    scene.moved.append(transfer)
    return f"{_told(scene, amount)} came that names nothing of ours, and no notice will come."


def _lose_transfer(scene: ActContext) -> str:
    order = scene.order()
    if not order.transfers:
        raise Conflict("There is no transfer in the books that could get lost.")
    left = order.transfers[:-1]
    status = order.status if left else scene.simulator.traits.unpaid or order.status
    scene.keep(Change(replace(order, transfers=left, status=status)))
    return f"The books of {scene.simulator.traits.title} have lost the last transfer."


def _change_transfer(scene: ActContext) -> str:
    order = scene.order()
    if not order.transfers:
        raise Conflict("There is no transfer in the books that could change.")
    last = order.transfers[-1]
    amount = scene.amount or last.amount - 1
    changed = (*order.transfers[:-1], replace(last, amount=amount))
    scene.keep(Change(replace(order, transfers=changed)))
    return f"The last transfer is {_told(scene, amount)} in the books now."


def _lose_refund(scene: ActContext) -> str:
    order = scene.order()
    made = order.terms.get("refunds")
    if not made:
        raise Conflict("There is no refund in the books that could get lost.")
    left = dict(list(made.items())[:-1]) if isinstance(made, dict) else list(made)[:-1]
    scene.keep(Change(replace(order, terms={**order.terms, "refunds": left})))
    return f"The books of {scene.simulator.traits.title} have lost the last refund."


def _strangers(scene: ActContext) -> str:
    """Other people's money comes to the account, spread over the minutes before; nobody is told."""
    if not scene.simulator.traits.shared:
        raise Conflict("Nobody but payers of ours pays to this gateway.")
    times = _REPEATS if scene.times is None else scene.times
    seen = [
        Transfer(
            scene.simulator.reference(scene.luck, scene.now),
            scene.amount or 1_000 * scene.luck.randrange(1, 5_000),
            scene.order().currency,
            scene.now - timedelta(seconds=scene.luck.uniform(0, _STRANGERS_S)),
            scene.luck.choice(_STRANGERS_WORDS),
        )
        for _ in range(times)
    ]
    # They are entered one after the other, now.
    seen = [
        replace(one, entered_at=scene.now + timedelta(microseconds=number))
        for number, one in enumerate(sorted(seen, key=lambda one: one.at))
    ]
    book_strangers(scene, "", seen)
    return f"{times} transfers of other people came to the same account."


def _odd_lines(scene: ActContext) -> str:
    """Lines that no documentation describes: without a memo, without a reference, of no type."""
    if not scene.simulator.traits.shared:
        raise Conflict("This gateway lists no account.")
    for odd in ("content", "reference", "type"):
        book_strangers(scene, odd, [scene.money(scene.amount or 1_234, memo="tra no")])
    return "Three odd lines stand in the account's list."


def book_strangers(scene: ActContext, odd: str, transfers: list[Transfer]) -> None:
    """Put transfers that belong to no order of ours into the account's books."""
    name = f"strangers-{odd or 'usual'}-{scene.luck.getrandbits(32):08x}"
    order = scene.order()
    strangers = replace(
        order, ref=name, id=name, amount=1, terms={**order.terms, "memo": "", "odd": odd},
        transfers=tuple(transfers),
    )  # fmt: skip
    scene.moved.extend(transfers)
    scene.books.keep(strangers)


def _fail(scene: ActContext, fault: Fault) -> str:
    times = 1 if scene.times is None else scene.times
    scene.faults.plan(scene.simulator.name, fault, times)
    return f"The next {times} calls to {scene.simulator.traits.title}: {fault}."


ACTS: Final[dict[str, Callable[[ActContext], str]]] = {
    "pay": _pay,
    "underpay": _underpay,
    "overpay": _overpay,
    "pay_twice": _pay_twice,
    "pay_late": _pay_late,
    "wrong_currency": _wrong_currency,
    "decline": _decline,
    "cancel": _cancel,
    "mangle_memo": _mangle_memo,
    "forget_memo": _forget_memo,
    "lose_webhook": _lose_webhook,
    "repeat_webhook": _repeat_webhook,
    "reorder_webhooks": _reorder_webhooks,
    "replay_webhook": _replay_webhook,
    "forge_webhook": _forge_webhook,
    "truncate_webhook": _truncate_webhook,
    "unknown_field": _unknown_field,
    "unknown_value": _unknown_value,
    "dashboard_refund": _dashboard_refund,
    "reverse_refund": _reverse_refund,
    "slow_refunds": _slow_refunds,
    "finish_refund": _finish_refund,
    "chargeback": partial(_chargeback, state="open"),
    "chargeback_lost": partial(_chargeback, state="lost"),
    "chargeback_won": partial(_chargeback, state="won"),
    "stray_transfer": _stray_transfer,
    "lose_transfer": _lose_transfer,
    "change_transfer": _change_transfer,
    "lose_refund": _lose_refund,
    "strangers": _strangers,
    "odd_lines": _odd_lines,
    **{str(fault): partial(_fail, fault=fault) for fault in Fault},
}


def mangled(memo: str, luck: Random) -> str:
    """The memo as a bank passes it on: text around it, another case, spaces and dots inside.

    The forms are those of real statements (banks' references in front, "CT tu" behind).
    """
    bare = re.sub(r"[^0-9A-Za-z]", "", memo)
    half = len(bare) // 2
    number = f"{luck.randrange(10**9):09}"
    forms = (
        f"MBVCB.{number}.{bare}.CT tu 0071001104341 toi 0011001932418",
        f"CT DEN:{number} {bare}",
        f"{number}-{bare}-CHUYEN TIEN-MOMO{number}MOMO",
        f"{number}-{bare.lower()}",
        f"BankAPINotify {bare[:half]}-{bare[half : half + 2]} {bare[half + 2 :]} thanh toan",
        f"{bare}CT tu {number[:4]} NGUOI CHUYEN",
    )
    return luck.choice(forms)
