"""Gift cards keep what every product keeps."""

from __future__ import annotations

from tallystick.domain import ledger as accounts
from tallystick.products.gift_cards.product import PRODUCT
from tallystick.store import ledger
from tests.products.conformance import ProductConformance, Sold


class TestGiftCards(ProductConformance):
    """What its buyer has is what can be spent from the card."""

    product = PRODUCT
    package = "tallystick.products.gift_cards"
    letters = 1
    email = "lan@example.com"

    async def sell(self, house):
        return Sold(*await house.open_gift_card(email=self.email))

    async def worth(self, house, sold):
        account = accounts.gift_card(sold.id)
        return (await house.database.read(lambda tx: ledger.balance(tx, account))).get("VND", 0)
