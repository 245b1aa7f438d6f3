"""Changes what a column may hold, whatever rows there are, on both databases."""

import re
from collections.abc import Sequence

from alembic import op
from sqlalchemy import Connection, text


def allow(table: str, column: str, words: Sequence[str]) -> None:
    """Replace the list of words that `column` may have; rows, indexes and triggers stay.

    The new list holds the old one, so no row can be against it. For use in a migration only.
    Raises ValueError where the table has no such list.
    """
    listed = ", ".join(f"'{word}'" for word in words)
    widen(table, f"{column}_known", f"{column} IN ({listed})")


def widen(table: str, rule: str, check: str, name: str | None = None) -> None:
    """Replace a rule by one that all rows that there are already keep; it may get a new name.

    For use in a migration only. Raises ValueError where the table has no such rule.
    """
    tx = op.get_bind()
    old, new = f"ck_{table}_{rule}", f"ck_{table}_{name or rule}"
    if tx.dialect.name == "postgresql":
        # Not checked while the table is locked against everybody: VALIDATE lets others write.
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {old}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {new} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {new}")
        return
    _rebuild(tx, table, old, f"{new} CHECK ({check})")


def _rebuild(tx: Connection, table: str, old: str, rule: str) -> None:
    """SQLite cannot change a constraint: the table is made anew, by the twelve steps of its manual.

    https://www.sqlite.org/lang_altertable.html#otheralter (read in November 2026). No foreign key
    is enforced on the connection that migrates, so dropping the old table touches no other.
    """
    rows = tx.execute(
        text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL"),
        {"table": table},
    ).all()
    made = next(row.sql for row in rows if row.type == "table")
    beside = [row.sql for row in rows if row.type in {"index", "trigger"}]
    columns = ", ".join(
        f'"{row.name}"' for row in tx.exec_driver_sql(f"PRAGMA table_info({table})")
    )
    tx.exec_driver_sql(_anew(made, table, old, rule))
    tx.exec_driver_sql(
        f"INSERT INTO {table}_anew ({columns}) SELECT {columns} FROM {table}"  # noqa: S608
    )
    tx.exec_driver_sql(f"DROP TABLE {table}")
    tx.exec_driver_sql(f"ALTER TABLE {table}_anew RENAME TO {table}")
    for statement in beside:
        tx.exec_driver_sql(statement)


def _anew(made: str, table: str, old: str, rule: str) -> str:
    """The statement that made the table, for its new name and with its new rule."""
    renamed, tables = re.subn(
        rf'^CREATE TABLE "?{table}"?(?=\s*\()', f"CREATE TABLE {table}_anew", made
    )
    # None of our words has a parenthesis in it, so at most one pair stands inside the rule's own.
    changed, checks = re.subn(
        rf"(CONSTRAINT ){old} CHECK \((?:[^()]|\([^()]*\))*\)", rf"\g<1>{rule}", renamed
    )
    if (tables, checks) != (1, 1):
        raise ValueError(f"{table} has no rule {old} that could be changed.")
    return changed
