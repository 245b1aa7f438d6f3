"""Every version's database can be migrated, with a merchant's rows in it; no other is touched."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tallystick.domain.errors import NotConfigured
from tallystick.flows.audit import audit
from tallystick.products import CHECKS
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.gift_cards.cards import read_statement
from tallystick.store.connect import open_database
from tallystick.store.known_state import FOLDER, FOUNDATION, HEAD, STEPS, released, shape
from tallystick.store.migrate import config, migrate, version
from tests.store.house import House
from tests.store.merchants import at_step, every_row, load, within

FROZEN = {
    "m0001_foundation.py": "f3045d4a9ca8391cfb8e9a426799fcbc79465335d8b5f7bccfdaf317655a32df",
}
"""The steps that merchants have taken. When a version is released, its steps are added here."""

CHANGED: dict[str, set[str]] = {
    # The bytes go to a table of their own.
    "evidence": {"raw"},
    "inbox": {"headers", "query", "body"},
    "refund_moves": {"raw"},
    # What is paid is not asked about any more.
    "payments": {"next_check_at"},
    # Addresses get names that tell what takes their place; what was told has none in it.
    "orders": {"email"},
    "referrers": {"email"},
    "outbox": {"data"},
    # `tidy` seals what was kept in the clear, at once.
    "schedules": {"next_run_at"},
}
"""Columns of step 0001 whose values a later step moves elsewhere or writes anew, on purpose."""

REPLACED = {"statements"}
"""Tables of step 0001 whose rows a later step moves elsewhere."""


def test_a_released_migration_is_never_changed():
    for name, digest in FROZEN.items():
        path = FOLDER / "versions" / name
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        assert found == digest, (
            f"{name} was released, and merchants' databases were made by it: take the change back "
            "and write a migration of its own, with the next number, that keeps their rows."
        )


def test_the_steps_stand_in_one_line_in_the_order_of_their_numbers():
    scripts = ScriptDirectory.from_config(config(None))  # type: ignore[arg-type]

    line = [script.revision for script in scripts.walk_revisions()]

    assert scripts.get_heads() == [HEAD], "Two migrations follow the same one: link them in a line."
    assert list(reversed(line)) == list(STEPS)


async def test_the_first_step_leads_to_the_tables_that_were_released(empty_database_url):
    await at_step(empty_database_url, FOUNDATION)
    database = open_database(empty_database_url)

    found = {**await database.read(shape)}
    await database.close()

    assert found.pop("alembic_version") == {"version_num"}
    assert found == released()


async def test_a_merchants_rows_are_all_there_after_every_later_step(empty_database_url):
    await load(empty_database_url, FOUNDATION)
    columns = {
        table: sorted(
            name for name in parts if name[0] != "'" and name not in CHANGED.get(table, ())
        )
        for table, parts in released().items()
        if table not in REPLACED
    }
    database = open_database(empty_database_url)
    before = await database.read(lambda tx: every_row(tx, columns))
    await database.close()

    await migrate(empty_database_url)

    database = open_database(empty_database_url)
    after = await database.read(lambda tx: every_row(tx, columns))
    for table, rows in before.items():
        assert set(rows) <= set(after[table]), table
    assert sum(map(len, before.values())) > 400
    assert await database.read(version) == HEAD
    assert await audit(database, CHECKS) == []
    await database.close()


async def test_a_merchant_trades_on_after_the_migration(empty_database_url):
    await load(empty_database_url, FOUNDATION)
    await migrate(empty_database_url)
    database = open_database(empty_database_url)
    house = House(database)
    # The till goes on counting where it was.
    house.till.numbers, house.transfers = count(1_000), count(1_000)

    gift = await house.sell_gift_card()
    statement = await database.read(
        lambda tx: read_statement(tx, gift_cards.find(tx, gift.id))  # type: ignore[arg-type]
    )

    assert statement.balance == 50_000
    assert await audit(database, CHECKS) == []
    await database.close()


def unmarked(tx: Connection) -> None:
    tx.execute(text("DROP TABLE alembic_version"))


def forgotten(tx: Connection) -> None:
    tx.execute(text("DELETE FROM alembic_version"))


def doubled(tx: Connection) -> None:
    tx.execute(text("INSERT INTO alembic_version VALUES ('0009')"))


def newer(tx: Connection) -> None:
    tx.execute(text("UPDATE alembic_version SET version_num = '9000'"))


def foreign(tx: Connection) -> None:
    tx.execute(text("UPDATE alembic_version SET version_num = 'ae1027a6acf'"))


def early(tx: Connection) -> None:
    """As an edition of the first step that was never released."""
    tx.execute(text("ALTER TABLE gift_cards DROP COLUMN language"))


def odd(tx: Connection) -> None:
    tx.execute(text("ALTER TABLE orders ADD COLUMN colour TEXT"))


UNKNOWN = {
    unmarked: "does not say which step",
    forgotten: "does not say which step",
    doubled: "does not say which step",
    newer: "newer Tallystick .* install that version again",
    foreign: "'ae1027a6acf', which no version of Tallystick has",
    early: "its table gift_cards is not the one of that step .language.*never released",
    odd: "its table orders is not the one of that step .colour.*never released",
}


@pytest.mark.parametrize("made", UNKNOWN, ids=lambda made: made.__name__)
async def test_a_database_in_an_unknown_state_is_not_touched(empty_database_url, made):
    await at_step(empty_database_url, FOUNDATION)
    await within(empty_database_url, made)

    with pytest.raises(NotConfigured, match=UNKNOWN[made]) as told:
        await migrate(empty_database_url)

    assert "\n" not in told.value.detail


async def test_tables_of_others_in_the_same_database_are_left_alone(empty_database_url):
    await within(empty_database_url, lambda tx: tx.execute(text("CREATE TABLE blog (a INTEGER)")))

    assert await migrate(empty_database_url) is True
    assert await migrate(empty_database_url) is False


async def test_a_column_that_went_missing_is_noticed_at_the_next_start(database_url):
    await within(database_url, early)

    with pytest.raises(NotConfigured, match=f"step {HEAD}, but its table gift_cards"):
        await migrate(database_url)
