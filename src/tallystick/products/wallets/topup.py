"""Top up: a user's wish to fill the wallet becomes a payment, found again by its tx_ref."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.amount_limits import check_limits
from tallystick.domain.errors import Invalid
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import Opened, Wish, resume_payment, sell
from tallystick.flows.hub import Hub, found
from tallystick.products.wallets import topup_rows
from tallystick.products.wallets.rules import PURPOSE, phases_of
from tallystick.store import snapshots
from tallystick.store.places import Place

LONGEST_OWNER: Final = 200


@dataclass(frozen=True, slots=True)
class TopupWish:
    """Whose wallet is to be filled, with how much, and how."""

    owner_id: str
    amount: Money
    gateway: str
    return_url: str | None = None


async def start_topup(hub: Hub, wish: TopupWish) -> Opened[str]:
    """Open the payment that fills a wallet; what is sold is named by its tx_ref.

    Raises Invalid, and what opening any payment raises.
    """
    # A JWT may name its user at any length; databases have indexes.
    if not 0 < len(wish.owner_id) <= LONGEST_OWNER:
        raise Invalid(f"The owner of a wallet has a name of 1 to {LONGEST_OWNER} characters.")
    check_limits(hub.settings.topup_limits, wish.amount)
    now = hub.now()
    tx_ref = new_id("top", now)
    place = f"{hub.settings.base_url.rstrip('/')}/wallet/topup/{tx_ref}"

    def beside(tx: Connection, payment: Payment) -> str:
        topup_rows.add(tx, tx_ref, payment.id, now)
        return tx_ref

    wished = Wish(
        amount=wish.amount,
        gateways=(wish.gateway,),
        purpose=PURPOSE,
        description="Wallet top-up",
        owner_id=wish.owner_id,
        return_url=wish.return_url or place,
        cancel_url=place,
    )
    return await sell(hub, wished, beside, soon=True)


async def resume_topup(hub: Hub, payment_id: str) -> Opened[str]:
    """Answer a request whose worker died: the top-up is there, its client token is new."""
    tx_ref = await hub.database.read(lambda tx: topup_rows.of_payment(tx, payment_id)) or ""
    return await resume_payment(hub, payment_id, tx_ref)


async def find_topup(hub: Hub, tx_ref: str) -> Snapshot:
    """The payment of a top-up. Raises NotFound."""

    def read(tx: Connection) -> Snapshot | None:
        payment_id = topup_rows.payment_of(tx, tx_ref)
        return None if payment_id is None else snapshots.find(tx, payment_id)

    return found(await hub.database.read(read), "top-up")


async def list_topups(
    hub: Hub, *, owner_id: str | None, status: str | None,
    span: tuple[datetime | None, datetime | None], after: Place | None, limit: int,
) -> list[tuple[str, Snapshot]]:  # fmt: skip
    """Top-ups with their payments, newest first, one more than `limit` where there are more.

    None filters nothing; `status` is one of TopupStatus.
    """
    phases = () if status is None else phases_of(status)

    def read(tx: Connection) -> list[tuple[str, Snapshot]]:
        rows = topup_rows.page(
            tx, owner_id=owner_id, phases=phases, span=span, after=after, limit=limit
        )
        return [
            (tx_ref, found(snapshots.find(tx, payment_id), "top-up")) for tx_ref, payment_id in rows
        ]

    return await hub.database.read(read)
