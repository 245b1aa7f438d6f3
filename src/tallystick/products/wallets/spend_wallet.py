"""Spend: money leaves a wallet, once for each reference, and never more than is in it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import Conflict, RaceLost
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.wallets import rows
from tallystick.products.wallets.rows import Spend
from tallystick.store import ledger


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken from a wallet, and whether it was taken before."""

    spend: Spend
    repeated: bool


async def spend(hub: Hub, owner_id: str, amount: Money, reference: str) -> Taken:
    """Take money from a wallet.

    The same reference and amount take nothing again. Raises Conflict where the reference was
    used for another amount, InsufficientFunds.
    """

    def body(tx: Connection) -> Taken:
        known = rows.find(tx, owner_id, reference)
        spent = known or _take(tx, hub, owner_id, amount, reference)
        if spent.money != amount:
            raise Conflict(
                f"The reference {reference!r} took {spent.money} from this wallet already. "
                "Use another reference for another amount."
            )
        return Taken(spent, repeated=known is not None)

    return await whole(hub, body)


def _take(tx: Connection, hub: Hub, owner_id: str, amount: Money, reference: str) -> Spend:
    now = hub.now()
    name, wallet = new_id("wal", now), accounts.wallet(owner_id)
    transfer = accounts.move("spend", name, None, amount, debit=wallet, credit=accounts.REVENUE)
    ledger.post(tx, transfer, now)
    left = ledger.balance(tx, wallet)[amount.currency]
    spent = Spend(name, owner_id, reference, amount.minor, amount.currency, left, now)
    if not rows.add(tx, spent):
        raise RaceLost("The same reference was spent at the same time.")
    return spent
