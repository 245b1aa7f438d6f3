"""The page of a simulated gateway, where a person plays the payer."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Refused
from tallystick.domain.money import Money
from tallystick.sandbox.simulators.base import Order, Simulator
from tallystick.sandbox.simulators.books import Books
from tallystick.sandbox.simulators.clock import VirtualClock

if TYPE_CHECKING:
    from jinja2 import Environment

# What a payer can do, in the order of the buttons: (act, words, the browser leaves the page).
_BUTTONS: Final = (
    ("pay", "Pay", True),
    ("underpay", "Pay 10 % less", False),
    ("overpay", "Pay 10 % more", True),
    ("lose_webhook", "Pay, but lose the webhook", True),
    ("decline", "Let the payment fail", False),
    ("cancel", "Cancel", True),
)
_LEAVES: Final = {act for act, _, leaves in _BUTTONS if leaves}
_LONGEST_FORM: Final = 1024
Act: TypeAlias = Callable[[str, str, str], Awaitable[Mapping[str, Any]]]
"""Does an act: the gateway, our reference, the name of the act."""
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?=[/?#]|$)")


class PayerPage:
    """One gateway's page: shows an order, takes the payer's choice, sends the browser back."""

    def __init__(self, simulator: Simulator, books: Books, clock: VirtualClock, act: Act) -> None:
        self._simulator = simulator
        self._books = books
        self._clock = clock
        self._act = act

    def routes(self) -> list[BaseRoute]:
        """Showing and choosing, relative to `/_sim/{gateway}`."""
        path = self._simulator.traits.page
        return [
            Route(path, self._show, methods=["GET"]),
            Route(path, self._choose, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        order = self._order(request)
        return _page(None, 404) if order is None else self._drawn(order)

    async def _choose(self, request: Request) -> Response:
        order = self._order(request)
        if order is None:
            return _page(None, 404)
        form = parse_qs((await request.body())[:_LONGEST_FORM].decode("utf-8", "replace"))
        act = form.get("act", [""])[0]
        if act not in {button[0] for button in _BUTTONS}:
            return self._drawn(order, "There is no such button.")
        try:
            await self._act(self._simulator.name, order.ref, act)
        except Refused as refusal:
            return self._drawn(order, refusal.detail)
        return RedirectResponse(self._next(self._order(request) or order, act, request), 303)

    def _next(self, order: Order, act: str, request: Request) -> str:
        canceled = act == "cancel"
        there = order.cancel_url if canceled else order.return_url
        if act in _LEAVES and _ORIGIN.match(there):
            return self._simulator.way_back(order, canceled=canceled)
        return request.url.path

    def _order(self, request: Request) -> Order | None:
        order = self._books.order(self._simulator.name, request.path_params["id"])
        # The hub's reference opens no page: only the gateway's own id does.
        if order is None or order.id != request.path_params["id"]:
            return None
        return self._simulator.as_of(order, self._clock.now())

    def _drawn(self, order: Order, trouble: str = "") -> Response:
        import segno

        qr_code = segno.make(self._simulator.qr_code(order), error="m")
        shown = {
            "title": self._simulator.traits.title,
            "order": order,
            "due": str(Money(order.due, order.currency)),
            "amount": str(Money(order.amount, order.currency)),
            "received": str(Money(order.received, order.currency)),
            "memo": self._simulator.memo(order),
            "account": order.terms.get("accountNumber"),
            "picture": qr_code.svg_data_uri(scale=5, border=2, light="#fff"),
            "buttons": _BUTTONS,
            "trouble": trouble,
        }
        return _page(shown, 409 if trouble else 200, (order.return_url, order.cancel_url))


@cache
def _pages() -> "Environment":
    from jinja2 import Environment, PackageLoader, select_autoescape

    return Environment(
        loader=PackageLoader("tallystick.sandbox.simulators"), autoescape=select_autoescape()
    )


def _page(shown: Mapping[str, Any] | None, status: int, targets: tuple[str, ...] = ()) -> Response:
    # Browsers hold the redirect after a form against form-action too.
    origins = {found[0] for target in targets if (found := _ORIGIN.match(target))}
    policy = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none';"
        f" frame-ancestors 'none'; form-action 'self' {' '.join(sorted(origins))}".rstrip()
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(_pages().get_template("payer.html").render(shown=shown), status, headers)
