"""Present: a gateway asks us what is due before it moves money, and is told."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.gateways.base import Gateway, Standing
from tallystick.store import attempts, snapshots


async def standing(
    hub: Hub, gateway: Gateway, refs: Sequence[str], told: Sequence[Credit] = ()
) -> Standing | None:
    """How the one offer with these names stands now, or None where there is not exactly one."""

    def find(tx: Connection) -> Standing | None:
        named = attempts.named(tx, gateway.name, gateway.account, refs)
        about = {attempt.payment_id for attempt in named}
        snapshot = snapshots.find(tx, about.pop()) if len(about) == 1 else None
        return None if snapshot is None else _standing(snapshot, named[0].our_ref, told)

    def _standing(snapshot: Snapshot, our_ref: str, told: Sequence[Credit]) -> Standing:
        open_ = snapshot.phase in {Phase.OPEN, Phase.PROCESSING}
        return Standing(
            our_ref=our_ref,
            due=snapshot.due,
            description=snapshot.description,
            payable=open_ and hub.now() < snapshot.expires_at,
            paid=snapshot.phase is Phase.PAID,
            agrees=all(credit.money == snapshot.due for credit in told),
        )

    return await hub.database.read(find)
