"""Wallets and their top-ups keep what every product keeps."""

from __future__ import annotations

from tallystick.domain import ledger as accounts
from tallystick.domain.money import Money
from tallystick.products.wallets.product import PRODUCT
from tallystick.products.wallets.topup import TopupWish, find_topup, start_topup
from tallystick.store import ledger
from tests.products.conformance import AMOUNT, ProductConformance, Sold


class TestWallets(ProductConformance):
    """What its owner has is what is in the wallet."""

    product = PRODUCT
    package = "tallystick.products.wallets"

    async def sell(self, house):
        wish = TopupWish("user-7", Money(AMOUNT, "VND"), "till")
        made = await start_topup(house.hub, wish)
        payment = await find_topup(house.hub, made.sold)
        return Sold(made.sold, payment.id, next(reversed(house.till.books)))

    async def worth(self, house, sold):
        account = accounts.wallet("user-7")
        return (await house.database.read(lambda tx: ledger.balance(tx, account))).get("VND", 0)
