"""Rows for the store's tests: a payment and an attempt with every field set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, inspect, text

from tallystick.domain.credit import Credit
from tallystick.domain.payment import (
    AmountState,
    Attempt,
    AttemptState,
    LatePolicy,
    Payment,
    Phase,
)
from tallystick.store import attempts, payments
from tallystick.store.schema import metadata

NOW = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def payment(name: str = "pay_1", **changes: Any) -> Payment:
    """An open payment of 50 000 VND that ends in 15 minutes."""
    made = Payment(
        id=name, purpose="plain", phase=Phase.OPEN, amount_state=AmountState.NONE, late=False,
        review=None, amount=50_000, currency="VND", received=0, refunded=0,
        late_policy=LatePolicy.AUTO_FULFIL, retriable=False, tolerance=0, gateway="till",
        reference=None, owner_id=None, description="Hai ly cà phê ☕", metadata={"table": [7]},
        return_url=None, cancel_url=None, test_mode=False, created_at=NOW, updated_at=NOW,
        opened_at=NOW, expires_at=NOW + 15 * MINUTE, closed_at=None, paid_at=None, as_of=None,
        source=None, next_check_at=NOW + MINUTE, version=1,
    )  # fmt: skip
    return replace(made, **changes)


def attempt(name: str = "att_1", of: str = "pay_1", **changes: Any) -> Attempt:
    """An attempt of that payment at the till."""
    made = Attempt(
        id=name, payment_id=of, gateway="till", account="main", our_ref=f"ref-{name}",
        memo=f"TS{name[-1] * 7}", provider_id=None, state=AttemptState.SUBMITTING, checkout={},
        amount=50_000, currency="VND", created_at=NOW, listen_until=NOW + timedelta(days=3),
        as_of=None,
    )  # fmt: skip
    return replace(made, **changes)


def money(name: str = "FT1", amount: int = 50_000, **changes: Any) -> Credit:
    """A transfer at the till."""
    return replace(Credit("till", "main", name, amount, "VND", NOW), **changes)


def add(tx: Connection, *rows: Payment | Attempt) -> None:
    """Write them."""
    for row in rows:
        if isinstance(row, Payment):
            payments.add(tx, row)
        else:
            attempts.add(tx, row)


def run(tx: Connection, statement: str, **values: Any) -> Any:
    """The first value of a plain statement's first row, where there is one."""
    result = tx.execute(text(statement), values)
    return result.scalar() if result.returns_rows else None


def plant(tx: Connection, table: str, row: Mapping[str, Any]) -> None:
    """Write a row into a table as an older version made it: what that did not know is left out."""
    known = {column["name"] for column in inspect(tx).get_columns(table)}
    values = {name: value for name, value in row.items() if name in known}
    tx.execute(insert(metadata.tables[table]).values(values))
