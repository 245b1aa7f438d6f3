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


def _told(context: ActContext, amount: int) -> str:
    return str(Money(amount, context.order().currency))


def _pay(context: ActContext) -> str:
    owed = context.owed()
    if context.amount not in {None, owed}:
        raise Invalid(f"`pay` pays what is due, {owed}; use underpay or overpay for less or more.")
    context.tell(context.arrive(context.money(owed)))
    return f"The payer paid {_told(context, owed)}."


def _underpay(context: ActContext) -> str:
    owed = context.owed()
    amount = context.amount or owed - max(1, owed // 10)
    if not 0 < amount < owed:
        raise Invalid(f"`underpay` pays less than {owed} and more than 0.")
    context.tell(context.arrive(context.money(amount)))
    return f"The payer paid {_told(context, amount)} of {_told(context, owed)}."


def _overpay(context: ActContext) -> str:
    owed = context.owed()
    amount = context.amount or owed + max(1, owed // 10)
    if amount <= owed:
        raise Invalid(f"`overpay` pays more than {owed}.")
    context.tell(context.arrive(context.money(amount)))
    return f"The payer paid {_told(context, amount)} where {_told(context, owed)} was due."


def _pay_twice(context: ActContext) -> str:
    amount = context.order().amount
    for _ in range(2):
        context.tell(context.arrive(context.money(amount)))
    return f"The payer paid {_told(context, amount)} twice, with two references."


def _pay_late(context: ActContext) -> str:
    status = context.order().status
    return f"{_pay(context)} The offer was {status} by then."


def _wrong_currency(context: ActContext) -> str:
    order, traits = context.order(), context.simulator.traits
    others = traits.currencies - {order.currency}
    usual = "USD" if order.currency != "USD" else "EUR"
    currency = context.currency or min(others, key=lambda one: (one != usual, one), default=usual)
    exponent(currency)
    if currency == order.currency:
        raise Invalid(f"`wrong_currency` pays in another currency than {currency}.")
    if traits.currencies and currency not in traits.currencies:
        moves = ", ".join(sorted(traits.currencies))
        raise Conflict(f"{traits.title} moves {moves} only; {currency} cannot arrive.")
    paid = Money(context.amount or order.amount, currency)
    context.tell(context.arrive(context.money(paid.minor, currency)))
    return f"The payer paid {paid} where {order.currency} was due."


def _decline(context: ActContext) -> str:
    context.tell(context.keep(context.simulator.decline(context.order(), context.now)))
    return "The payment failed."


def _cancel(context: ActContext) -> str:
    context.tell(context.keep(context.simulator.cancel(context.order(), context.now)))
    return "The payer gave up at the gateway."


def _mangle_memo(context: ActContext) -> str:
    memo = context.simulator.memo(context.order())
    if memo is None:
        title = context.simulator.traits.title
        raise Conflict(f"Payers of {title} write no memo, so no bank can mangle it.")
    content = mangled(memo, context.rng)
    context.tell(context.arrive(context.money(context.owed(), memo=content)))
    return f"The payer paid; the bank made {content!r} of the memo {memo!r}."


def _forget_memo(context: ActContext) -> str:
    if context.simulator.memo(context.order()) is None:
        title = context.simulator.traits.title
        raise Conflict(f"Payers of {title} write no memo, so there is none to forget.")
    times = 1 if context.times is None else context.times
    events = context.arrive(context.money(context.owed(), memo="chuyen tien"))
    for _ in range(min(times, _MOST_REPEATS)):
        context.tell(events)
    return f"The payer paid and wrote no code; the notice comes {times} times."


def _lose_webhook(context: ActContext) -> str:
    context.arrive(context.money(context.owed()))
    return "The payer paid, and no notice will ever come."


def _repeat_webhook(context: ActContext) -> str:
    times = _REPEATS if context.times is None else context.times
    if not 1 <= times <= _MOST_REPEATS:
        raise Invalid(f"times is a whole number from 1 to {_MOST_REPEATS}.")
    events = context.arrive(context.money(context.owed()))
    for copy in range(times):
        context.tell(events, together="copies", once=copy > 0)
    return f"The payer paid; the same notice comes {times} times at once."


def _reorder_webhooks(context: ActContext) -> str:
    owed = context.owed()
    if not context.simulator.traits.splits or owed < 2:
        events = context.arrive(context.money(owed))
    else:
        first = context.arrive(context.money(owed // 2))
        events = first + context.arrive(context.money(owed - owed // 2))
    context.tell(events[::-1])
    return f"The payer paid in {len(context.moved)} transfers; the notices come in reverse."


def _replay_webhook(context: ActContext) -> str:
    events = context.arrive(context.money(context.owed()))
    context.tell(events, due=context.now)
    later = context.now + timedelta(seconds=context.delay_s or _REPLAY_AFTER_S)
    context.tell(events, due=later, sealed_at=context.now, once=True)
    return "The payer paid; the same bytes, signed at the same time, come again later."


def _forge_webhook(context: ActContext) -> str:
    order, owed = context.order(), context.owed()
    forged = context.simulator.take(order, context.money(owed)).events
    context.tell(forged, rightly=False, once=True)
    if not context.simulator.traits.asks:
        return "Nobody paid; a notice with a wrong signature came."
    context.tell(context.simulator.take(order, context.money(owed)).events, once=True)
    return "Nobody paid; a wrongly signed notice came, then a rightly signed lie."


def _truncate_webhook(context: ActContext) -> str:
    context.tell(context.arrive(context.money(context.owed())), cut=True)
    return "The payer paid; the notice is cut short first, and comes whole with the retry."


def _unknown_field(context: ActContext) -> str:
    events = context.arrive(context.money(context.owed()))
    context.tell(tuple({**event, **_STRANGE} for event in events))
    return "The payer paid; the notice has fields that nobody knows."


def _unknown_value(context: ActContext) -> str:
    order, title = context.order(), context.simulator.traits.title
    if not context.simulator.traits.grows:
        raise Conflict(f"{title} has no list of values that would get longer.")
    context.keep(Change(replace(order, terms={**order.terms, "tomorrow": True})))
    context.tell(context.arrive(context.money(context.owed())))
    return f"The payer paid; of this order {title} tells values that no published list has."


def _dashboard_refund(context: ActContext) -> str:
    simulator, order = context.simulator, context.order()
    title = simulator.traits.title
    if not isinstance(simulator, Refunder):
        raise Conflict(f"{title} has no refunds: money goes back by a merchant's own transfer.")
    if not order.transfers:
        raise Conflict(f"There is no money at {title} that could go back.")
    amount = context.amount or order.received
    context.tell(context.keep(simulator.refund(order, amount, context.now)))
    return f"The merchant gave {_told(context, amount)} back in the dashboard of {title}."


def _reverse_refund(context: ActContext) -> str:
    simulator, order = _reverser(context, "no refunds that could come back"), context.order()
    context.tell(context.keep(simulator.reverse_refund(order, context.now)))
    return f"{simulator.traits.title} took the last refund back: its money is here again."


def _slow_refunds(context: ActContext) -> str:
    context.keep(_slow_refunder(context).slow_refunds(context.order()))
    return "Refunds of this order wait for the payer's bank: they are pending until finish_refund."


def _finish_refund(context: ActContext) -> str:
    context.tell(context.keep(_slow_refunder(context).finish_refund(context.order(), context.now)))
    return "The payer's bank took the last pending refund: it went through."


def _slow_refunder(context: ActContext) -> SlowRefunder:
    if not isinstance(context.simulator, SlowRefunder):
        raise Conflict(f"{context.simulator.traits.title} has no refunds that wait for a bank.")
    return context.simulator


def _chargeback(context: ActContext, state: str) -> str:
    simulator, order = _reverser(context, "no cards"), context.order()
    if not order.transfers:
        raise Conflict(f"There is no money at {simulator.traits.title} that a bank could dispute.")
    context.tell(context.keep(simulator.charge_back(order, state, context.now)))
    return _CHARGED_BACK[state]


_CHARGED_BACK: Final = {
    "open": "The payer's bank disputes the last payment.",
    "lost": "The payer's bank took the last payment back.",
    "won": "The payer's bank gave up: the last payment stays.",
}


def _reverser(context: ActContext, lacks: str) -> Any:
    if not isinstance(context.simulator, Reverser):
        raise Conflict(f"{context.simulator.traits.title} has {lacks}.")
    return context.simulator


def _stray_transfer(context: ActContext) -> str:
    order, amount = context.order(), context.amount or context.order().amount
    name = context.simulator.reference(context.rng, context.now)
    transfer = Transfer(name, amount, order.currency, context.now, "chuyen tien")
    terms = {**order.terms, "metadata": {}, "refunds": type(order.terms.get("refunds", []))()}
    stray = replace(order, ref=f"stray-{name}", id=f"{order.id[:8]}-{name}", amount=amount,
                    terms=terms, transfers=())  # fmt: skip
    context.keep(context.simulator.take(stray, transfer))
    context.moved.append(transfer)
    return f"{_told(context, amount)} came that names nothing of ours, and no notice will come."


def _lose_transfer(context: ActContext) -> str:
    order = context.order()
    if not order.transfers:
        raise Conflict("There is no transfer in the books that could get lost.")
    left = order.transfers[:-1]
    status = order.status if left else context.simulator.traits.unpaid or order.status
    context.keep(Change(replace(order, transfers=left, status=status)))
    return f"The books of {context.simulator.traits.title} have lost the last transfer."


def _change_transfer(context: ActContext) -> str:
    order = context.order()
    if not order.transfers:
        raise Conflict("There is no transfer in the books that could change.")
    last = order.transfers[-1]
    amount = context.amount or last.amount - 1
    changed = (*order.transfers[:-1], replace(last, amount=amount))
    context.keep(Change(replace(order, transfers=changed)))
    return f"The last transfer is {_told(context, amount)} in the books now."


def _lose_refund(context: ActContext) -> str:
    order = context.order()
    made = order.terms.get("refunds")
    if not made:
        raise Conflict("There is no refund in the books that could get lost.")
    left = dict(list(made.items())[:-1]) if isinstance(made, dict) else list(made)[:-1]
    context.keep(Change(replace(order, terms={**order.terms, "refunds": left})))
    return f"The books of {context.simulator.traits.title} have lost the last refund."


def _strangers(context: ActContext) -> str:
    """Other people's money comes to the account, spread over the minutes before; nobody is told."""
    if not context.simulator.traits.shared:
        raise Conflict("Nobody but payers of ours pays to this gateway.")
    times = _REPEATS if context.times is None else context.times
    seen = [
        Transfer(
            context.simulator.reference(context.rng, context.now),
            context.amount or 1_000 * context.rng.randrange(1, 5_000),
            context.order().currency,
            context.now - timedelta(seconds=context.rng.uniform(0, _STRANGERS_S)),
            context.rng.choice(_STRANGERS_WORDS),
        )
        for _ in range(times)
    ]
    # They are entered one after the other, now.
    seen = [
        replace(one, entered_at=context.now + timedelta(microseconds=number))
        for number, one in enumerate(sorted(seen, key=lambda one: one.at))
    ]
    book_strangers(context, "", seen)
    return f"{times} transfers of other people came to the same account."


def _odd_lines(context: ActContext) -> str:
    """Lines that no documentation describes: without a memo, without a reference, of no type."""
    if not context.simulator.traits.shared:
        raise Conflict("This gateway lists no account.")
    for odd in ("content", "reference", "type"):
        book_strangers(context, odd, [context.money(context.amount or 1_234, memo="tra no")])
    return "Three odd lines stand in the account's list."


def book_strangers(context: ActContext, odd: str, transfers: list[Transfer]) -> None:
    """Put transfers that belong to no order of ours into the account's books."""
    name = f"strangers-{odd or 'usual'}-{context.rng.getrandbits(32):08x}"
    order = context.order()
    strangers = replace(
        order, ref=name, id=name, amount=1, terms={**order.terms, "memo": "", "odd": odd},
        transfers=tuple(transfers),
    )  # fmt: skip
    context.moved.extend(transfers)
    context.books.keep(strangers)


def _fail(context: ActContext, fault: Fault) -> str:
    times = 1 if context.times is None else context.times
    context.faults.plan(context.simulator.name, fault, times)
    return f"The next {times} calls to {context.simulator.traits.title}: {fault}."


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


def mangled(memo: str, rng: Random) -> str:
    """The memo as a bank passes it on: text around it, another case, spaces and dots inside.

    The forms are those of real statements (banks' references in front, "CT tu" behind).
    """
    bare = re.sub(r"[^0-9A-Za-z]", "", memo)
    half = len(bare) // 2
    number = f"{rng.randrange(10**9):09}"
    forms = (
        f"MBVCB.{number}.{bare}.CT tu 0071001104341 toi 0011001932418",
        f"CT DEN:{number} {bare}",
        f"{number}-{bare}-CHUYEN TIEN-MOMO{number}MOMO",
        f"{number}-{bare.lower()}",
        f"BankAPINotify {bare[:half]}-{bare[half : half + 2]} {bare[half + 2 :]} thanh toan",
        f"{bare}CT tu {number[:4]} NGUOI CHUYEN",
    )
    return rng.choice(forms)
