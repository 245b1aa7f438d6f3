"""What every product keeps: its names, and what is sold, delivered, given back and forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import httpx2
import pytest
from fastapi.routing import APIRoute
from jsonschema_rs import Draft202012Validator
from sqlalchemy import LargeBinary, Table

from tallystick.domain.refund import RefundState
from tallystick.flows.audit import audit, checks_of
from tallystick.flows.effects import EFFECTS, do_effects, effects_of
from tallystick.flows.feed import Reading, read
from tallystick.flows.forget import forget_payment, forget_person
from tallystick.flows.request_refund import LOOK_UPS, RefundWish, payment_of, request, show
from tallystick.flows.schedule import SCHEDULE
from tallystick.live.hub import LiveHub
from tallystick.products import PRODUCTS, web_parts_of
from tallystick.products.base import Product
from tallystick.settings import Settings
from tallystick.store.audit import CHECKS
from tallystick.web.app import build_app
from tallystick.web.event_schemas import EVENT_SCHEMAS, EVENTS
from tallystick.web.schemas import SCHEMAS
from tests.flows.test_refunds import GivingTill
from tests.store.house import CAN, SECRET, House
from tests.store.rows import run

AMOUNT = 50_000
PART = 20_000
DOCUMENTS: dict[str, dict[str, Any]] = {}


class Sold(NamedTuple):
    """Something on its way to a buyer, and the payment and the offer that it is bought by."""

    id: str
    payment_id: str
    ref: str


class PartsConformance:
    """What holds for a product that sells nothing by itself, too: all that it adds has its place.

    `product` is among `products`, those of the server; `package` is its folder.
    """

    product: ClassVar[Product]
    products: ClassVar[Sequence[Product]] = PRODUCTS
    package: ClassVar[str]

    @pytest.fixture
    async def house(self, database) -> AsyncIterator[House]:
        """A hub that sells it, with a till that gives money back; its books are in order after."""
        await self.prepare(database)
        house = House(database)
        house.sell_only(self.products)
        house.till = GivingTill(capabilities=replace(CAN, refunds="api"))
        house.hub.gateways["till"] = house.till  # type: ignore[index]
        yield house
        assert await audit(database, checks_of(house.hub)) == []

    async def prepare(self, database) -> None:
        """Make what the migrations have not made; nothing for a product of the hub."""

    @pytest.mark.sqlite_only
    async def test_its_routes_and_events_are_in_the_description(self, house):
        document = await description(house, self.product.name, self.products)

        routes = [one for router in self.product.routers for one in router.routes]
        shown = {one.path for one in routes if isinstance(one, APIRoute) and one.include_in_schema}
        assert routes
        assert shown <= document["paths"].keys()
        for kind, shape in self.product.events.items():
            assert kind in document["webhooks"]
            assert shape in document["components"]["schemas"]

    def test_what_it_seals_can_be_sealed_anew(self):
        kept = {column for one in tables_of(self.package) for column in one.columns
                if isinstance(column.type, LargeBinary)}  # fmt: skip

        assert {one.column for one in self.product.sealed} == kept

    def test_whoever_it_keeps_the_address_of_can_be_forgotten(self):
        columns = {column.name for one in tables_of(self.package) for column in one.columns}

        assert bool(self.product.personal) == ("email_lookup" in columns)

    def test_its_names_are_nobody_elses(self):
        own = names_of(self.product)
        others = [names_of(one) for one in self.products if one is not self.product]

        for what, core in CORE_NAMES.items():
            assert len(own[what]) == len({*own[what]}), what
            taken = {*core, *(name for one in others for name in one[what])}
            assert {*own[what]} & taken == set(), what


class ProductConformance(PartsConformance):
    """What holds for whatever is sold. A subclass says how it is sold, and what its buyer has.

    `irrevocable` is what nobody can take back, such as work that was done; `whole` is what a buyer
    has in full until all of the money went back. `letters` are sent for each one that is sold.
    """

    irrevocable: ClassVar[bool] = False
    whole: ClassVar[bool] = False
    letters: ClassVar[int] = 0
    email: ClassVar[str] = ""
    """Whom it is sold to, where it knows that."""

    async def sell(self, house: House) -> Sold:
        """Somebody is about to pay 50.000 ₫ for it at the till."""
        raise NotImplementedError

    async def worth(self, house: House, sold: Sold) -> int:
        """What of its price its buyer has something for now."""
        raise NotImplementedError

    async def paid(self, house: House) -> Sold:
        """One that is paid."""
        sold = await self.sell(house)
        house.pays(sold.ref, AMOUNT)
        await house.settle(sold.payment_id)
        return sold

    async def told(self, house: House) -> list[Any]:
        """The events of this product that merchants can read."""
        events = (await read(house.hub, Reading(limit=200))).events
        return [one for one in events if one.type in self.product.events]

    async def test_there_is_nothing_before_the_money(self, house):
        sold = await self.sell(house)
        await house.settle(sold.payment_id)

        assert await self.worth(house, sold) == 0
        assert await self.told(house) == []

    async def test_settled_again_and_again_it_is_delivered_and_told_once(self, house):
        sold = await self.paid(house)
        for _ in range(3):
            await house.settle(sold.payment_id)

        told = await self.told(house)
        count = "SELECT COUNT(*) FROM fulfilments"
        assert await self.worth(house, sold) == AMOUNT
        assert await house.database.read(lambda tx: run(tx, count)) == 1
        assert len(told) == 1
        assert told[0].payment_id == sold.payment_id

    @pytest.mark.sqlite_only
    async def test_what_is_told_has_the_shape_that_is_described(self, house):
        await self.paid(house)
        document = await description(house, self.product.name, self.products)

        for event in await self.told(house):
            shape = f"#/components/schemas/{self.product.events[event.type]}"
            check = Draft202012Validator({"$ref": shape, "components": document["components"]})
            assert [str(one) for one in check.iter_errors(dict(event.data))] == []

    async def test_too_little_money_delivers_nothing(self, house):
        sold = await self.sell(house)
        house.pays(sold.ref, AMOUNT - 1_000)
        await house.settle(sold.payment_id)

        assert await self.worth(house, sold) == 0

    async def test_what_is_enough_by_tolerance_delivers_all_of_it(self, house):
        house.hub.settings.underpayment_tolerance_percent = Decimal(5)
        sold = await self.sell(house)
        house.pays(sold.ref, AMOUNT - 1_000)
        await house.settle(sold.payment_id)

        assert await self.worth(house, sold) == AMOUNT

    async def test_money_that_comes_after_the_offer_is_over_delivers_it_all_the_same(self, house):
        sold = await self.sell(house)
        house.pass_time(days=2)
        lapsed = await house.settle(sold.payment_id)
        before = await self.worth(house, sold)
        house.pays(sold.ref, AMOUNT)
        await house.settle(sold.payment_id)

        assert (lapsed.phase, before) == ("expired", 0)
        assert await self.worth(house, sold) == AMOUNT

    async def test_its_payment_is_found_by_its_own_id(self, house):
        sold = await self.paid(house)

        found = await house.database.read(lambda tx: payment_of(tx, house.hub, sold.id))

        assert sold.id.partition("_")[0] in self.product.look_ups
        assert found == sold.payment_id

    async def test_a_refund_of_all_of_it_takes_it_back(self, house):
        sold = await self.paid(house)

        state = await self.refund(house, sold, None)

        assert state is RefundState.SUCCEEDED
        assert await self.worth(house, sold) == (AMOUNT if self.irrevocable else 0)

    async def test_a_refund_in_part_leaves_the_rest(self, house):
        sold = await self.paid(house)

        state = await self.refund(house, sold, PART)

        rest = AMOUNT if self.irrevocable or self.whole else AMOUNT - PART
        assert state is RefundState.SUCCEEDED
        assert await self.worth(house, sold) == rest

    async def test_a_refund_that_fails_leaves_it_as_it_was(self, house):
        sold = await self.paid(house)
        house.till.refuses = True

        state = await self.refund(house, sold, None)

        assert state is RefundState.FAILED
        assert await self.worth(house, sold) == AMOUNT

    async def refund(self, house: House, sold: Sold, minor: int | None) -> RefundState:
        """Ask for a refund by the product's own id; how it ended."""
        wish = RefundWish(amount=minor, actor="test")
        made = await request(house.hub, sold.id, wish)
        return (await show(house.hub, made.refund.id)).refund.state

    async def test_somebody_does_each_effect_that_it_asks_for(self, house):
        await self.paid(house)

        query = "SELECT kind, payload FROM jobs"
        asked = await house.database.read(lambda tx: tx.exec_driver_sql(query).all())

        letters = [one for one in asked if one.kind == "send_mail"]
        assert {one.kind for one in asked} <= effects_of(house.hub).keys()
        assert len(letters) == self.letters

    async def test_its_letters_are_sent_once_each(self, house):
        await self.paid(house)
        if not self.letters:
            return
        for _ in range(3):
            await do_effects(house.hub)
            house.pass_time(hours=1)

        assert [one.to for one in house.letters.letters] == [self.email] * self.letters

    async def test_forgetting_its_payment_takes_nothing_from_its_buyer(self, house):
        sold = await self.paid(house)

        await forget_payment(house.hub, sold.payment_id, "asked by letter")

        assert await self.worth(house, sold) == AMOUNT

    async def test_a_buyer_who_is_forgotten_is_found_no_more(self, house):
        sold = await self.paid(house)
        if self.email:
            await forget_person(house.hub, self.email, "asked by letter")

        def known(tx: Any) -> list[Any]:
            return [
                (one.email_of(tx, house.hub, sold.payment_id), bought)
                for one in self.product.personal
                if (bought := one.bought_by(tx, house.hub, self.email))
                or one.email_of(tx, house.hub, sold.payment_id) == self.email
            ]

        assert bool(self.email) == bool(self.product.personal)
        assert await house.database.read(known) == []


