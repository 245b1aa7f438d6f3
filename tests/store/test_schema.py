"""The database refuses what must never be, and migrations lead exactly to the schema."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError

from tallystick.domain.errors import DatabaseUnavailable, NotConfigured
from tallystick.store.connect import open_database
from tallystick.store.migrate import HEAD, migrate, version
from tallystick.store.schema import append_only, frozen, metadata
from tests.store.books import build
from tests.store.rows import add, attempt, payment, run


async def test_the_migrations_lead_to_the_schema(database):
    def differences(tx):
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(tx, opts=options), metadata)

    assert await database.read(differences) == []


def described(tx: Connection) -> dict[str, Any]:
    """Every table with its columns and rules, as the database itself tells it."""
    see = inspect(tx)
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in see.get_columns(table)},
            "checks": {c["name"]: c["sqltext"] for c in see.get_check_constraints(table)},
            "unique": {c["name"]: c["column_names"] for c in see.get_unique_constraints(table)},
            "foreign": {
                c["name"]: (c["constrained_columns"], c["referred_table"], c["referred_columns"])
                for c in see.get_foreign_keys(table)
            },
            "key": see.get_pk_constraint(table)["constrained_columns"],
            "indexes": {
                c["name"]: (
                    c["column_names"],
                    {k: str(v) for k, v in c.get("dialect_options", {}).items()},
                )
                for c in see.get_indexes(table)
            },
        }
        for table in see.get_table_names()
        if table != "alembic_version"
    }


async def test_a_migrated_database_has_the_same_rules_as_the_schema(database):
    def both(tx):
        migrated = described(tx)
        metadata.drop_all(tx)
        metadata.create_all(tx)
        return migrated, described(tx)

    migrated, made = await database.write(both)

    assert migrated == made
    assert len(migrated) >= 16


async def test_a_second_migration_does_nothing(empty_database_url):
    assert await migrate(empty_database_url) is True
    assert await migrate(empty_database_url) is False

    database = open_database(empty_database_url)
    assert await database.read(version) == HEAD
    await database.close()


async def test_an_empty_database_stands_at_no_step(empty_database_url):
    database = open_database(empty_database_url)

    assert await database.read(version) is None

    await database.close()


async def test_two_servers_that_start_together_migrate_once(empty_database_url):
    def one_server():
        return asyncio.run(migrate(empty_database_url))

    done = await asyncio.gather(*(asyncio.to_thread(one_server) for _ in range(3)))

    assert sorted(done) == [False, False, True]


async def test_a_database_that_is_away_cannot_be_migrated():
    with pytest.raises(DatabaseUnavailable, match="cannot be migrated"):
        await migrate("postgresql://nobody@127.0.0.1:1/x")


async def test_where_there_is_no_folder_there_can_be_no_database():
    with pytest.raises(NotConfigured, match="There is no folder"):
        await migrate("sqlite:////nowhere/at/all.db")


VERBS = {
    "update": "UPDATE {table} SET {column} = {column}",
    "delete": "DELETE FROM {table}",
    "delete one": "DELETE FROM {table} WHERE {column} = (SELECT MIN({column}) FROM {table})",
}


async def test_the_books_cannot_be_rewritten(database, database_url):
    await build(database_url)
    verbs = dict(VERBS)
    if database.dialect == "postgresql":
        verbs["truncate"] = "TRUNCATE {table} CASCADE"

    for table in append_only():
        column = metadata.tables[table].primary_key.columns.keys()[0]
        count = f"SELECT COUNT(*) FROM {table}"
        before = await database.read(lambda tx, count=count: run(tx, count))
        assert before > 0, table
        for verb in verbs.values():
            statement = verb.format(table=table, column=column)
            with pytest.raises(DBAPIError, match="is append-only"):
                await database.write(lambda tx, statement=statement: run(tx, statement))
        assert await database.read(lambda tx, count=count: run(tx, count)) == before


async def test_the_facts_of_money_that_came_never_change(database, database_url):
    await build(database_url)
    verbs = {"delete": "DELETE FROM {table}"}
    if database.dialect == "postgresql":
        verbs["truncate"] = "TRUNCATE {table} CASCADE"

    for table, columns in frozen().items():
        tries = [f"UPDATE {table} SET {column} = {column}" for column in columns]
        for statement in (*tries, *(verb.format(table=table) for verb in verbs.values())):
            with pytest.raises(DBAPIError, match=r"never change|never deleted|append-only"):
                await database.write(lambda tx, statement=statement: run(tx, statement))


PAYMENT = "UPDATE payments SET {} WHERE id = 'pay_1'"
EVIDENCE = (
    "INSERT INTO evidence (id, payment_id, key, source, trust, claim, credits, counts, conflict, "
    "note, observed_at) VALUES ('evd_1', 'pay_1', {key}, {source}, {trust}, {claim}, '[]', 1, 0, "
    "'', {then})"
)
RECEIPT = (
    "INSERT INTO receipts (id, payment_id, gateway, account, transaction_id, amount, currency, at, "
    "evidence_key, created_at) VALUES ('rcp_{number}', '{of}', 'till', 'main', 'FT1', {amount}, "
    "'VND', {then}, 'k', {then})"
)
TRANSFER = (
    "INSERT INTO transfers (id, kind, subject, payment_id, created_at) "
    "VALUES ('{id}', 'receipt', 'rcp_1', 'pay_1', {then})"
)
POSTING = (
    "INSERT INTO postings (transfer_id, line, account, amount, currency) "
    "VALUES ('{of}', 0, 'a', {amount}, 'VND')"
)
EVENT = (
    "INSERT INTO events (id, payment_id, version, type, phase_before, phase_after, reason, at) "
    "VALUES ('evt_{number}', 'pay_1', 2, 'payment.paid', 'open', 'paid', '', {then})"
)
FULFILMENT = (
    "INSERT INTO fulfilments (id, payment_id, purpose, state, created_at) "
    "VALUES ('ful_{number}', 'pay_1', 'plain', '{state}', {then})"
)
NOTICE = (
    "INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, memo, received_at, "
    "tries, due_at, handled_at) VALUES ('ntc_{number}', 'till', 'main', 'e1', '[]', 'pending', "
    "'[]', '', {then}, 0, {due}, {handled})"
)
JOB = (
    "INSERT INTO jobs (id, kind, dedupe_key, payload, state, tries, created_at) "
    "VALUES ('job_{number}', 'x', 'k', '{{}}', '{state}', 0, {then})"
)
DECISION = (
    "INSERT INTO decisions (id, subject, action, reason, actor, at) "
    "VALUES ('dec_1', 'ntc_1', '{action}', '{reason}', 'test', {then})"
)
KEY = (
    "INSERT INTO api_keys (id, lookup, secret_hash, role, label, created_at) "
    "VALUES ('key_{number}', 'l', 'h', '{role}', '', {then})"
)
LINK = (
    "INSERT INTO payment_links (id, short_code, payment_id, gateways, created_at) "
    "VALUES ('plink_{number}', 'C{code}', '{of}', '[]', {then})"
)
EV = {"key": "'k'", "source": "'fetch'", "trust": "2", "claim": "'pending'"}
NEVER: dict[str, list[str]] = {
    "paid at no time": [PAYMENT.format("phase = 'paid', paid_at = NULL")],
    "open without a timer": [PAYMENT.format("phase = 'open', next_check_at = NULL")],
    "processing without a timer": [PAYMENT.format("phase = 'processing', next_check_at = NULL")],
    "a phase that nobody knows": [PAYMENT.format("phase = 'settled'")],
    "an amount state that nobody knows": [PAYMENT.format("amount_state = 'much'")],
    "a reason for review that nobody knows": [PAYMENT.format("review = 'odd'")],
    "a late policy that nobody knows": [PAYMENT.format("late_policy = 'ask'")],
    "a payment of nothing": [PAYMENT.format("amount = 0")],
    "a payment of less": [PAYMENT.format("amount = -1")],
    "less than nothing received": [PAYMENT.format("received = -1")],
    "more refunded than received": [PAYMENT.format("refunded = 1")],
    "less than nothing refunded": [PAYMENT.format("refunded = -1")],
    "one reference for two": ["UPDATE payments SET reference = 'A-1'"],
    "an attempt in a state that nobody knows": ["UPDATE attempts SET state = 'lost'"],
    "one memo for two attempts": ["UPDATE attempts SET memo = 'TS1'"],
    "one of our references for two attempts": ["UPDATE attempts SET our_ref = 'r'"],
    "one offer of a gateway for two attempts": ["UPDATE attempts SET provider_id = 'p'"],
    "an attempt of nobody's": ["UPDATE attempts SET payment_id = 'pay_9'"],
    "a hint that counts": [EVIDENCE.format(**EV | {"trust": "0"}, then="{then}")],
    "a source that nobody knows": [EVIDENCE.format(**EV | {"source": "'gossip'"}, then="{then}")],
    "a claim that nobody knows": [EVIDENCE.format(**EV | {"claim": "'maybe'"}, then="{then}")],
    "a receipt of nothing": [RECEIPT.format(number=1, of="pay_1", amount=0, then="{then}")],
    "one transaction for two payments": [
        RECEIPT.format(number=1, of="pay_1", amount=5, then="{then}"),
        RECEIPT.format(number=2, of="pay_2", amount=5, then="{then}"),
    ],
    "a receipt for nobody": [RECEIPT.format(number=1, of="pay_9", amount=5, then="{then}")],
    "a receipt booked twice": [
        TRANSFER.format(id="trf_1", then="{then}"), TRANSFER.format(id="trf_2", then="{then}"),
    ],
    "a posting of nothing": [
        TRANSFER.format(id="trf_1", then="{then}"), POSTING.format(of="trf_1", amount=0),
    ],
    "a posting of no transfer": [POSTING.format(of="trf_9", amount=1)],
    "one change told twice": [
        EVENT.format(number=1, then="{then}"), EVENT.format(number=2, then="{then}"),
    ],
    "one purpose delivered twice": [
        FULFILMENT.format(number=1, state="done", then="{then}"),
        FULFILMENT.format(number=2, state="done", then="{then}"),
    ],
    "a delivery in a state that nobody knows": [
        FULFILMENT.format(number=1, state="lost", then="{then}"),
    ],
    "one event of a gateway kept twice": [
        NOTICE.format(number=1, due="{then}", handled="NULL", then="{then}"),
        NOTICE.format(number=2, due="{then}", handled="NULL", then="{then}"),
    ],
    "a notice in a trouble that nobody knows": [
        NOTICE.format(number=1, due="{then}", handled="NULL", then="{then}"),
        "UPDATE inbox SET trouble = 'odd'",
    ],
    "handled and still due": [
        NOTICE.format(number=1, due="{then}", handled="{then}", then="{then}"),
    ],
    "one effect twice": [
        JOB.format(number=1, state="ready", then="{then}"),
        JOB.format(number=2, state="ready", then="{then}"),
    ],
    "an effect in a state that nobody knows": [
        JOB.format(number=1, state="later", then="{then}"),
    ],
    "a decision without a reason": [
        DECISION.format(action="parked", reason="", then="{then}"),
    ],
    "a decision that nobody knows": [
        DECISION.format(action="kept", reason="why", then="{then}"),
    ],
    "a role that nobody knows": [KEY.format(number=1, role="god", then="{then}")],
    "one key for two": [
        KEY.format(number=1, role="admin", then="{then}"),
        KEY.format(number=2, role="admin", then="{then}"),
    ],
    "one short code for two links": [
        LINK.format(number=1, code=1, of="pay_1", then="{then}"),
        LINK.format(number=2, code=1, of="pay_2", then="{then}"),
    ],
    "two links for one payment": [
        LINK.format(number=1, code=1, of="pay_1", then="{then}"),
        LINK.format(number=2, code=2, of="pay_1", then="{then}"),
    ],
}  # fmt: skip


async def test_the_database_refuses_what_must_never_be(database):
    sqlite = database.dialect == "sqlite"
    then = "0" if sqlite else "'2026-11-20 09:00+00'"
    await database.write(
        lambda tx: add(tx, payment("pay_1"), payment("pay_2"), attempt("att_1"), attempt("att_2"))
    )

    for what, statements in NEVER.items():
        told = [one.replace("{then}", then) for one in statements]

        def body(tx, told=told):
            for statement in told[:-1]:
                tx.exec_driver_sql(statement)
            try:
                with tx.begin_nested():
                    tx.exec_driver_sql(told[-1])
            except IntegrityError as error:
                raise Undone from error

        try:
            await database.write(body)
        except Undone:
            continue
        pytest.fail(f"The database allowed {what}.")


class Undone(Exception):
    """Takes the transaction back and says that the database refused."""


@pytest.mark.sqlite_only
async def test_a_column_of_sqlite_holds_only_its_type(database):
    await database.write(lambda tx: add(tx, payment()))

    with pytest.raises(IntegrityError, match="TEXT value in INTEGER"):
        await database.write(lambda tx: run(tx, "UPDATE payments SET amount = 'a lot'"))


async def test_a_time_without_a_zone_is_not_stored(database):
    naive = payment().created_at.replace(tzinfo=None)

    with pytest.raises(Exception, match="A stored time is aware"):
        await database.write(lambda tx: add(tx, payment(created_at=naive)))
