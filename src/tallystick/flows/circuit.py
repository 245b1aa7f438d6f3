"""The circuit to one gateway: how much is asked at once, and what happens when nothing comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

MOST_AT_ONCE: Final = 16
SILENT_CALLS: Final = 3


@dataclass(slots=True)
class Circuit:
    """What this process knows of a gateway's answers.

    After three calls in a row without a usable answer it is `silent`: then one question at a time
    finds out when it is back, and nothing else waits for it. `taken` are payments and refunds that
    a timer has taken up, `asking` are questions under way. `owed` counts questions that were put
    out of turn, because somebody knocked or watches, and that the budget has not paid yet.
    """

    unanswered: int = 0
    taken: int = 0
    asking: int = 0
    owed: int = 0

    @property
    def silent(self) -> bool:
        """Whether the gateway has stopped answering."""
        return self.unanswered >= SILENT_CALLS

    @property
    def room(self) -> int:
        """How many more payments may be taken up now."""
        return max(0, (1 if self.silent else MOST_AT_ONCE) - self.taken)

    @property
    def closed_to_us(self) -> bool:
        """Whether somebody finds out already if a silent gateway is back."""
        return self.silent and self.asking > 0

    @contextmanager
    def question(self, *, booked: bool = False) -> Iterator[None]:
        """One question is under way; the budget has still to pay for what was not `booked`."""
        self.asking += 1
        self.owed += not booked
        try:
            yield
        finally:
            self.asking -= 1

    def answered(self, *, usable: bool) -> None:
        """What came of a question: an answer, even a refusal, or nothing that says anything."""
        self.unanswered = 0 if usable else self.unanswered + 1
