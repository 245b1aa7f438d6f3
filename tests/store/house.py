"""All flows on a real store, with one gateway in memory and a clock that only the test moves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from tallystick.domain.addresses import REFERRERS, Addresses
from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    Unavailable,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.sealing import Masters
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import Wish, create_link, create_payment, start_attempt
from tallystick.flows.fulfilment import PaymentLink, Plain
from tallystick.flows.hub import Hub
from tallystick.flows.receive import handle_inbox, receive
from tallystick.flows.request_refund import RefundWish, close, request
from tallystick.flows.settle import settle
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Gateway,
    Notice,
    RawNotice,
    Standing,
    Verdict,
)
from tallystick.live.hub import LiveHub
from tallystick.mail import Email
from tallystick.products import EXTENSIONS, PRODUCTS, extensions_of, fulfilments_of
from tallystick.products.base import Product as Sold
from tallystick.products.gift_cards.cards import Sale
from tallystick.products.gift_cards.deliver import GiftCard
from tallystick.products.orders import coupon_rows, product_rows
from tallystick.products.orders import rows as orders
from tallystick.products.orders.coupon import Coupon, CouponType
from tallystick.products.orders.ordering import OrderWish, place_order
from tallystick.products.orders.rules import Buyer, Order, Product
from tallystick.products.revenue import referrer_rows
from tallystick.products.revenue.referrer_rows import Referrer
from tallystick.products.tasks.deliver import TaskPayment
from tallystick.products.wallets.deliver import WalletTopup
from tallystick.settings import Settings
from tallystick.store import attempts
from tallystick.store.database import Database
from tests.store.rows import NOW

OPEN = Verdict(Claim.PENDING)
SECRET = Masters.of(b"a secret of thirty-two characters")
DELIVERED = (Plain, PaymentLink, GiftCard, WalletTopup, TaskPayment)


CAN = Capabilities(
    title="Till",
    currencies=frozenset(),
    verifies=Trust.FETCHED,
    refunds="none",
    cancels=True,
    calls_per_s=1000.0,
)


@dataclass
class Till:
    """A gateway whose books the test writes: `books` by our reference, `away` when it is down."""

    name: str = "till"
    account: str = "main"
    capabilities: Capabilities = CAN
    books: dict[str, Verdict] = field(default_factory=dict)
    away: bool = False
    refuses: bool = False
    refuses_cancel: bool = False
    numbers: count[int] = field(default_factory=count)

    def new_ref(self, now: datetime) -> str:
        return f"{self.name}-{next(self.numbers)}"

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        self.answer()
        if self.refuses:
            raise GatewayUnavailable("The till is closed.")
        self.books.setdefault(order.our_ref, OPEN)
        return Checkout(provider_id=f"id-{order.our_ref}", checkout_url="https://till.example/1")

    def read_notice(self, raw: RawNotice) -> Notice:
        told = json.loads(raw.body)
        credits_ = self.books[told["ref"]].credits if told.get("money") else ()
        return Notice(told["event"], (told["ref"],), Claim(told["claim"]), credits_)

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        return Answer(b"ok")

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        self.answer()
        return self.books.get(attempt.our_ref, Verdict(Claim.PENDING, known=False))

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        self.answer()
        if self.refuses_cancel:
            raise GatewayRefused("It is paid.")

    def answer(self) -> None:
        if self.away:
            raise GatewayUnreachable("The till does not answer.")


@dataclass
class StandingClock:
    """Time that stands still until the test moves it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def real_now(self) -> datetime:
        return self.at


class Gift(NamedTuple):
    """A gift card, its payment, and the reference at the till."""

    id: str
    payment_id: str
    ref: str


@dataclass
class Letterbox:
    """Where letters arrive. `away` is a mail server that does not answer."""

    letters: list[Email] = field(default_factory=list)
    away: bool = False

    async def send(self, letter: Email) -> None:
        if self.away:
            raise Unavailable("The mail server does not answer.")
        self.letters.append(letter)


