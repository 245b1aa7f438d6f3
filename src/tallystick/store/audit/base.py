"""What a check of the books is: an invariant, in a sentence, and the rows that break it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant of payments.md, section 4. `broken` yields a line for each row against it."""

    invariant: str
    sentence: str
    broken: Callable[[Connection], Iterable[str]]


def queries(*statements: str) -> Callable[[Connection], Iterator[str]]:
    """A check by statements that select a `subject`, and what is `wrong` with it."""
    prepared = [text(statement) for statement in statements]
    return lambda tx: told(tx, prepared)


def told(tx: Connection, statements: Iterable[TextClause]) -> Iterator[str]:
    """A line for each row that the statements find."""
    for statement in statements:
        for row in tx.execute(statement):
            yield f"{row.subject} {row.wrong}"
