"""Finds every statement of the store: the constants by themselves, the others by calling them."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import ModuleType
from typing import Any, Final

from sqlalchemy import BindParameter, Column, Connection, Insert, event
from sqlalchemy.sql import ClauseElement, operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, TextClause

from tallystick import products, store
from tallystick.store.columns import Instant
from tests.store.large import END, FIRST, rows_of
from tests.store.planner import Asked

# They make the database, or look at all of it on purpose.
APART: Final = {"audit", "migrate", "migrations", "schema", "triggers", "sqlite", "postgresql"}

# What one of the databases cannot say.
ONLY: Final = {"outbox._ADD_AND_NOTE": "postgresql", "proof_chain._HORIZON": "postgresql"}


class _NotRunError(Exception):
    """Raised in place of running a statement that was only to be seen."""


def modules() -> Iterator[ModuleType]:
    """Every module that asks the database something."""
    for found in pkgutil.iter_modules(store.__path__):
        if found.name not in APART:
            yield importlib.import_module(f"tallystick.store.{found.name}")
    for found in pkgutil.walk_packages(products.__path__, "tallystick.products."):
        if found.name.endswith("rows"):
            yield importlib.import_module(found.name)


def name_of(module: ModuleType) -> str:
    """`payments` in the store, `gift_cards.rows` in a product."""
    return module.__name__.removeprefix("tallystick.store.").removeprefix("tallystick.products.")


def constants(dialect: str) -> Iterator[tuple[str, ClauseElement]]:
    """The statements that are executed as they stand in their module, by name."""
    other = "sqlite" if dialect == "postgresql" else "postgresql"
    for module in modules():
        for name in executed(module):
            value = getattr(module, name)
            value = value.get(dialect) if isinstance(value, dict) else value
            for one in value if isinstance(value, tuple | list) else (value,):
                full = f"{name_of(module)}.{name}"
                if isinstance(one, ClauseElement) and _asks(one) and ONLY.get(full) != other:
                    yield full, one


def executed(module: ModuleType) -> Iterator[str]:
    """The names of the constants that the functions of a module execute."""
    for _, call in _executions(module):
        name = _constant(call.args[0])
        if name is not None and hasattr(module, name):
            yield name


def built(module: ModuleType) -> Iterator[str]:
    """The functions that execute what they put together, or are given."""
    for function, call in _executions(module):
        name = _constant(call.args[0])
        if name is None or not hasattr(module, name):
            yield function


def _executions(module: ModuleType) -> Iterator[tuple[str, ast.Call]]:
    """Each call of `execute`, with the function of the module that it stands in."""
    for top in ast.parse(inspect.getsource(module)).body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            for node in ast.walk(top):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if node.func.attr in {"execute", "exec_driver_sql"}:
                    yield top.name, node


def _constant(node: ast.expr) -> str | None:
    """`_NAME`, or `_NAME[tx.dialect.name]`."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) and node.id.isupper() else None


def _asks(statement: ClauseElement) -> bool:
    """Whether rows are looked for: a plain insert has none, and a lock by number neither."""
    if isinstance(statement, TextClause):
        return "FROM" in statement.text
    return not (isinstance(statement, Insert) and statement.select is None)


@contextmanager
def seen(tx: Connection, name: str, *, run: bool) -> Iterator[list[Asked]]:
    """What is executed meanwhile; without `run` it is seen and goes no further."""
    found: list[Asked] = []

    def see(_: Any, __: Any, sql: str, values: Any, ___: Any, many: bool) -> None:
        found.append(Asked(name, sql, values[0] if many else values))
        if not run:
            raise _NotRunError

    event.listen(tx, "before_cursor_execute", see)
    try:
        yield found
    except _NotRunError:
        pass
    finally:
        event.remove(tx, "before_cursor_execute", see)


def of_constant(tx: Connection, name: str, statement: ClauseElement) -> list[Asked]:
    """A constant with values as they come on a busy day."""
    values = _values(statement)
    with seen(tx, name, run=False) as found:
        tx.execute(statement, values)  # type: ignore[call-overload]
    return found


def of_function(tx: Connection, name: str, call: Callable[[Connection], Any]) -> list[Asked]:
    """All that a function executes."""
    # The rows are made up, and not all of them can be read back.
    with seen(tx, name, run=True) as found, suppress(ArithmeticError, ValueError, TypeError):
        call(tx)
    return found


NAMED: Final = {
    "limit": 50, "since": END - timedelta(days=1), "before": END - timedelta(days=30),
    "now": END, "until": END + timedelta(seconds=30), "real_now": END, "last_id": "",
    "bank_reference": "FT1", "gateway": "sepay", "account": "main", "names": ["transaction_id_1"],
    "ns": [1, 2, 3], "of_version": 1,
}  # fmt: skip


def _values(statement: ClauseElement) -> dict[str, Any]:
    """A value for each parameter: of its name, or of the column that it is compared with."""
    compared = dict(_compared(statement))
    made = {}
    for node in visitors.iterate(statement):
        if not isinstance(node, BindParameter) or not (node.required or node.value is None):
            continue
        column = compared.get(node.key)
        made[node.key] = _value(node, column)
    return made


def _compared(statement: ClauseElement) -> Iterator[tuple[str, Column[Any]]]:
    for node in visitors.iterate(statement):
        if isinstance(node, BinaryExpression) and node.operator is not operators.is_:
            left, right = node.left, node.right
            if isinstance(left, Column) and isinstance(right, BindParameter):
                yield right.key, left


def _value(node: BindParameter[Any], column: Column[Any] | None) -> Any:
    if column is not None and isinstance(column.type, Instant) and node.key in NAMED:
        return NAMED[node.key]
    made = NAMED.get(node.key)
    if column is not None and not isinstance(column.type, Instant):
        made = NAMED[node.key] if node.key in {"gateway", "account"} else _of_row(column)
    if made is None:
        made = _of_type(node)
    return made if not node.expanding or isinstance(made, list) else [made]


def _of_row(column: Column[Any]) -> Any:
    """What the rows in the middle of a filled table have there."""
    row = FIRST + rows_of(column.table.name) // 2
    parent = next(iter(column.foreign_keys), None)
    prefix = column.table.name if parent is None else parent.column.table.name
    if parent is None and column.name != "id":
        prefix = column.name
    if column.type.python_type is not str:
        return 1
    return f"{prefix}_{row}"


def _of_type(node: BindParameter[Any]) -> Any:
    if isinstance(node.type, Instant):
        return END
    try:
        kind = node.type.python_type
    except NotImplementedError:
        return None
    return {int: 1, str: "x", bytes: b"x", bool: False, float: 1.0}.get(kind)