class House:
    """A hub with a till, and what a test does with it."""

    def __init__(self, database: Database, **capabilities: Any) -> None:
        self.database = database
        self.clock = StandingClock()
        self.till = Till()
        self.till.capabilities = replace(self.till.capabilities, **capabilities)
        gateways: dict[str, Gateway] = {"till": self.till}
        settings = Settings(_env_file=None)
        self.letters = Letterbox()
        self.hub = Hub(
            database=database,
            gateways=gateways,
            fulfilments=fulfilments_of(PRODUCTS, SECRET, settings),
            extensions=EXTENSIONS,
            live=LiveHub(),
            clock=self.clock,
            settings=settings,
            secret=SECRET,
            holder="test",
            mail=self.letters,
        )
        self.events = count()
        self.transfers = count()

    def sell_only(self, products: Sequence[Sold]) -> None:
        """Be a hub that has these products."""
        self.hub.fulfilments = fulfilments_of(products, SECRET, self.hub.settings)
        self.hub.extensions = extensions_of(products)

    def pass_time(self, **gap: float) -> None:
        """Move the clock."""
        self.clock.at += timedelta(**gap)

    async def open(self, amount: int = 50_000, **wish: Any) -> tuple[str, str]:
        """An open payment, and its reference at the till."""
        wished = Wish(Money(amount, "VND"), ("till",), **wish)
        made = await create_payment(self.hub, wished)
        return made.snapshot.id, next(reversed(self.till.books))

    async def open_link(self, amount: int = 50_000) -> tuple[str, str]:
        """A payment link whose payer has chosen the till."""
        wished = Wish(Money(amount, "VND"), ("till",), purpose="payment_link")
        made = await create_link(self.hub, wished)
        await start_attempt(self.hub, made.id, "till")
        return made.id, next(reversed(self.till.books))

    async def open_gift_card(self, amount: int = 50_000, email: str = "lan@example.com") -> Gift:
        """A gift card that somebody is about to pay at the till."""
        sale = Sale(self.hub, Money(amount, "VND"), "till", email, "vi")
        made = await sale.open(None, "Gift card")
        return Gift(made.sold, made.snapshot.id, next(reversed(self.till.books)))

    async def sell_gift_card(self, amount: int = 50_000) -> Gift:
        """A gift card that is paid."""
        gift = await self.open_gift_card(amount)
        self.pays(gift.ref, amount)
        await self.settle(gift.payment_id)
        return gift

    def pays(self, ref: str, amount: int = 50_000, currency: str = "VND", **changes: Any) -> Credit:
        """Money arrives at the till."""
        before = self.till.books[ref]
        name = f"FT{next(self.transfers)}"
        came = replace(Credit("till", "main", name, amount, currency, self.clock.at), **changes)
        self.till.books[ref] = replace(before, credits=(*before.credits, came))
        return came

    def says(self, ref: str, claim: Claim) -> None:
        """What the till answers from now on, beside the money that it has."""
        self.till.books[ref] = replace(self.till.books[ref], claim=claim)

    async def stock(self, **changes: Any) -> Product:
        """A product on the shelf, of 50.000 ₫ and $19.99."""
        product = Product("pro", "Pro", {"USD": 1_999, "VND": 50_000}, "", True, "us/plugins", True,
                          self.clock.at, self.clock.at)  # fmt: skip
        stocked = replace(product, **changes)
        await self.database.write(lambda tx: product_rows.put(tx, stocked))
        return stocked

    async def coupon(self, **terms: Any) -> Coupon:
        """A coupon of ten percent, without limits unless some are given."""
        usual = Coupon(
            id=new_id("cpn", self.clock.at), code="TEN", type=CouponType.PERCENT, percent=10,
            amounts={}, max_redemptions=None, per_customer=None, reserved=0, redeemed=0,
            elsewhere=0, expires_at=None, active=True, polar_discount_id=None, polar_outcome=None,
            polar_told_at=None, created_at=self.clock.at, updated_at=self.clock.at,
        )  # fmt: skip
        made = replace(usual, **terms)
        await self.database.write(lambda tx: coupon_rows.add(tx, made))
        return made

    async def order(self, email: str = "mai@example.vn", **wish: Any) -> Order:
        """Somebody orders the product at the till, in dong."""
        buyer = Buyer(github_username=wish.pop("github_username", None))
        wished = OrderWish("pro", "till", email, buyer, currency="VND", **wish)
        made = await place_order(self.hub, wished)
        return await self.order_now(made.sold.id)

    async def order_now(self, order_id: str) -> Order:
        """The order as it stands."""
        found = await self.database.read(lambda tx: orders.find(tx, order_id))
        assert found is not None
        return found

    async def pays_order(self, order: Order) -> Order:
        """All of its money arrives; what became of the order."""
        tries = await self.database.read(lambda tx: attempts.of_payment(tx, order.payment_id))
        self.pays(tries[-1].our_ref, order.quote.final)
        await self.settle(order.payment_id)
        return await self.order_now(order.id)

    async def referrer(self, code: str = "LINH", email: str = "linh@example.com") -> Referrer:
        """Somebody who refers buyers; they get nothing off for it."""
        name = new_id("ref", self.clock.at)
        kept = Addresses.of(self.hub.secret).kept(REFERRERS, name, email)
        made = Referrer(name, kept, code, 0, self.clock.at)
        assert await self.database.write(lambda tx: referrer_rows.add(tx, made))
        return made

    async def gives_back(self, order: Order, minor: int, *, keep_access: bool = False) -> Order:
        """So much of an order's money goes back by hand; what became of the order."""
        wish = RefundWish(amount=minor, keep_access=keep_access, actor="test")
        made = (await request(self.hub, order.payment_id, wish)).refund
        await close(self.hub, made.id, f"FT-{made.id}", "test")
        return await self.order_now(order.id)

    async def settle(self, payment_id: str) -> Snapshot:
        """Ask, and record."""
        return await settle(self.hub, payment_id)

    async def notice(
        self, ref: str, claim: Claim = Claim.PENDING, *, money: bool = False, event: str = ""
    ) -> None:
        """The till knocks; the notice is kept."""
        told = {
            "event": event or f"e{next(self.events)}",
            "ref": ref,
            "claim": claim,
            "money": money,
        }
        await receive(self.hub, "till", RawNotice({}, json.dumps(told).encode(), "", self.clock.at))

    async def handle(self) -> int:
        """Settle what the inbox has."""
        return await handle_inbox(self.hub)
