"""Budgets of questions: one row for each gateway account, which all processes spend from."""

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.budget import Budget
from tallystick.store.schema.core import budgets

_MINE = (
    budgets.c.gateway == bindparam("of_gateway"),
    budgets.c.account == bindparam("of_account"),
)
_FIND = select(budgets.c.spent_until, budgets.c.asked).where(*_MINE)
_LOCK = _FIND.with_for_update()
_BEGIN = {
    "sqlite": sqlite_insert(budgets).on_conflict_do_nothing(),
    "postgresql": pg_insert(budgets).on_conflict_do_nothing(),
}
_SPEND = (
    update(budgets).where(*_MINE).values(spent_until=bindparam("until"), asked=bindparam("so_many"))
)


def find(tx: Connection, gateway: str, account: str, rate: float) -> Budget:
    """What an account may be asked; a full budget where it never was."""
    row = tx.execute(_FIND, {"of_gateway": gateway, "of_account": account}).first()
    return Budget(rate) if row is None else Budget(rate, row.spent_until, row.asked)


def lock(tx: Connection, gateway: str, account: str, rate: float) -> Budget:
    """The same, held against every other process until this transaction ends."""
    mine = {"of_gateway": gateway, "of_account": account}
    row = tx.execute(_LOCK, mine).first()
    if row is None:
        begun = {"gateway": gateway, "account": account, "spent_until": None, "asked": 0}
        tx.execute(_BEGIN[tx.dialect.name], begun)
        row = tx.execute(_LOCK, mine).one()
    return Budget(rate, row.spent_until, row.asked)


def keep(tx: Connection, gateway: str, account: str, budget: Budget) -> None:
    """Write down what was spent. The row is locked."""
    values = {"of_gateway": gateway, "of_account": account, "until": budget.spent_until,
              "so_many": budget.asked}  # fmt: skip
    tx.execute(_SPEND, values)
