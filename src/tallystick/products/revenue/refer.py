"""Referrers and their commissions: who gets what, what is approved, and what is paid out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.addresses import REFERRERS, Addresses
from tallystick.domain.errors import Conflict, Invalid, NotFound
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.revenue import commission_rows, referrer_rows
from tallystick.products.revenue.commission_rows import Entry, Standing
from tallystick.products.revenue.referral import Commission, normal_code
from tallystick.products.revenue.referrer_rows import Referrer


@dataclass(frozen=True, slots=True)
class Known:
    """A referrer with the address in clear, and how the account stands."""

    referrer: Referrer
    email: str
    standing: Standing


async def create(hub: Hub, email: str, code: str, discount: int) -> Known:
    """A new referrer. Raises Invalid for a code that cannot be one, Conflict where it is taken."""
    now = hub.now()
    addresses, address, name = Addresses.of(hub.secret), email.strip(), new_id("ref", now)
    kept = addresses.kept(REFERRERS, name, address)
    taken = addresses.lookups(REFERRERS, address)
    made = Referrer(name, kept, _checked(code), discount, now)

    def body(tx: Connection) -> Known:
        if referrer_rows.has_address(tx, taken) or not referrer_rows.add(tx, made):
            raise Conflict("Another referrer has this code or e-mail address; choose another.")
        return _known(tx, hub, made)

    return await whole(hub, body)


async def show(hub: Hub, referrer_id: str) -> Known:
    """One referrer. Raises NotFound."""

    def body(tx: Connection) -> Known:
        found = referrer_rows.find(tx, referrer_id)
        if found is None:
            raise NotFound("There is no referrer with this id.")
        return _known(tx, hub, found)

    return await hub.database.read(body)


async def listing(
    hub: Hub,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Known]:
    """Referrers that were made in this span, newest first."""

    def body(tx: Connection) -> list[Known]:
        found = referrer_rows.page(tx, span=span, after=after, limit=limit)
        return [_known(tx, hub, one) for one in found]

    return await hub.database.read(body)


async def earned(
    hub: Hub,
    wanted: dict[str, str],
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Entry]:
    """Commissions with their lines, newest first; the filters combine."""

    def body(tx: Connection) -> list[Entry]:
        found = commission_rows.page(tx, wanted=wanted, span=span, after=after, limit=limit)
        return commission_rows.entries(tx, found)

    return await hub.database.read(body)


Decide = Callable[[Connection, Commission, datetime], Commission]


async def approve(hub: Hub, commission_id: str) -> Entry:
    """It will be paid. Raises NotFound, Conflict where it is not pending."""
    return await _decide(hub, commission_id, commission_rows.approve)


async def pay(hub: Hub, commission_id: str) -> Entry:
    """It is paid out. Raises NotFound, Conflict where it is not approved."""
    return await _decide(hub, commission_id, commission_rows.pay)


async def _decide(hub: Hub, commission_id: str, decide: Decide) -> Entry:
    def body(tx: Connection) -> Entry:
        found = commission_rows.find(tx, commission_id)
        if found is None:
            raise NotFound("There is no commission with this id.")
        return commission_rows.entries(tx, [decide(tx, found, hub.now())])[0]

    return await hub.database.write(body)


def _checked(code: str) -> str:
    normal = normal_code(code)
    if not normal:
        words = "3 to 32 letters, digits, hyphens or underscores"
        raise Invalid(f"A referral code has {words}.", (("code", words),))
    return normal


def email_of(hub: Hub, referrer: Referrer) -> str:
    """The address in clear."""
    return Addresses.of(hub.secret).opened(REFERRERS, referrer.id, referrer.email)


def _known(tx: Connection, hub: Hub, referrer: Referrer) -> Known:
    return Known(referrer, email_of(hub, referrer), commission_rows.standing(tx, referrer.id))