CORE_NAMES: dict[str, set[str]] = {
    "purposes": {"plain", "payment_link"},
    "effects": {*EFFECTS},
    "jobs": {*SCHEDULE},
    "emails": set(),
    "look-ups": {*LOOK_UPS},
    "events": {*EVENTS},
    "shapes": {*SCHEMAS, *EVENT_SCHEMAS},
    "checks": {one.invariant for one in CHECKS},
}
"""What the core has taken of each kind of name."""


def names_of(product: Product) -> dict[str, list[str]]:
    """The names of a product, by kind."""
    settings = Settings(_env_file=None)
    made = None if product.fulfilment is None else product.fulfilment(SECRET, settings)
    return {
        "purposes": [] if made is None else [made.purpose],
        "effects": [*product.effects],
        "jobs": [*product.jobs],
        "emails": [*product.emails],
        "look-ups": [*product.look_ups],
        "events": [*product.events],
        "shapes": [*product.schemas],
        "checks": [one.invariant for one in product.checks],
    }


def tables_of(package: str) -> list[Table]:
    """Every table of a product's folder."""
    names = [one.name for one in pkgutil.iter_modules(importlib.import_module(package).__path__)]
    modules = [importlib.import_module(f"{package}.{name}")
               for name in names if name.endswith("tables")]  # fmt: skip
    return [one for module in modules for one in vars(module).values() if isinstance(one, Table)]


async def description(house: House, name: str, products: Sequence[Product]) -> dict[str, Any]:
    """The API description of a server that sells these; made once for each product's tests."""

    @asynccontextmanager
    async def nothing() -> AsyncIterator[None]:
        yield

    if name not in DOCUMENTS:
        app = build_app(
            house.hub, LiveHub(), parts=web_parts_of(products), lifespan=nothing
        )  # fmt: skip
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
            DOCUMENTS[name] = (await client.get("/openapi.json")).json()
    return DOCUMENTS[name]
