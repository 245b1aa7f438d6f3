"""Claim: a payment takes the credits that are its own, and names those that belong to others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.credit import Credit
from tallystick.domain.errors import RaceLost
from tallystick.domain.evidence import Evidence, Source, State
from tallystick.flows.hub import Hub
from tallystick.flows.rates import value_receipt
from tallystick.store import attempts, credits, ledger
from tallystick.store.credits import KeptCredit


def own_money(tx: Connection, payment_id: str, said: Evidence, now: datetime) -> Evidence:
    """The evidence with only the credits that are this payment's.

    Ownership is decided per credit, never per answer: what belongs to another payment is left out
    and named, and the rest of the same answer counts.
    """
    if not said.credits:
        return said
    if not said.counts:
        known = credits.named(tx, said.credits)
        mine = [one for one in said.credits if _is_possible(known.get(one.name), payment_id)]
        return replace(said, credits=tuple(mine))
    kept = credits.keep(tx, said.credits, now, claimant=payment_id)
    mine, left_out = [], []
    for told, one in zip(said.credits, kept, strict=True):
        if _may_claim(tx, one, payment_id, said) and credits.own(tx, one, payment_id):
            mine.append(replace(told, transaction_id=one.credit.transaction_id))
        else:
            left_out.append(_left_out(tx, one, now))
    note = " ".join([*filter(None, [said.note]), *left_out])
    return replace(said, credits=tuple(mine), note=note)


def _is_possible(kept: KeptCredit | None, payment_id: str) -> bool:
    return kept is None or kept.payment_id in {None, payment_id}


def _may_claim(tx: Connection, kept: KeptCredit, payment_id: str, said: Evidence) -> bool:
    """Only a person gives away what has a bank's reference twice, or a memo with two names."""
    if kept.payment_id is not None or said.source is Source.OPERATOR:
        return kept.payment_id in {None, payment_id}
    money = kept.credit
    named = attempts.named(tx, money.gateway, money.account, money.refs)
    return not kept.is_twin and {one.payment_id for one in named} <= {payment_id}


def _left_out(tx: Connection, kept: KeptCredit, now: datetime) -> str:
    """Say whose it is; what is nobody's stands in suspense and waits for a person."""
    one = credits.find(tx, kept.id) or kept
    told = f"{one.credit.money} (transaction {one.credit.transaction_id}) is left out:"
    if one.payment_id is not None:
        return f"{told} it belongs to payment {one.payment_id}."
    if one.returned_at is not None:
        return f"{told} a person has given it back."
    if not one.counted:
        credits.book_unowned(tx, [one], now)
    if one.is_twin:
        return f"{told} other money has the same reference, so a person decides."
    return f"{told} its memo names another payment too, so a person decides."


def receive(
    tx: Connection, hub: Hub, payment_id: str, state: State, known: Sequence[Evidence]
) -> None:
    """A receipt and a balanced transfer for every credit that is counted for the first time."""
    if not state.credits:
        return
    now = hub.now()
    sources = {
        credit.name: item
        for item in reversed(known)
        if item.counts and not item.conflict
        for credit in item.credits
    }
    kept = {one.credit.name: one for one in credits.of_payment(tx, payment_id)}
    for credit in state.credits:
        item = sources[credit.name]
        receipt_id = ledger.receive(tx, payment_id, item.attempt_id, credit, item.key, now)
        if receipt_id is not None:
            _book(tx, hub, payment_id, receipt_id, kept[credit.name])
        elif ledger.owners(tx, [credit]) != {payment_id}:
            raise RaceLost("Another payment received this transaction first.")


def _book(tx: Connection, hub: Hub, payment_id: str, receipt_id: str, kept: KeptCredit) -> None:
    now, money = hub.now(), kept.credit.money
    if kept.unowned:
        transfer = accounts.owned(receipt_id, payment_id, money)
    else:
        transfer = accounts.received(receipt_id, payment_id, kept.credit.gateway, money)
        credits.count(tx, kept)
    ledger.post(tx, transfer, now)
    value_receipt(tx, hub, payment_id, receipt_id, money)


def meant(tx: Connection, payment_id: str) -> tuple[Credit, ...]:
    """The credits whose memo names this payment and that it does not have yet."""
    return tuple(one.credit for one in credits.meant_for(tx, payment_id) if not one.is_twin)
