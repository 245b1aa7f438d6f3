"""The walk along all payments, each of which is what its evidence amounts to."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from tallystick.store import payments
from tallystick.store.audit.base import Rows
from tallystick.store.refold import PAGE, differences


class Folds(Rows):
    """Folds the evidence of each payment again, a page at a time."""

    def __init__(self) -> None:
        super().__init__("payments")

    def broken(self, tx: Connection, after: str, until: str) -> Iterator[str]:
        """A line for each payment after one id and up to another that is something else."""
        while after < until and (page := payments.following(tx, after, PAGE)):
            after = page[-1].id
            yield from differences(tx, [one for one in page if one.id <= until])

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterator[str]:
        """The same for these payments."""
        found = (payments.find(tx, payment_id) for payment_id in payment_ids)
        return differences(tx, [one for one in found if one is not None])
