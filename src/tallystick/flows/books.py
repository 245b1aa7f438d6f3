"""The books by account, and what only a person can enter: the fees that gateways keep."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.errors import Conflict
from tallystick.domain.ledger import Posting
from tallystick.domain.money import Money
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.store import ledger


async def balances(hub: Hub) -> dict[tuple[str, str], int]:
    """What every account stands at, per currency: debit is positive. Wallets and cards as one."""
    found = await hub.database.read(ledger.balances)
    summed: dict[tuple[str, str], int] = {}
    for (account, currency), minor in found.items():
        kind = account.partition(":")[0] if accounts.is_guarded(account) else account
        summed[kind, currency] = summed.get((kind, currency), 0) + minor
    return summed


@dataclass(frozen=True, slots=True)
class Fee:
    """What a gateway kept, by the gateway's own name for it."""

    gateway: str
    reference: str
    amount: Money


async def book_fee(hub: Hub, fee: Fee) -> Fee:
    """Write down what a gateway kept; the same fee again is not booked again.

    Raises GatewayNotOffered for a gateway that is not set up, Conflict where the reference was
    booked with another amount, StillRunning.
    """
    name = hub.gateway(fee.gateway).name
    kept = accounts.fee(name, fee.reference, fee.amount)
    line = Posting(accounts.FEES, fee.amount)

    def body(tx: Connection) -> Fee:
        fresh = ledger.post(tx, kept, hub.now())
        if not fresh and line not in ledger.postings_of(tx, kept.kind, kept.subject):
            raise Conflict(f"{name} has another fee by the name {fee.reference!r} already.")
        return fee

    return await whole(hub, body)
