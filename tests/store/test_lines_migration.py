"""A merchant's payments keep their rows when questions get their order."""

from __future__ import annotations

from dataclasses import asdict

from alembic import command
from sqlalchemy import Connection, create_engine, insert, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tallystick.domain.payment import AmountState, Phase
from tallystick.domain.schedule import Rank
from tallystick.store import payments
from tallystick.store.connect import open_database
from tallystick.store.migrate import config, migrate
from tallystick.store.schema.core import payments as table
from tests.store.rows import NOW, payment

OLD = [column for column in table.c if column.name != "rank"]


def foundation(tx: Connection) -> None:
    """The first step alone, with payments in it."""
    command.upgrade(config(tx), "0001")
    paid = payment(
        "pay_paid", phase=Phase.PAID, amount_state=AmountState.EXACT, received=50_000, paid_at=NOW,
        closed_at=NOW,
    )  # fmt: skip
    over = payment("pay_over", phase=Phase.EXPIRED, closed_at=NOW)
    for one in (payment("pay_open"), paid, over):
        row = asdict(one)
        tx.execute(insert(table).values({column.name: row[column.name] for column in OLD}))


async def before(url: str) -> None:
    """Bring an empty database to the first step."""
    if make_url(url).get_backend_name() == "sqlite":
        with create_engine(url).begin() as tx:
            foundation(tx)
        return
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(foundation)
    await engine.dispose()


async def test_payments_of_the_first_step_keep_their_rows_and_get_their_place(empty_database_url):
    await before(empty_database_url)

    assert await migrate(empty_database_url)

    database = open_database(empty_database_url)
    found = {one.id: one for one in await database.read(lambda tx: payments.following(tx, "", 9))}
    await database.close()
    assert found["pay_open"] == payment("pay_open", rank=Rank.OLD)
    assert found["pay_over"].rank is Rank.CLOSED
    assert (found["pay_paid"].received, found["pay_paid"].next_check_at) == (50_000, None)
