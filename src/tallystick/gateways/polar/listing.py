"""Polar's list of orders, read as an account: what was paid, whoever it was for."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from tallystick.domain.credit import Credit
from tallystick.domain.errors import GatewayUnreachable
from tallystick.domain.fields import Fields
from tallystick.gateways.abilities import AccountPage, UnreadLine, Walk
from tallystick.gateways.polar.calls import Calls


async def read_account(
    calls: Calls, mark: str, since: datetime, credit_of: Callable[[Fields], Credit | None]
) -> AccountPage:
    """The next page of orders; one that we cannot read stops nothing but itself.

    Raises GatewayUnavailable, GatewayUnreachable.
    """
    walk = Walk.of(mark, since)
    told = await calls.page("/orders/", {"sorting": "-created_at"}, walk.page)
    credits, unread = [], []
    for row in told.rows:
        try:
            credit = credit_of(row)
        except GatewayUnreachable as error:
            unread.append(UnreadLine(_name(row), error.detail, _raw(row)))
        else:
            credits += [] if credit is None else [credit]
    times = [at for row in told.rows if (at := _made_at(row)) is not None]
    more = told.more and (not times or times[-1] >= walk.back_to)
    onward = walk.on(times[0] if times else None, more=more)
    return AccountPage(tuple(credits), onward, more, tuple(unread))


def _made_at(row: Fields) -> datetime | None:
    try:
        return row.moment("created_at")
    except GatewayUnreachable:
        return None


def _raw(row: Fields) -> bytes:
    return json.dumps(row.data, ensure_ascii=False, separators=(",", ":")).encode()


def _name(row: Fields) -> str:
    name = row.data.get("id")
    digest = hashlib.sha256(_raw(row)).hexdigest()[:32]
    return name[:64] if isinstance(name, str) and name else digest
