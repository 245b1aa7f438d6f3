"""Disputes at Polar: what its list tells of payers' banks that want money back.

Source: polarsource/polar, server/polar/dispute (endpoints, schemas, models, 2026): `GET /disputes/`
wants the scope `disputes:read`; no event of Polar's tells of one. `prevented` is closed by a refund
that Polar itself makes, and that is found with the refunds.
"""

from datetime import datetime
from typing import Final

from tallystick.domain.dispute import Dispute, DisputeState
from tallystick.domain.errors import GatewayUnreachable
from tallystick.domain.fields import Fields
from tallystick.domain.money import Money
from tallystick.gateways.polar.calls import Calls, currency_of

_MOST_PAGES: Final = 10
_STATES: Final = {"lost": DisputeState.LOST, "won": DisputeState.WON}
# Money that goes back by a refund is told as one; a warning is not yet a dispute.
_UNTOLD: Final = {"prevented", "early_warning"}


async def listed(calls: Calls, since: datetime) -> tuple[Dispute, ...]:
    """Every dispute since then, the newest first. Raises GatewayUnavailable, GatewayUnreachable."""
    found: list[Dispute] = []
    for number in range(1, _MOST_PAGES + 1):
        page = await calls.page("/disputes/", {"sorting": "-created_at"}, number)
        found += [_dispute(row) for row in page.rows if row.text("status") not in _UNTOLD]
        if not page.more or page.rows[-1].moment("created_at") < since:
            return tuple(one for one in found if one.at >= since)
    raise GatewayUnreachable("Polar lists more disputes than we read.")


def _dispute(row: Fields) -> Dispute:
    """Tax included, as the payer was charged. A state that nobody knows is an open one."""
    return Dispute(
        id=row.name("id"),
        transaction_id=row.name("order_id"),
        amount=Money(row.whole("amount") + row.whole("tax_amount"), currency_of(row)),
        state=_STATES.get(row.text("status"), DisputeState.OPEN),
        at=row.moment("created_at"),
    )
