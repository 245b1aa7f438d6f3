"""The invariants of the books as queries: each returns the rows that break it."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection

Check = Callable[[Connection], list[str]]
CHECKS: Final[Mapping[str, tuple[str, Check]]] = {}
