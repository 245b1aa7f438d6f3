"""Donations keep what every product keeps."""

from __future__ import annotations

from tallystick.domain.money import Money
from tallystick.products import PRODUCTS
from tests.made_up_product import rows
from tests.made_up_product.give import DonationWish, give
from tests.made_up_product.product import DONATIONS
from tests.made_up_product.rules import DonationState
from tests.made_up_product.tables import OWN
from tests.products.conformance import AMOUNT, ProductConformance, Sold
from tests.store.conftest import database

__all__ = ["database"]


class TestDonations(ProductConformance):
    """The whole suite; its donor has a certificate for what was not given back."""

    product = DONATIONS
    products = (*PRODUCTS, DONATIONS)
    package = "tests.made_up_product"
    letters = 1
    email = "mai@example.vn"

    async def prepare(self, database):
        await database.write(OWN.create_all)

    async def sell(self, house):
        wish = DonationWish(Money(AMOUNT, "VND"), "till", self.email, "vi")
        made = await give(house.hub, wish)
        return Sold(made.sold, made.snapshot.id, next(reversed(house.till.books)))

    async def worth(self, house, sold):
        donation = await house.database.read(lambda tx: rows.find(tx, sold.id))
        certified = donation.state is DonationState.CERTIFIED
        return donation.amount - donation.given_back if certified else 0
