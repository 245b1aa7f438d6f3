"""Access: bring a place elsewhere in line with what an order's row wants, however often."""

from typing import Any, Final

from sqlalchemy import Connection

from tallystick.domain.access import Grant, GrantState, Place, Wanted, place
from tallystick.domain.errors import Conflict, GatewayRefused, NotConfigured, NotFound, RaceLost
from tallystick.flows.hub import Hub
from tallystick.products.orders import grant_rows, product_rows, rows
from tallystick.products.orders.deliver import let_in
from tallystick.products.orders.rules import Order, OrderStatus

_ROUNDS: Final = 3


async def set_access(hub: Hub, payload: dict[str, Any]) -> None:
    """An effect, safe to repeat: what is wanted is read when it is done, not when it was asked.

    Raises NotConfigured, GatewayUnavailable, GatewayUnreachable, to be done again later.
    """
    order_id = str(payload["orderId"])
    async with hub.alone(order_id):
        for _ in range(_ROUNDS):
            grant = await hub.database.read(lambda tx: grant_rows.find(tx, order_id))
            if grant is None or await _apply(hub, grant):
                return
    raise RaceLost("What is wanted changed again and again.")


async def _apply(hub: Hub, grant: Grant) -> bool:
    """Whether what was done is what is still wanted."""
    state, words = await _done(hub, grant)
    now = hub.now()
    return await hub.database.write(lambda tx: grant_rows.note(tx, grant, state, words, now))


async def _done(hub: Hub, grant: Grant) -> tuple[GrantState, str]:
    where = place(grant.place)
    if hub.access is None or where is None:
        raise NotConfigured("TALLYSTICK_GITHUB_TOKEN is not set, so nobody can be invited.")
    if grant.wanted is Wanted.REVOKED:
        return await _let_out(hub, grant, where)
    try:
        return await hub.access.invite(where, grant.username), ""
    except GatewayRefused as error:
        return GrantState.REFUSED, error.detail


async def _let_out(hub: Hub, grant: Grant, where: Place) -> tuple[GrantState, str]:
    """Unless another order of theirs lets them in."""
    stays = await hub.database.read(lambda tx: grant_rows.is_wanted(tx, grant))
    if not stays and hub.access is not None:
        await hub.access.remove(where, grant.username)
    return GrantState.REVOKED, "Another order lets them in." if stays else ""


async def name_user(hub: Hub, order_id: str, username: str) -> Order:
    """The buyer says, or corrects, whom to invite. Raises NotFound, Conflict."""
    now = hub.now()

    def body(tx: Connection) -> Order:
        order = rows.find(tx, order_id)
        if order is None:
            raise NotFound("There is no order with this id that you may see.")
        product = product_rows.find(tx, order.product_type)
        if product is None or product.access is None:
            raise Conflict("This product has nothing to be invited to.")
        grant = grant_rows.find(tx, order_id)
        if grant is not None and grant.state is not GrantState.REFUSED:
            raise Conflict(f"{grant.username} is invited already, or will be.")
        if order.status in {OrderStatus.FAILED, OrderStatus.REFUNDED}:
            raise Conflict(f"The order is {order.status}, so nobody is invited for it.")
        rows.name_user(tx, order_id, username, now)
        named = rows.find(tx, order_id)
        assert named is not None  # noqa: S101 - it was there a statement ago
        if order.completed_at is not None:
            let_in(tx, named, product, now)
        return named

    named = await hub.database.write(body)
    hub.work_signal.ring()
    return named
