"""Look up: what is in a wallet, and what moved there."""

from datetime import datetime

from tallystick.domain import ledger as accounts
from tallystick.flows.hub import Hub
from tallystick.products.wallets import rows
from tallystick.products.wallets.rows import Entry
from tallystick.store import ledger
from tallystick.store.places import Place


async def balances(hub: Hub, owner_id: str) -> dict[str, int]:
    """What is in the wallet of this owner, per currency in minor units."""
    account = accounts.wallet(owner_id)
    return await hub.database.read(lambda tx: ledger.balance(tx, account))


async def entries(
    hub: Hub, owner_id: str, span: tuple[datetime | None, datetime | None], after: Place | None,
    limit: int,
) -> list[Entry]:  # fmt: skip
    """What moved, newest first, one more than `limit` where there are more."""
    account = accounts.wallet(owner_id)
    return await hub.database.read(
        lambda tx: rows.entries(
            tx, account, created_after=span[0], created_before=span[1], after=after, limit=limit
        )
    )
