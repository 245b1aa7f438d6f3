"""A database of a busy shop: very many rows in every table that grows, made by set-based SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Column, Connection, LargeBinary, Table, Text, text

from tallystick.store.columns import Document, Instant
from tallystick.store.schema import metadata

MANY: Final = 200_000
SOME: Final = 20_000
FEW: Final = 20
FIRST: Final = 1_000_000
"""Rows are named by numbers of seven digits, so that names sort like numbers."""

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
EVERY: Final = timedelta(seconds=40)
END: Final = START + MANY * EVERY

# What a person makes one by one, what is one row for each gateway, job or day, and what is
# forgotten after a month. Everything else grows with the payments.
SMALL: Final = {
    "api_keys", "audit_marks", "budgets", "clock_doubts", "coupon_amounts", "coupons",
    "dashboard_links", "dashboard_sessions", "exchange_rates", "job_runs", "kept_keys",
    "master_keys", "product_prices", "products", "readings", "reconciliations", "referrers",
    "revenue_daily", "revenue_zone", "schedules", "unnumbered", "webhook_endpoints",
}  # fmt: skip

# What most payments have; the rest is filled with SOME rows, which is enough to be a scan.
LARGEST: Final = {
    "attempts", "client_tokens", "credits", "deliveries", "events", "evidence", "feed",
    "fulfilments", "idempotency", "inbox", "jobs", "orders", "outbox", "payment_links", "payments",
    "postings", "receipts", "transfers",
}  # fmt: skip

# The usual word in a column of words; each of the others is in one row of a thousand.
USUAL: Final = {
    "payments.phase": "paid", "payments.amount_state": "exact", "payments.review": None,
    "payments.late_policy": "auto_fulfil", "attempts.state": "succeeded", "jobs.state": "done",
    "evidence.claim": "pending", "evidence.source": "fetch", "refunds.state": "succeeded",
    "deliveries.state": "delivered", "orders.status": "completed", "orders.review": None,
    "tasks.state": "COMPLETED", "gift_cards.state": "active", "gift_card_holds.state": "captured",
    "commissions.status": "paid", "fulfilments.state": "done", "coupon_uses.state": "redeemed",
    "access_grants.state": "done", "inbox.trouble": None,
}  # fmt: skip

# Where the rule below would make what no shop has.
OWN: Final = {
    "payments.owner_id": "'owner_' || ({n} % 20000)",
    "payments.next_check_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "inbox.due_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "credits.due_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "credits.payment_id": "CASE WHEN {n} % 20 > 0 THEN 'payments_' || {name} END",
    "credits.decided_at": "CASE {n} % 100 WHEN 0 THEN {at} END",
    "jobs.due_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "refunds.next_check_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "deliveries.due_at": "CASE {n} % 400 WHEN 0 THEN {at} END",
    "deliveries.held": "0",
    "deliveries.endpoint_id": "'webhook_endpoints_' || (1000000 + {n} % 3)",
    "delivery_attempts.endpoint_id": "'webhook_endpoints_' || (1000000 + {n} % 3)",
    "orders.owner_id": "'owner_' || ({n} % 20000)",
    "orders.email_lookup": "'buyer' || ({n} % 50000) || '@example.com'",
    "orders.team_id": "CASE {n} % 100 WHEN 0 THEN 'team_' || {n} END",
    "tasks.reference": "'reference_' || ({n} % 50000)",
    "postings.transfer_id": "'transfers_' || (1000000 + {n} / 2)",
    "postings.line": "{n} % 2",
    "postings.account": "CASE {n} % 4 WHEN 0 THEN 'clearing:sepay' WHEN 1 THEN 'suspense' "
                        "WHEN 2 THEN 'revenue' ELSE 'wallet:owner_' || ({n} % 20000) END",
    "balances.account": "'wallet:owner_' || {n}",
    "transfers.kind": "CASE {n} % 2 WHEN 0 THEN 'receipt' ELSE 'fulfilment' END",
    "commissions.referrer_id": "'referrers_' || (1000000 + {n} % 20)",
    "commission_lines.referrer_id": "'referrers_' || (1000000 + {n} % 20)",
    "commission_lines.kind": "'earned'",
    "sales.kind": "CASE {n} % 20 WHEN 0 THEN 'refund' ELSE 'sale' END",
    "gift_card_movements.kind": "'redeem'",
    "evidence.counts": "1",
    "outbox.type": "CASE {n} % 2 WHEN 0 THEN 'payment.paid' ELSE 'payment.opened' END",
}  # fmt: skip
_PLACES: Final = {
    "gateway": "CASE {n} % 50 WHEN 0 THEN 'polar' WHEN 1 THEN 'payos' ELSE 'sepay' END",
    "provider": "CASE {n} % 50 WHEN 0 THEN 'polar' ELSE 'sepay' END",
    "account": "'main'", "currency": "'VND'",
    "purpose": "CASE {n} % 3 WHEN 0 THEN 'payment_link' ELSE 'plain' END",
    "payment_id": "'payments_' || {name}", "note": "''", "metadata": "'{{}}'",
}  # fmt: skip


def is_growing(table: str) -> bool:
    """Whether a table has more rows with every payment."""
    return table in metadata.tables and table not in SMALL


def rows_of(table: str) -> int:
    """How many rows a table is filled with."""
    if table in LARGEST:
        return MANY
    return SOME if is_growing(table) else FEW


def fill(tx: Connection) -> None:
    """Fill an empty, migrated database; its rules about single rows are taken off first."""
    sqlite = tx.dialect.name == "sqlite"
    for statement in _UNCHECKED[tx.dialect.name]:
        tx.exec_driver_sql(statement)
    if not sqlite:
        for table, name in tx.execute(text(_CHECKS)).all():
            tx.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = tx.execute(text(_INDEXES[tx.dialect.name])).all()
    for name, _ in indexes:
        tx.exec_driver_sql(f"DROP INDEX {name}")
    for table in metadata.sorted_tables:
        rows = rows_of(table.name)
        if table.name in {"revenue_zone", "unnumbered", "audit_marks"}:
            continue
        tx.exec_driver_sql(_filling(table, rows, sqlite=sqlite))
    for _, made in indexes:
        tx.exec_driver_sql(made)
    if not sqlite:
        tx.exec_driver_sql("ANALYZE")


_UNCHECKED: Final = {
    "sqlite": ("PRAGMA ignore_check_constraints=ON", "PRAGMA foreign_keys=OFF"),
    "postgresql": ("SET LOCAL session_replication_role = replica",),
}
# Made anew over all rows at once, which takes half the time.
_INDEXES: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
                  "AND indexname LIKE 'ix_%'",
}  # fmt: skip
_CHECKS: Final = """
SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'c' AND c.relnamespace = 'public'::regnamespace
"""


def _filling(table: Table, rows: int, *, sqlite: bool) -> str:
    made = dict(_columns(table, sqlite=sqlite))
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
        f"WHERE n < {rows}) " if sqlite else ""
    )  # fmt: skip
    source = "numbers" if sqlite else f"generate_series(1, {rows}) AS numbers(n)"
    return (
        f"INSERT INTO {table.name} ({', '.join(made)}) {numbers}"
        f"SELECT {', '.join(made.values())} FROM {source}"
    )


def _columns(table: Table, *, sqlite: bool) -> Iterator[tuple[str, str]]:
    words = dict(_words(table))
    for column in table.c:
        yield column.name, _value(table, column, words.get(column.name), sqlite=sqlite)


def _value(table: Table, column: Column[object], words: list[str] | None, *, sqlite: bool) -> str:
    key = f"{table.name}.{column.name}"
    if key in OWN:
        made = OWN[key]
    elif words is not None:
        made = _spread(words, USUAL.get(key, words[0]))
    elif column.foreign_keys:
        made = _parent(next(iter(column.foreign_keys)).column.table.name)
    else:
        made = _plain(table, column, sqlite=sqlite)
    at = (
        f"({int(START.timestamp())} + n * {int(EVERY.total_seconds())}) * 1000000" if sqlite
        else f"timestamptz '{START.isoformat()}' + n * interval '{EVERY.total_seconds()} s'"
    )  # fmt: skip
    return made.format(n="n", name=f"({FIRST} + n)", at=at)


def _parent(table: str) -> str:
    """The row of the same number, or of small tables one after the other."""
    return f"'{table}_' || " + ("{name}" if is_growing(table) else f"({FIRST} + 1 + n % {FEW - 1})")


def _plain(table: Table, column: Column[object], *, sqlite: bool) -> str:
    if column.name in _PLACES and not column.primary_key:
        return _PLACES[column.name]
    if isinstance(column.type, Instant):
        return "{at}"
    if isinstance(column.type, LargeBinary):
        return "x'00'" if sqlite else r"'\x00'::bytea"
    if isinstance(column.type, Document):
        return "'[]'"
    if not isinstance(column.type, Text):
        return "{n}" if column.primary_key or column.unique else "1"
    of_itself = column.primary_key and column.name in {"id", "type"}
    return f"'{table.name if of_itself else column.name}_' || {{name}}"


def _spread(words: list[str], usual: str | None) -> str:
    others = [word for word in words if word != usual]
    cases = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(others))
    told = "NULL" if usual is None else f"'{usual}'"
    return f"CASE {{n}} % 1000 {cases} ELSE {told} END" if cases else told


def _words(table: Table) -> Iterator[tuple[str, list[str]]]:
    """The columns that have one of some words, by the rules of the table."""
    for rule in table.constraints:
        found = re.fullmatch(r"(\w+) IN \((.*)\)", str(getattr(rule, "sqltext", "")))
        if isinstance(rule, CheckConstraint) and found:
            yield found[1], re.findall(r"'([^']*)'", found[2])
