"""Wallets and top-ups, as the server knows them."""

from typing import Final

from tallystick.products.base import Product
from tallystick.products.wallets import answers, checks, pages, routes, topup_routes, topup_rows
from tallystick.products.wallets.deliver import WalletTopup
from tallystick.products.wallets.page_view import WALLET

PRODUCT: Final = Product(
    name="wallets",
    fulfilment=WalletTopup.make,
    routers=(topup_routes.router, routes.router, pages.router),
    watches=(topup_routes.WATCH,),
    public_pages=(WALLET,),
    schemas=answers.SCHEMAS,
    events={"topup.confirmed": "TopupNews"},
    look_ups={"top": topup_rows.payment_of},
    checks=checks.CHECKS,
)
