"""Tells whether a database is in a state that this version knows, so that it may be touched."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from tallystick.domain.errors import NotConfigured
from tallystick.store.migrations import shape_0001

FOLDER: Final = Path(__file__).parent / "migrations"
STEPS: Final = tuple(
    sorted(path.name[1:5] for path in (FOLDER / "versions").glob("m[0-9][0-9][0-9][0-9]_*.py"))
)
"""Every step of this version, in order; the number in a file's name is its revision."""

HEAD: Final = STEPS[-1]
FOUNDATION: Final = "0001"

_STEP = text("SELECT version_num FROM alembic_version")
_COLUMNS = {
    "sqlite": text(
        "SELECT m.name, c.name, m.sql FROM sqlite_master m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table'"
    ),
    "postgresql": text(
        "SELECT c.relname, a.attname, (SELECT string_agg(pg_get_constraintdef(r.oid), ' ')"
        "  FROM pg_constraint r WHERE r.conrelid = c.oid AND r.contype = 'c' AND a.attnum = 1)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace"
        " AND a.attnum > 0 AND NOT a.attisdropped"
    ),
}
_WORD = re.compile(r"'([^']+)'")
WAYS_OUT: Final = "Restore a backup, or name another database."
"""What is left to do with a database that nobody can read."""

Shape = Mapping[str, set[str]]
"""For each table its columns, and in quotation marks the words that its rules know."""


def step(tx: Connection) -> str | None:
    """The step that the database stands at; None for an empty one.

    Raises NotConfigured, with one sentence that says what to do, where nobody can tell.
    """
    tables = set(inspect(tx).get_table_names())
    ours = sorted(tables & set(released()))
    steps = tx.execute(_STEP).scalars().all() if _says_its_step(tx, tables) else []
    if not steps and not ours:
        return None
    if len(steps) != 1:
        raise NotConfigured(
            f"The database has tables of Tallystick ({', '.join(ours[:3])} …) and does not say "
            f"which step they are at: nobody can tell what is in them. {WAYS_OUT}"
        )
    found = str(steps[0])
    if found not in STEPS:
        raise NotConfigured(_unknown(found))
    if found in {FOUNDATION, HEAD}:
        _hold_to_its_shape(tx, found)
    return found


def _says_its_step(tx: Connection, tables: set[str]) -> bool:
    """Another program may have a table of this name too, with other columns."""
    if "alembic_version" not in tables:
        return False
    return "version_num" in {one["name"] for one in inspect(tx).get_columns("alembic_version")}


def released() -> Shape:
    """The shape of step 0001."""
    found: dict[str, set[str]] = {}
    for line in shape_0001.TABLES.replace("\n    ", " ").strip().splitlines():
        table, _, parts = line.partition(": ")
        columns, _, words = parts.partition(" | ")
        found[table] = {*columns.split(), *(f"'{word}'" for word in words.split())}
    return found


def shape(tx: Connection) -> Shape:
    """The shape of all tables that there are."""
    found: dict[str, set[str]] = {}
    for table, column, rules in tx.execute(_COLUMNS[tx.dialect.name]):
        words = (f"'{word}'" for word in _WORD.findall(rules or ""))
        found.setdefault(table, set()).update({column, *words})
    return found


def _unknown(found: str) -> str:
    if re.fullmatch(r"\d{4}", found) and found > HEAD:
        return (
            f"The database is at step {found}, made by a newer Tallystick than this one, which "
            f"knows {HEAD}: install that version again, or restore the backup from before it."
        )
    return f"The database is at step {found[:40]!r}, which no version of Tallystick has. {WAYS_OUT}"


def _hold_to_its_shape(tx: Connection, found: str) -> None:
    there = shape(tx)
    if found == FOUNDATION:
        wanted, exactly = released(), True
    else:
        from tallystick.store.schema import metadata

        tables = metadata.tables.values()
        wanted, exactly = {one.name: set(one.columns.keys()) for one in tables}, False
    for table, parts in wanted.items():
        other = parts - there.get(table, set())
        other |= there.get(table, set()) - parts if exactly else set()
        if other:
            raise NotConfigured(
                f"The database says that it is at step {found}, but its table {table} is not the "
                f"one of that step ({', '.join(sorted(other)[:3])}): it was made by a version that "
                f"was never released, or changed by hand. {WAYS_OUT}"
            )
