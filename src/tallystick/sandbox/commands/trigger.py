"""`tallystick trigger`: make a real event happen on a development server, to see it arrive."""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer import Argument

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import Invalid, Unavailable
from tallystick.sandbox.callback_listener import callback_listener

if TYPE_CHECKING:
    from tallystick.cli.server import ServerClient

LOOKS: Final = 10
WAIT_S: Final = 3
_AFTER_ITS_END_S: Final = 120
Script = Callable[["ServerClient"], str]
"""Makes it happen, and returns the id of what it is about: a payment, an order, a referrer."""


def trigger(
    event: Annotated[str, Argument(metavar="EVENT", help="Such as payment.paid.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Make an event happen on a development server.

    Something is sold, and its payer played at the simulated gateway. Needs an admin's key of a
    `tallystick dev`. Prints the event once it is in the feed. Where something has to run out
    first (payment.expired, payment.paid_late, order.review), the server's clock is moved on.
    """
    from tallystick.cli.server import find_server

    script = SCRIPTS.get(event)
    if script is None:
        raise Invalid(f"{event[:60]!r} cannot be triggered; these can: {', '.join(SCRIPTS)}.")
    server = find_server(url, key)
    start = server.get("/api/events?after=latest")["nextAfter"]
    subject = script(server)
    told = _awaited(server, event, subject, start)
    typer.echo(f"{told['type']} {subject} is event {told['seq']}: {told['id']}")


def _awaited(server: "ServerClient", event: str, found: str, start: int) -> dict[str, Any]:
    for _ in range(LOOKS):
        path = f"/api/events?after={start}&type={event}&wait={WAIT_S}&limit=200"
        answer = server.get(path)
        for told in answer["data"]:
            if found in {told["paymentId"], told["subject"], told["data"].get("orderId")}:
                return dict(told)
        start = answer["nextAfter"]
    raise Unavailable(f"{found} was played, and no {event} came of it; see `tallystick why`.")


def _opened(server: "ServerClient", gateway: str = "sandbox", **more: Any) -> str:
    wish = {"amount": 50_000, "currency": "VND", "gateway": gateway,
            "description": "tallystick trigger", **more}  # fmt: skip
    return str(server.post("/api/payments", wish)["data"]["id"])


def _acted(act: str, gateway: str = "sandbox") -> Script:
    def run(server: "ServerClient") -> str:
        payment_id = _opened(server, gateway)
        _act(server, payment_id, act)
        return payment_id

    return run


def _act(server: "ServerClient", payment_id: str, act: str) -> None:
    server.post("/_sim/act", {"paymentId": payment_id, "act": act}, timeout_s=60)


def _canceled(server: "ServerClient") -> str:
    payment_id = _opened(server)
    server.post(f"/api/payments/{payment_id}/cancel", {})
    return payment_id


def _expired(server: "ServerClient") -> str:
    payment_id = _opened(server, expiresIn=60)
    server.post("/_sim/clock", {"advance": _AFTER_ITS_END_S}, timeout_s=120)
    return payment_id


def _paid_late(server: "ServerClient") -> str:
    payment_id = _expired(server)
    _act(server, payment_id, "pay_late")
    return payment_id


def _reviewed(server: "ServerClient") -> str:
    payment_id = _canceled(server)
    _act(server, payment_id, "pay_late")
    return payment_id


def _disputed(server: "ServerClient") -> str:
    """The gateway shows the money no more that was counted."""
    payment_id = _acted("pay")(server)
    server.post(f"/api/payments/{payment_id}/check", {})
    _act(server, payment_id, "lose_transfer")
    server.post("/_sim/clock", {"advance": 10}, timeout_s=120)
    server.post(f"/api/payments/{payment_id}/check", {})
    return payment_id


def _sold(path: str, **wish: Any) -> Script:
    """Something is bought through the sandbox gateway, and paid."""

    def run(server: "ServerClient") -> str:
        answer = server.post(path, {"gateway": "sandbox", **wish})
        payment_id = str(answer.get("data", answer)["paymentId"])
        _act(server, payment_id, "pay")
        return payment_id

    return run


def _given_back(sold: Script) -> Script:
    """The same, and all of its money goes back once it is there."""

    def run(server: "ServerClient") -> str:
        payment_id = sold(server)
        server.post(f"/api/payments/{payment_id}/check", {})
        server.post(f"/api/payments/{payment_id}/refunds", {"reason": "tallystick trigger"})
        return payment_id

    return run


def _in_flight(server: "ServerClient") -> str:
    """OnePay says that a part has come, and not how much."""
    payment_id = _acted("underpay", "onepay")(server)
    server.post(f"/api/payments/{payment_id}/check", {})
    return payment_id


def _refund_of(server: "ServerClient", payment_id: str) -> str:
    answer = server.get(f"/api/refunds?paymentId={payment_id}")
    return str(answer["data"][0]["id"])


def _refund_failed(server: "ServerClient") -> str:
    """The money was given back, and comes back to us."""
    payment_id = _given_back(_acted("pay"))(server)
    server.post("/_sim/clock", {"advance": 10}, timeout_s=120)
    _act(server, payment_id, "reverse_refund")
    server.post(f"/api/payments/{payment_id}/check", {})
    return payment_id


def _refund_pending(server: "ServerClient") -> str:
    """The payer's bank takes its time over the money that goes back."""
    payment_id = _acted("pay", "polar")(server)
    _act(server, payment_id, "slow_refunds")
    server.post(f"/api/payments/{payment_id}/check", {})
    server.post(f"/api/payments/{payment_id}/refunds", {"reason": "tallystick trigger"})
    return payment_id


def _refund_canceled(server: "ServerClient") -> str:
    payment_id = _given_back(_acted("pay", "sepay"))(server)
    server.post(f"/api/refunds/{_refund_of(server, payment_id)}/cancel", {})
    return payment_id


def _held(server: "ServerClient") -> str:
    """An order's money comes late, when its coupon has gone to another buyer."""
    code = f"TRIGGER-{token_hex(4)}".upper()
    server.post("/api/coupons", {"code": code, "type": "percent", "percent": 10,
                                 "maxRedemptions": 1})  # fmt: skip
    late = _order(server, couponCode=code)
    server.post("/_sim/clock", {"advance": 2 * 86_400}, timeout_s=120)
    other = _order(server, couponCode=code)
    _act(server, other["paymentId"], "pay")
    _act(server, late["paymentId"], "pay_late")
    return str(late["id"])


def _order(server: "ServerClient", **more: Any) -> dict[str, Any]:
    wish = {"email": "buyer@example.com", "productType": "starter", "currency": "VND",
            "gateway": "sandbox", **more}  # fmt: skip
    answer: dict[str, Any] = server.post("/api/orders", wish)["data"]
    return answer


def _referred(server: "ServerClient", quantity: int = 1) -> tuple[str, str]:
    """Somebody refers a buyer, who pays; the referrer's id and the order's."""
    code = f"TRIGGER-{token_hex(4)}".upper()
    wish = {"email": f"{code.lower()}@example.com", "code": code}
    referrer = server.post("/api/referrers", wish)["data"]["id"]
    order = _order(server, referralCode=code, quantity=quantity)
    _act(server, order["paymentId"], "pay")
    server.post(f"/api/payments/{order['paymentId']}/check", {})
    return str(referrer), str(order["id"])


def _commission(*deeds: str) -> Script:
    """An order that was referred, and what is decided about its commission."""

    def run(server: "ServerClient") -> str:
        _, order_id = _referred(server)
        made = server.get(f"/api/admin/commissions?orderId={order_id}")["data"][0]["id"]
        for deed in deeds:
            server.post(f"/api/admin/commissions/{made}/{deed}", {})
        return order_id

    return run


def _clawed_back(server: "ServerClient") -> str:
    _, order_id = _referred(server)
    server.post(f"/api/orders/{order_id}/refunds", {"reason": "tallystick trigger"})
    return order_id


def _upgraded(server: "ServerClient") -> str:
    return _referred(server, quantity=100)[0]


def _task(act: str) -> Script:
    """A task, and its payer's act; its callback is taken here, so that nothing is left over."""

    def run(server: "ServerClient") -> str:
        with callback_listener() as (address, called):
            wish = {"amount": 50_000, "currency": "VND", "callbackUrl": address}
            task_id = str(server.post("/api/tasks", wish)["data"]["id"])
            started = {"action": "INITIATE_PAYMENT", "gateway": "sandbox"}
            session = server.post(f"/api/tasks/{task_id}/actions", started)["data"]
            _act(server, session["paymentId"], act)
            server.post(f"/api/payments/{session['paymentId']}/check", {})
            called.wait(LOOKS * WAIT_S)
        return task_id

    return run


def _task_canceled(server: "ServerClient") -> str:
    """One that nobody started, so that there is nobody to call back."""
    wish = {"amount": 50_000, "currency": "VND", "callbackUrl": "https://example.com/done"}
    task_id = str(server.post("/api/tasks", wish)["data"]["id"])
    server.post(f"/api/tasks/{task_id}/actions", {"action": "CANCEL"})
    return task_id


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
    "payment.processing": _in_flight,
    "refund.requested": _given_back(_acted("pay")),
    "refund.manual": _given_back(_acted("pay", "sepay")),
    "refund.pending": _refund_pending,
    "refund.succeeded": _given_back(_acted("pay")),
    "refund.failed": _refund_failed,
    "refund.canceled": _refund_canceled,
    "giftcard.issued": _sold("/api/gift-cards", email="buyer@example.com", amount=50_000),
    "topup.confirmed": _sold("/api/topup/init", ownerId="tallystick-trigger", amount=50_000),
    "order.completed": _ORDERED,
    "order.refunded": _given_back(_ORDERED),
    "order.review": _held,
    "task.completed": _task("pay"),
    "task.payment_failed": _task("decline"),
    "task.canceled": _task_canceled,
    "commission.earned": _commission(),
    "commission.approved": _commission("approve"),
    "commission.paid": _commission("approve", "pay"),
    "commission.clawed_back": _clawed_back,
    "commission.tier_upgraded": _upgraded,
}
