"""Books that are in order, and a way to break them by hand and to forget it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tallystick.domain import ledger as accounts
from tallystick.domain.evidence import Claim
from tallystick.domain.money import Money
from tallystick.flows import endpoints
from tallystick.flows import schedule as flow
from tallystick.flows.cancel import cancel
from tallystick.flows.effects import do_effects
from tallystick.flows.endpoints import Wanted
from tallystick.flows.number_events import publish
from tallystick.flows.proof_chain import extend
from tallystick.flows.reconcile import reconcile
from tallystick.flows.request_refund import RefundWish, close, request
from tallystick.flows.unmatched import assign
from tallystick.products import CHECKS
from tallystick.products.gift_cards.spend_gift_card import Spending, hold, redeem
from tallystick.products.orders.rules import Order
from tallystick.products.revenue import commission_rows
from tallystick.products.revenue.refer import approve, pay
from tallystick.products.tasks.rules import Task, TaskState
from tallystick.products.tasks.sessions import create_task, start_session
from tallystick.products.wallets.spend_wallet import spend
from tallystick.products.wallets.topup import TopupWish, start_topup
from tallystick.store import credits, deliveries, inbox, ledger
from tallystick.store.connect import open_database
from tallystick.store.deliveries import Attempt
from tests.store.house import House
from tests.store.rows import NOW, money

Names = dict[str, str]
_CONSTRAINTS = """
SELECT conname FROM pg_constraint
WHERE conrelid = CAST(:table AS regclass) AND contype IN ('u', 'c')
"""


@dataclass(frozen=True, slots=True)
class Books:
    """A database with every kind of payment in it; `names` are what a break can speak of."""

    url: str
    names: Names

    def broken(self, sql: str = "", loosened: str = "") -> set[str]:
        """The invariants that do not hold after these statements, which are then taken back.

        `loosened` is a table whose constraints are taken off first.
        """

        def body(tx: Connection) -> set[str]:
            triggers = unlock(tx)
            if loosened:
                loosen(tx, loosened)
            for statement in filter(str.strip, sql.format(**self.names).split(";")):
                tx.execute(text(statement))
            for trigger in triggers:
                tx.exec_driver_sql(trigger)
            return {check.invariant for check in CHECKS if list(check.broken(tx))}

        return self.undone(body)

    def undone(self, body: Callable[[Connection], Any]) -> Any:
        """Run `body` without foreign keys and triggers, and roll everything back."""
        if self.url.startswith("sqlite"):
            return _on_sqlite(self.url, body)
        return asyncio.run(_on_postgresql(self.url, body))


def _on_sqlite(url: str, body: Callable[[Connection], Any]) -> Any:
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={"isolation_level": None},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        connection.exec_driver_sql("BEGIN")
        try:
            return body(connection)
        finally:
            connection.exec_driver_sql("ROLLBACK")


async def _on_postgresql(url: str, body: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            try:
                return await connection.run_sync(body)
            finally:
                await connection.rollback()
    finally:
        await engine.dispose()


def unlock(tx: Connection) -> list[str]:
    """Take all triggers off; the statements that put them back. PostgreSQL's are asleep."""
    if tx.dialect.name == "postgresql":
        return []
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    found = tx.exec_driver_sql(query).fetchall()
    for name, _ in found:
        tx.exec_driver_sql(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]


def loosen(tx: Connection, table: str) -> None:
    """Take the constraints off a table; SQLite can only copy it without them."""
    if tx.dialect.name == "postgresql":
        for name in list(tx.execute(text(_CONSTRAINTS), {"table": table}).scalars()):
            tx.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        return
    tx.exec_driver_sql(f"CREATE TABLE loose AS SELECT * FROM {table}")
    tx.exec_driver_sql(f"DROP TABLE {table}")
    tx.exec_driver_sql(f"ALTER TABLE loose RENAME TO {table}")


async def build(url: str) -> Names:
    """Fill a migrated database with a day's business; the ids by what they are."""
    database = open_database(url)
    house = House(database)
    try:
        # A literal address, so that nobody is asked for its name; nothing is sent there.
        listening = Wanted("https://1.1.1.1/hooks", ("payment.*",))
        await endpoints.create(house.hub, listening)
        names = await _trade(house)
        await database.write(_owe)
        await publish(house.hub)
        await database.write(partial(_deliver, house.clock.at))
        await extend(house.hub)
    finally:
        await database.close()
    sqlite = url.startswith("sqlite")
    long_ago = NOW - timedelta(hours=5)
    names["then"] = str(int(NOW.timestamp()) * 1_000_000) if sqlite else f"'{NOW.isoformat()}'"
    names["long_ago"] = (
        str(int(long_ago.timestamp()) * 1_000_000) if sqlite else f"'{long_ago.isoformat()}'"
    )
    return names


def _owe(tx: Connection) -> None:
    """A wallet that was given something."""
    wallet, amount = accounts.wallet("user-7"), Money(900, "VND")
    given = accounts.move("gift", "x", None, amount, debit=accounts.REVENUE, credit=wallet)
    ledger.post(tx, given, NOW)


