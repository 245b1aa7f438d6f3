"""Spend: money leaves a wallet, once for each reference, and never more than is in it."""

from collections.abc import Callable

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import Conflict, RaceLost
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Once
from tallystick.products.wallets import rows
from tallystick.products.wallets.rows import Spend
from tallystick.store import ledger

Render = Callable[[Spend], bytes]


async def spend(
    hub: Hub, owner_id: str, amount: Money, reference: str, once: Once | None, render: Render
) -> tuple[bytes, bool]:
    """Take money from a wallet; the answer, and whether it was given before.

    The same reference and amount are answered the same. Raises Conflict where the reference was
    used for another amount, InsufficientFunds.
    """

    def body(tx: Connection) -> tuple[bytes, bool]:
        known = rows.find(tx, owner_id, reference)
        spent = known or _take(tx, hub, owner_id, amount, reference)
        if spent.money != amount:
            raise Conflict(
                f"The reference {reference!r} took {spent.money} from this wallet already. "
                "Use another reference for another amount."
            )
        answer = render(spent)
        if once is not None:
            once.claim(tx, hub, None)
            once.keep(tx, hub, 201, answer)
        return answer, known is not None

    return await hub.database.write(body)


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
