"""The two clients: `Tallystick` blocks, `AsyncTallystick` awaits; they have the same methods."""

from types import TracebackType
from typing import Self

from tallystick.client.balances import GiftCards, TopUps, Wallets
from tallystick.client.calls import place
from tallystick.client.endpoints import L, Resource, watched
from tallystick.client.events import Events, WebhookEndpoints
from tallystick.client.following import PAUSE_S, SILENCE_S, Watched
from tallystick.client.jobs import Gateways, Jobs
from tallystick.client.lines import AsyncLine, Line, Way
from tallystick.client.payment_links import PaymentLinks, PaymentLinkStatus
from tallystick.client.payments import Payments, PaymentStatus
from tallystick.client.sales import Coupons, Orders, Products, Refunds
from tallystick.client.tasks import Tasks


class Methods(Resource[L]):
    """Everything that a client can do, in groups."""

    def __init__(self, line: L) -> None:
        super().__init__(line)
        self.payments = Payments(line)
        self.payment_links = PaymentLinks(line)
        self.gift_cards = GiftCards(line)
        self.topups = TopUps(line)
        self.wallets = Wallets(line)
        self.products = Products(line)
        self.orders = Orders(line)
        self.coupons = Coupons(line)
        self.refunds = Refunds(line)
        self.tasks = Tasks(line)
        self.webhook_endpoints = WebhookEndpoints(line)
        self.events = Events(line)
        self.jobs = Jobs(line)
        self.gateways = Gateways(line)

    @watched
    def watch(
        self,
        id_: str,
        *,
        timeout_s: float | None = None,
        pause_s: float = PAUSE_S,
        silence_s: float = SILENCE_S,
    ) -> Watched[PaymentStatus | PaymentLinkStatus]:
        """Each new state of a payment (`pay_…`) or a link; see `payments.watch`."""
        if id_.startswith("pay_"):
            path = place("/api/payments/{}", id_)
            return Watched(path, PaymentStatus.read, {}, timeout_s, pause_s, silence_s)
        path = place("/api/payment-links/{}", id_)
        return Watched(path, PaymentLinkStatus.read, {}, timeout_s, pause_s, silence_s)


class Tallystick(Methods[Line]):
    """A hub, as a program without asyncio talks to it. May be shared by threads.

    `key` is a secret key, a client token, a user's token, or the cron secret for jobs. What is safe
    to repeat is repeated up to `retries` times after `backoff_s` and more, or as the hub asks.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout_s: float = 30.0,
        retries: int = 3,
        backoff_s: float = 0.5,
    ) -> None:
        super().__init__(Line(Way(base_url, key, timeout_s, retries, backoff_s)))

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncTallystick(Methods[AsyncLine]):
    """A hub, as an asyncio program talks to it; see `Tallystick`."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout_s: float = 30.0,
        retries: int = 3,
        backoff_s: float = 0.5,
    ) -> None:
        super().__init__(AsyncLine(Way(base_url, key, timeout_s, retries, backoff_s)))

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
