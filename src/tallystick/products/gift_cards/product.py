"""Gift cards, as the server knows them."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.flows.extensions import ScheduledJob
from tallystick.products.base import Product
from tallystick.products.gift_cards import (
    answers,
    checks,
    email,
    pages,
    personal_data,
    polling,
    routes,
    rows,
)
from tallystick.products.gift_cards.deliver import GiftCard
from tallystick.products.gift_cards.spend_gift_card import release_holds


def _payment_of(tx: Connection, card_id: str) -> str | None:
    card = rows.find(tx, card_id)
    return None if card is None else card.payment_id


PRODUCT: Final = Product(
    name="gift_cards",
    fulfilment=GiftCard.make,
    routers=(routes.router, polling.router, pages.router),
    public_pages=("/gift-cards",),
    schemas=answers.SCHEMAS,
    events={"giftcard.issued": "GiftCardNews"},
    jobs={"release-holds": ScheduledJob(timedelta(minutes=5), release_holds, quiet=True)},
    emails={"gift_card": email.gift_card},
    look_ups={"gc": _payment_of},
    checks=checks.CHECKS,
    sealed=personal_data.SEALED,
    personal=(personal_data.PERSONAL_DATA,),
)