async def _sell(house: House) -> Names:
    """A top-up, a spend, and a task that was paid in its second session and in its first."""
    wish = TopupWish("user-7", Money(50_000, "VND"), "till")
    topup = (await start_topup(house.hub, wish)).snapshot.id
    house.pays(next(reversed(house.till.books)))
    await house.settle(topup)
    taken = await spend(house.hub, "user-7", Money(400, "VND"), "ride-1")
    task = Task(
        "task_1", TaskState.IDLE, 50_000, "VND", None, "https://shop.example/", None, None, {},
        None, NOW, NOW, None,
    )  # fmt: skip
    await create_task(house.hub, task)
    first = (await start_session(house.hub, task.id, "till", None)).snapshot.id
    ref = next(reversed(house.till.books))
    house.pass_time(hours=1)
    await house.settle(first)
    second = (await start_session(house.hub, task.id, "till", None)).snapshot.id
    house.pays(next(reversed(house.till.books)))
    await house.settle(second)
    house.pays(ref)
    await house.settle(first)
    return {"topup": topup, "spend": taken.spend.id, "task": task.id, "again": first,
            "session": second}  # fmt: skip


def _deliver(now: datetime, tx: Connection) -> None:
    """One event has arrived, one was given up, the others wait."""
    arrived, lost, *_ = deliveries.take_due(tx, {}, now, now, 20)
    deliveries.succeed(tx, arrived, Attempt(1, now, 20, 200, None, "ok"), now)
    deliveries.fail(tx, lost, Attempt(1, now, 20, 500, "It failed.", None), None, now)


async def _trade(house: House) -> Names:
    paid, ref = await house.open()
    await house.settle(paid)
    house.pays(ref)
    await house.notice(ref, money=True)
    await house.handle()
    over, ref = await house.open_link()
    house.pays(ref, 30_000)
    await house.settle(over)
    house.pays(ref, 30_000)
    await house.settle(over)
    foreign, ref = await house.open()
    house.pays(ref, currency="USD")
    await house.settle(foreign)
    canceled, _ = await house.open()
    await cancel(house.hub, canceled)
    await do_effects(house.hub)
    open_, _ = await house.open()
    await _assign(house, open_)
    expired, ref = await house.open(expires_in=timedelta(minutes=5))
    house.pays(ref, 20_000)
    house.pass_time(minutes=10)
    await house.settle(expired)
    waiting, ref = await house.open()
    house.says(ref, Claim.PROCESSING)
    await house.settle(waiting)
    sold = await _sell(house)
    gift = await house.sell_gift_card()
    await redeem(house.hub, gift.id, Spending(20_000, "order-1"))
    await hold(house.hub, gift.id, Spending(5_000, "order-2"), timedelta(days=7))
    unsold = await house.open_gift_card()
    order, unpaid = await _sell_orders(house)
    referred = await _refer(house)
    await do_effects(house.hub)
    untouched, _ = await house.open()
    returned, ref = await house.open()
    house.pays(ref)
    await house.settle(returned)
    await _give_back(house, returned)
    await reconcile(house.hub, "till", NOW - timedelta(days=1), NOW + timedelta(days=1))
    await flow.plan(house.hub)
    await flow.run(house.hub, "poll-gateways")
    return {"paid": paid, "over": over, "foreign": foreign, "canceled": canceled, "open": open_,
            "expired": expired, "processing": waiting, "untouched": untouched,
            "gift": gift.id, "bought": gift.payment_id, "unsold": unsold.id, "returned": returned,
            "order": order.id, "ordered": order.payment_id, "unpaid": unpaid.id,
            "referred": referred.id} | sold  # fmt: skip


async def _sell_orders(house: House) -> tuple[Order, Order]:
    """One order that is paid, with its coupon and licence, and one that is not."""
    await house.stock()
    await house.coupon(max_redemptions=2, per_customer=1)
    bought = await house.pays_order(await house.order(coupon_code="TEN", github_username="mai"))
    return bought, await house.order("an@example.vn", coupon_code="TEN")


async def _give_back(house: House, payment_id: str) -> None:
    """A part has gone back by hand, and another part is promised."""
    for amount in (20_000, 10_000):
        wish = RefundWish(amount=amount, actor="test")
        made = await request(house.hub, payment_id, wish)
        if amount == 20_000:
            await close(house.hub, made.refund.id, "FT-back", "test")


async def _refer(house: House) -> Order:
    """An order that somebody referred: half of its money went back after the payout."""
    await house.referrer()
    order = await house.pays_order(await house.order("binh@example.vn", referral_code="LINH"))
    commission = await house.database.read(lambda tx: commission_rows.of_order(tx, order.id))
    assert commission is not None
    await approve(house.hub, commission.id)
    await pay(house.hub, commission.id)
    return await house.gives_back(order, 25_000)


async def _assign(house: House, payment_id: str) -> None:
    """A person gives a transfer without a reference to a payment; it is a part of the amount."""
    row = inbox.row(
        "ntc_1", gateway="till", account="main", event_id="strange", refs=[], claim=Claim.PENDING,
        credits_=[money("FT-strange", 1000)], now=house.clock.at,
    )  # fmt: skip
    await house.database.write(lambda tx: inbox.keep_each(tx, [row]))
    for _ in range(2):
        await house.handle()
        house.pass_time(seconds=5)
    kept = await house.database.read(lambda tx: credits.named(tx, [money("FT-strange", 1000)]))
    [credit] = kept.values()
    await assign(house.hub, credit.id, payment_id, "They called.", "test")
