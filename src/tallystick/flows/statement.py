"""Statement: read whole accounts, so that no transfer is missed whose notice was lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import GatewayUnavailable, GatewayUnreachable
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.flows.record import Heard
from tallystick.flows.settle import settle
from tallystick.gateways.abilities import StatementLine, Statements
from tallystick.gateways.base import Gateway
from tallystick.store import attempts, inbox, ledger, statements

# A bank may enter a transfer after a later one; what was seen before is not taken twice.
OVERLAP: Final = timedelta(minutes=10)
# After a downtime the rest is read in the next runs.
MOST_AT_ONCE: Final = timedelta(days=1)
# A notice may come some time before its transfer is entered in the books.
_HEARD_BEFORE: Final = timedelta(days=1)

log = structlog.get_logger()


async def read_statements(hub: Hub) -> dict[str, Any]:
    """Read on in every account that can be read; how much was found that nobody had told of.

    Safe to repeat: a gateway that does not answer is read again from the same place.
    """
    found = {"unmatched": 0, "settled": 0}
    for gateway in hub.gateways.values():
        if gateway.capabilities.states_after is None:
            continue
        try:
            await _read_on(hub, gateway, gateway.capabilities.states_after, found)
        except (GatewayUnavailable, GatewayUnreachable) as error:
            hub.note_trouble(gateway.name, error.detail)
            log.warning("statement_unread", gateway=gateway.name, why=error.detail)
    return found


async def _read_on(hub: Hub, gateway: Gateway, after: timedelta, found: dict[str, int]) -> None:
    """One account. The newest transfers are left to their notices, which may still come."""
    name, account = gateway.name, gateway.account
    settled_by = hub.now() - after
    since = await hub.database.write(lambda tx: _where(tx, name, account, hub.now()))
    until = min(settled_by, since + MOST_AT_ONCE)
    if until <= since:
        return
    lines = await cast("Statements", gateway).statement(since - OVERLAP, until)
    named = await hub.database.write(lambda tx: _keep(tx, hub, gateway, lines, found))
    hub.bell.ring()
    for payment_id, told in named.items():
        await settle(hub, payment_id, told=told)
        found["settled"] += 1
    await hub.database.write(lambda tx: statements.move(tx, name, account, until))


def _where(tx: Connection, name: str, account: str, now: datetime) -> datetime:
    since = statements.read_until(tx, name, account)
    if since is None:
        statements.begin(tx, name, account, now)
    return since or now


def _keep(
    tx: Connection,
    hub: Hub,
    gateway: Gateway,
    lines: Sequence[StatementLine],
    found: dict[str, int],
) -> dict[str, list[Heard]]:
    """Put what names no payment into the inbox; the answer is what belongs to those that are named.

    Money that a notice told of without a name is on the operator's list already.
    """
    named: dict[str, list[Heard]] = {}
    lost: list[StatementLine] = []
    for line in lines:
        if ledger.owners(tx, [line.credit]):
            continue
        tries = attempts.named(tx, gateway.name, gateway.account, line.refs)
        if len({attempt.payment_id for attempt in tries}) == 1:
            named.setdefault(tries[0].payment_id, []).append(_heard(hub, tries[0].id, line))
        else:
            lost.append(line)
    first = min((line.credit.at for line in lost), default=hub.now()) - _HEARD_BEFORE
    told = inbox.told(tx, gateway.name, gateway.account, first) if lost else set()
    lost = [line for line in lost if line.credit.transaction_id not in told]
    if lost:
        inbox.keep_each(tx, [_row(gateway, line, hub.now()) for line in lost])
    found["unmatched"] += len(lost)
    return named


def _heard(hub: Hub, attempt_id: str, line: StatementLine) -> Heard:
    """We asked for it over our own connection, so it counts as much as any answer."""
    return Heard(
        Evidence(
            source=Source.STATEMENT,
            trust=Trust.FETCHED,
            claim=Claim.PENDING,
            observed_at=hub.now(),
            attempt_id=attempt_id,
            credits=(line.credit,),
            counts=True,
        )
    )


def _row(gateway: Gateway, line: StatementLine, now: datetime) -> tuple[Any, ...]:
    return inbox.row(
        new_id("ntc", now),
        gateway=gateway.name,
        account=gateway.account,
        event_id=f"statement:{line.credit.transaction_id}",
        refs=line.refs,
        claim=Claim.PENDING,
        credits_=(line.credit,),
        memo=line.memo[:500],
        now=now,
    )
