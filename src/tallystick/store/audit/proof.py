"""The chain of the proof: every link fits, and every row stands as it was linked."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from tallystick.store import proof_chain, witness
from tallystick.store.audit.base import Check, Rows


class Links(Rows):
    """A walk along the links, each with its rows."""

    def __init__(self) -> None:
        super().__init__("proof_links", "n")

    def broken(self, tx: Connection, after: str, until: str) -> Iterator[str]:
        """A line for each link of the slice, and each row of it, that does not fit."""
        return proof_chain.misfits(tx, int(after or 0), int(until))

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterator[str]:
        """Links belong to no payment."""
        return iter(())


def _lost(tx: Connection) -> Iterator[str]:
    """What a witness outside the database has seen, and is not there."""
    told = witness.contradicts(tx)
    if told is not None:
        yield told


LINKED: Final = "H1"
CHECKS: Final = (
    Check(LINKED, "No evidence, receipt or decision is gone, or another one than it was: the chain "
          "of the proof fits, and has its last known head.", Links(), _lost),
)  # fmt: skip
