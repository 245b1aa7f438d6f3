"""Clear pledges: who pledged and never gave is forgotten after a month."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.domain.addresses import Addresses
from tallystick.flows.hub import Hub
from tallystick.store.forgetting import GONE
from tests.made_up_product import rows
from tests.made_up_product.rules import DONORS

KEPT_FOR: Final = timedelta(days=30)
MANY: Final = 500


async def clear_pledges(hub: Hub) -> dict[str, Any]:
    """The addresses of pledges that lapsed, some at a time; tells how many."""
    book, before = Addresses.of(hub.secret), hub.now() - KEPT_FOR

    def body(tx: Connection) -> int:
        found = rows.lapsed(tx, before, book.lookup(DONORS, GONE), MANY)
        for one in found:
            rows.readdress(tx, one.id, book.kept(DONORS, one.id, GONE))
        return len(found)

    return {"cleared": await hub.database.write(body)}
