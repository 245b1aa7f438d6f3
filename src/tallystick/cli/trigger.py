"""`tallystick trigger`: make a real event happen on a development server, to see it arrive."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer import Argument

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from tallystick.cli.server import Server

LOOKS: Final = 10
WAIT_S: Final = 3
_AFTER_ITS_END_S: Final = 120
Script = Callable[["Server"], str]
"""Plays it, and returns the id of the payment that it happens to."""


def trigger(
    event: Annotated[str, Argument(metavar="EVENT", help="Such as payment.paid.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Make an event happen on a development server.

    Something is sold, and its payer played at the simulated gateway. Needs an admin's key of a
    `tallystick dev`. Prints the event once it is in the feed. For payment.expired and
    payment.paid_late the server's clock is moved on by two minutes.
    """
    from tallystick.cli.server import find_server

    script = SCRIPTS.get(event)
    if script is None:
        raise Invalid(f"{event[:60]!r} cannot be triggered; these can: {', '.join(SCRIPTS)}.")
    server = find_server(url, key)
    start = server.get("/api/events?after=latest")["nextAfter"]
    payment_id = script(server)
    told = _awaited(server, event, payment_id, start)
    typer.echo(f"{told['type']} {payment_id} is event {told['seq']}: {told['id']}")


def _awaited(server: "Server", event: str, payment_id: str, start: int) -> dict[str, Any]:
    for _ in range(LOOKS):
        path = f"/api/events?after={start}&type={event}&wait={WAIT_S}&limit=200"
        answer = server.get(path)
        for told in answer["data"]:
            if told["paymentId"] == payment_id:
                return dict(told)
        start = answer["nextAfter"]
    raise Unavailable(f"{payment_id} was played, and no {event} came of it; see `tallystick why`.")


def _opened(server: "Server", gateway: str = "sandbox", **more: Any) -> str:
    wish = {"amount": 50_000, "currency": "VND", "gateway": gateway,
            "description": "tallystick trigger", **more}  # fmt: skip
    return str(server.post("/api/payments", wish)["data"]["id"])


def _acted(act: str, gateway: str = "sandbox") -> Script:
    def play(server: "Server") -> str:
        payment_id = _opened(server, gateway)
        _act(server, payment_id, act)
        return payment_id

    return play


def _act(server: "Server", payment_id: str, act: str) -> None:
    server.post("/_sim/act", {"paymentId": payment_id, "act": act}, timeout_s=60)


def _canceled(server: "Server") -> str:
    payment_id = _opened(server)
    server.post(f"/api/payments/{payment_id}/cancel", {})
    return payment_id


def _expired(server: "Server") -> str:
    payment_id = _opened(server, expiresIn=60)
    server.post("/_sim/clock", {"advance": _AFTER_ITS_END_S}, timeout_s=120)
    return payment_id


def _paid_late(server: "Server") -> str:
    payment_id = _expired(server)
    _act(server, payment_id, "pay_late")
    return payment_id


def _reviewed(server: "Server") -> str:
    payment_id = _canceled(server)
    _act(server, payment_id, "pay_late")
    return payment_id


def _disputed(server: "Server") -> str:
    """The gateway shows the money no more that was counted."""
    payment_id = _acted("pay")(server)
    server.post(f"/api/payments/{payment_id}/check", {})
    _act(server, payment_id, "lose_transfer")
    server.post("/_sim/clock", {"advance": 10}, timeout_s=120)
    server.post(f"/api/payments/{payment_id}/check", {})
    return payment_id


def _sold(path: str, **wish: Any) -> Script:
    """Something is bought through the sandbox gateway, and paid."""

    def play(server: "Server") -> str:
        answer = server.post(path, {"gateway": "sandbox", **wish})
        payment_id = str(answer.get("data", answer)["paymentId"])
        _act(server, payment_id, "pay")
        return payment_id

    return play


def _given_back(sold: Script) -> Script:
    """The same, and all of its money goes back once it is there."""

    def play(server: "Server") -> str:
        payment_id = sold(server)
        server.post(f"/api/payments/{payment_id}/check", {})
        server.post(f"/api/payments/{payment_id}/refunds", {"reason": "tallystick trigger"})
        return payment_id

    return play


_ORDERED: Final = _sold(
    "/api/orders", email="buyer@example.com", productType="starter", currency="VND"
)
SCRIPTS: Final[Mapping[str, Script]] = {
    "payment.opened": _opened,
    "payment.paid": _acted("pay"),
    "payment.underpaid": _acted("underpay"),
    "payment.overpaid": _acted("overpay"),
    "payment.paid_late": _paid_late,
    "payment.expired": _expired,
    "payment.canceled": _canceled,
    "payment.review": _reviewed,
    "payment.disputed": _disputed,
    "refund.succeeded": _given_back(_acted("pay")),
    "giftcard.issued": _sold("/api/gift-cards", email="buyer@example.com", amount=50_000),
    "topup.confirmed": _sold("/api/topup/init", ownerId="tallystick-trigger", amount=50_000),
    "order.completed": _ORDERED,
    "order.refunded": _given_back(_ORDERED),
}
