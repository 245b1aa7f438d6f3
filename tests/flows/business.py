"""A business of many days at two gateways, seeded, and its books worked out again from outside.

What was paid is taken from the gateways' own books, what went back from what was given back; all
else is worked out anew in fractions, without the hub's code.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import count
from math import floor
from random import Random

from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.flows.audit import audit
from tallystick.flows.receive import handle_inbox, receive
from tallystick.flows.settle import settle
from tallystick.gateways.base import RawNotice
from tallystick.products import CHECKS
from tallystick.products.orders.ordering import OrderWish, place_order
from tallystick.products.orders.rules import Buyer, Order
from tallystick.products.revenue import commission_rows
from tallystick.products.revenue.refer import approve, pay, show
from tallystick.products.revenue.referral import Commission
from tallystick.products.revenue.report import Wanted, maintainers, revenue
from tallystick.store import attempts
from tests.store.house import House, Till

SPAN = (date(2026, 1, 1), date(2027, 12, 31))
MONTHS = 24
POLAR_PERCENT, POLAR_CENTS = 5, 50
CURRENCIES = {"sepay": "VND", "polar": "USD"}
CODES = {"LINH": "linh@example.com", "MAI": "mai@example.com", "ANH": "anh@example.com"}


class Market:
    """A source of rates that moves all the time, and is silent now and then."""

    def __init__(self, luck: Random) -> None:
        self.luck = luck

    async def ask(self) -> dict[str, Decimal]:
        return {"VND": Decimal(self.luck.randrange(2_400_000, 2_600_000)) / 100}


class Business:
    """Buyers come, pay in every way that they do, and some get their money back."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.luck = house, Random(seed)
        self.tills = {name: Till(name=name) for name in CURRENCIES}
        house.hub.gateways = {**house.hub.gateways, **self.tills}
        house.hub.rates = Market(self.luck)
        self.numbers = count()
        self.orders: list[Order] = []
        self.refs: dict[str, str] = {}
        self.back: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        self.paid_out: Counter[tuple[str, str]] = Counter()

    async def trade(self, size: int) -> None:
        """So many orders, with all that happens to them."""
        await self.house.stock()
        for code, email in CODES.items():
            await self.house.referrer(code, email)
        for number in range(size):
            self.house.pass_time(minutes=self.luck.randrange(50))
            await self._one(number)

    async def _one(self, number: int) -> None:
        order = await self._order(number)
        if self.luck.random() < 0.08:
            return
        if self.luck.random() < 0.02:
            self.house.pass_time(hours=25)
        await self._pays(order)
        order = await self.house.order_now(order.id)
        if order.completed_at is None:
            return
        if self.luck.random() < 0.25:
            await self._give_back(order)
        if self.luck.random() < 0.3:
            await self._pay_out(order)
        if self.luck.random() < 0.1:
            await self._give_back(await self.house.order_now(order.id))

    async def _order(self, number: int) -> Order:
        gateway = self.luck.choice(list(CURRENCIES))
        code = self.luck.choice([None, *CODES])
        wish = OrderWish(
            "pro", gateway, f"b{number}@example.vn", Buyer(), self.luck.randrange(1, 30),
            CURRENCIES[gateway], referral_code=code,
        )  # fmt: skip
        made = await place_order(self.house.hub, wish)
        order = await self.house.order_now(made.sold.id)
        tries = await self.house.database.read(lambda tx: attempts.of_payment(tx, order.payment_id))
        self.orders.append(order)
        self.refs[order.id] = tries[-1].our_ref
        return order

    async def _pays(self, order: Order) -> None:
        """All at once, in two parts, too little or too much; told once, often, late or never."""
        price, dice = order.quote.final, self.luck.random()
        parts = [price]
        if dice < 0.05:
            parts = [price // 2, price - price // 2]
        elif dice < 0.1:
            parts = [price - 1]
        elif dice < 0.15:
            parts = [price + price // 10]
        for minor in parts:
            ref = self._arrives(order, minor)
            if self.luck.random() < 0.5:
                await settle(self.house.hub, order.payment_id)
            for _ in range(self.luck.choice([0, 1, 3])):
                await self._notice(order.gateway, ref)
        if self.luck.random() < 0.5:
            self.house.pass_time(minutes=self.luck.randrange(30))
        while await handle_inbox(self.house.hub):
            pass
        await settle(self.house.hub, order.payment_id)
        self.beyond[order.id] = max(sum(parts) - price, 0)

    def _arrives(self, order: Order, minor: int) -> str:
        ref, till = self.refs[order.id], self.tills[order.gateway]
        came = Credit(order.gateway, "main", f"FT{next(self.numbers)}", minor, order.currency,
                      self.house.clock.at)  # fmt: skip
        till.books[ref] = replace(till.books[ref], credits=(*till.books[ref].credits, came))
        return ref

    async def _notice(self, gateway: str, ref: str) -> None:
        told = {"event": f"e{next(self.numbers)}", "ref": ref, "claim": "pending", "money": True}
        raw = RawNotice({}, json.dumps(told).encode(), "", self.house.clock.at)
        await receive(self.house.hub, gateway, raw)

    async def _give_back(self, order: Order) -> None:
        left = order.quote.final + self.beyond[order.id] - self.back[order.id]
        if left:
            minor = self.luck.choice([left, self.luck.randrange(1, left + 1)])
            self.back[order.id] += minor
            await self.house.gives_back(order, minor)

    async def _pay_out(self, order: Order) -> None:
        made = await self.house.database.read(lambda tx: commission_rows.of_order(tx, order.id))
        if made is None or made.status != "pending":
            return
        await approve(self.house.hub, made.id)
        entry = await pay(self.house.hub, made.id)
        gone = -entry.lines[-1][0].amount.minor
        assert gone >= 0
        self.paid_out[made.referrer_id, order.currency] += gone

    async def check(self) -> dict[str, int]:
        """Compare everything; what there was."""
        assert await audit(self.house.database, CHECKS) == []
        paid = [one for one in self.orders if self._received(one) >= one.quote.final]
        sold = sum(cents(one.quote.final, one) for one in paid)
        back = sum(cents(one.quote.final, one) - self._stays(cents(one.quote.final, one), one)
                   for one in paid)  # fmt: skip
        told = await revenue(self.house.hub, Wanted())
        assert (told.orders, told.total, told.refunded) == (len(paid), sold, back)
        everything = await revenue(self.house.hub, Wanted(zone="Asia/Kathmandu"))
        assert everything.lines == told.lines
        await self._check_referrers(paid)
        await self._check_maintainers(paid, sold - back)
        return {"orders": len(self.orders), "paid": len(paid), "sold": sold, "refunded": back}

    async def _check_maintainers(self, paid: list[Order], gross: int) -> None:
        fees = nearest(sum(
            Fraction(cents(one.quote.final, one) * POLAR_PERCENT, 100) + POLAR_CENTS
            for one in paid if one.gateway == "polar"
        ))  # fmt: skip
        left = gross - fees - MONTHS * 50_000
        found, _ = await maintainers(self.house.hub, Wanted(*SPAN))
        assert (found.gross, found.fees, found.costs) == (gross, fees, MONTHS * 50_000)
        assert found.net == left - nearest(Fraction(max(left, 0) * 17, 100))

    async def _check_referrers(self, paid: list[Order]) -> None:
        """At the tier that was reached before each order, by what had stayed until then."""
        owed: dict[str, Counter[str]] = defaultdict(Counter)
        referred: Counter[str] = Counter()
        for one in paid:
            made = await self.house.database.read(partial(_commission, one.id))
            assert (made is None) == (one.referred_by is None)
            if made is None or one.referred_by is None:
                continue
            whole = nearest(Fraction(one.quote.final * made.percent, 100))
            assert (made.amount.minor, made.usd_cents) == (whole, cents(whole, one))
            owed[one.referred_by][one.currency] += self._stays(whole, one)
            referred[one.referred_by] += self._stays(cents(one.quote.final, one), one)
        for who, due in owed.items():
            standing = (await show(self.house.hub, who)).standing
            assert standing.referred_usd_cents == referred[who]
            for currency, minor in due.items():
                left = minor - self.paid_out[who, currency]
                assert standing.balances[currency].minor == left

    def _received(self, order: Order) -> int:
        """By the gateway's own books."""
        books = self.tills[order.gateway].books[self.refs[order.id]]
        return sum(credit.minor for credit in books.credits)

    def _stays(self, whole: int, order: Order) -> int:
        """What stays of it after what went back of the price."""
        back = max(self.back[order.id] - self.beyond[order.id], 0)
        return whole - nearest(Fraction(whole * back, order.quote.final))


def _commission(order_id: str, tx: Connection) -> Commission | None:
    return commission_rows.of_order(tx, order_id)


def cents(minor: int, order: Order) -> int:
    """At the order's own rate."""
    assert order.worth is not None
    scale = {"VND": 100, "USD": 1}[order.currency]
    return nearest(Fraction(minor * scale) / Fraction(order.worth.rate))


def nearest(exact: Fraction | int) -> int:
    """Halves up; nothing here is below zero."""
    return floor(exact + Fraction(1, 2))
