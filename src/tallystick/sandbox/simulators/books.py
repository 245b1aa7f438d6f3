"""The books of the simulated gateways: one small SQLite file that survives kill -9."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tallystick.domain.errors import NotConfigured
from tallystick.private_files import make_private
from tallystick.sandbox.simulators.base import Event, Order, Transfer

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    gateway TEXT NOT NULL,
    ref TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (gateway, ref),
    UNIQUE (gateway, id)
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY,
    due REAL NOT NULL,
    done INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE done = 0;
"""
_FACT: Final = "SELECT value FROM facts WHERE name = ?"
_KEEP_FACT: Final = (
    "INSERT INTO facts (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ORDER: Final = "SELECT document FROM orders WHERE gateway = ? AND (ref = ? OR id = ?)"
_ORDERS: Final = "SELECT document FROM orders WHERE gateway = ? ORDER BY ref"
_KEEP_ORDER: Final = (
    "INSERT INTO orders (gateway, ref, id, document) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (gateway, ref) DO UPDATE SET document = excluded.document"
)
_ADD: Final = "INSERT INTO deliveries (due, done, document) VALUES (?, 0, ?)"
_UPDATE: Final = "UPDATE deliveries SET due = ?, done = ?, document = ? WHERE id = ?"
_DUE: Final = (
    "SELECT id, due, done, document FROM deliveries WHERE done = 0 AND due <= ? ORDER BY due, id"
)
_NEXT: Final = "SELECT id, due FROM deliveries WHERE done = 0 ORDER BY due, id LIMIT ?"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to the hub.

    `together`: rows with the same mark go at once. `sealed_at` is set where the bytes were signed
    at an earlier time (a replay). `cut`: the first try is cut short. `once`: never retried.
    `status` and `error` say how the last try ended.
    """

    gateway: str
    ref: str
    event: Event
    due: datetime
    id: int = 0
    together: str | None = None
    rightly: bool = True
    sealed_at: datetime | None = None
    cut: bool = False
    once: bool = False
    tries: int = 0
    status: int | None = None
    error: str | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """All that one gateway knows, for comparing it with what the hub knows."""

    orders: tuple[Order, ...]

    @property
    def transfers(self) -> tuple[tuple[str, Transfer], ...]:
        """Every transfer that arrived, with the hub's name of its order."""
        return tuple((order.ref, transfer) for order in self.orders for transfer in order.transfers)

    def totals(self) -> dict[str, int]:
        """The sum of all that arrived, by currency."""
        return {one.currency: self.total(one.currency) for _, one in self.transfers}

    def total(self, currency: str) -> int:
        """The sum of all that arrived in one currency."""
        return sum(t.amount for _, t in self.transfers if t.currency == currency)


class Books:
    """Written before anything is answered or sent. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        make_private(path)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise NotConfigured(
                f"The books of the simulated gateways, {path.name}, cannot be read ({error}): "
                "delete this file, and they begin anew."
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Everything kept inside is kept together or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fact(self, name: str) -> str | None:
        """One remembered value."""
        row = self._db.execute(_FACT, (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_fact(self, name: str, value: str) -> None:
        """Remember one value."""
        self._db.execute(_KEEP_FACT, (name, value))

    def order(self, gateway: str, name: str) -> Order | None:
        """The order that the hub or the gateway calls so."""
        row = self._db.execute(_ORDER, (gateway, name, name)).fetchone()
        return None if row is None else Order.of(row[0])

    def keep(self, order: Order) -> None:
        """Write an order down, new or changed."""
        self._db.execute(_KEEP_ORDER, (order.gateway, order.ref, order.id, order.document()))

    def gateways(self) -> list[str]:
        """The gateways that have anything in the books."""
        found = self._db.execute("SELECT DISTINCT gateway FROM orders ORDER BY gateway")
        return [str(row[0]) for row in found.fetchall()]

    def book(self, gateway: str) -> Book:
        """Everything about one gateway."""
        rows = self._db.execute(_ORDERS, (gateway,)).fetchall()
        return Book(tuple(Order.of(row[0]) for row in rows))

    def post(self, delivery: Delivery) -> Delivery:
        """Write down a notice that is to go out; the answer knows its number."""
        cursor = self._db.execute(_ADD, (delivery.due.timestamp(), _document(delivery)))
        return replace(delivery, id=cursor.lastrowid or 0)

    def repost(self, delivery: Delivery) -> None:
        """Write down how a try went and when the next one is due."""
        due, done = delivery.due.timestamp(), int(delivery.done)
        self._db.execute(_UPDATE, (due, done, _document(delivery), delivery.id))

    def due(self, now: datetime) -> list[Delivery]:
        """The notices that should be on their way by now, the oldest first."""
        rows = self._db.execute(_DUE, (now.timestamp(),)).fetchall()
        return [_delivery(*row) for row in rows]

    def next_due(self, besides: frozenset[int]) -> datetime | None:
        """When the next notice goes out, leaving aside those that are on their way."""
        rows = self._db.execute(_NEXT, (len(besides) + 1,)).fetchall()
        waiting = [due for number, due in rows if number not in besides]
        return datetime.fromtimestamp(waiting[0], UTC) if waiting else None


def _document(delivery: Delivery) -> str:
    fields: dict[str, Any] = {
        name: getattr(delivery, name)
        for name in Delivery.__dataclass_fields__
        if name not in {"id", "due", "done"}
    }
    return json.dumps(fields, ensure_ascii=False, default=datetime.isoformat)


def _delivery(number: int, due: float, done: int, document: str) -> Delivery:
    fields = json.loads(document)
    fields["sealed_at"] = fields["sealed_at"] and datetime.fromisoformat(fields["sealed_at"])
    return Delivery(id=number, due=datetime.fromtimestamp(due, UTC), done=bool(done), **fields)
