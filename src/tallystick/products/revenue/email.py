"""The e-mail to a referrer who has reached a tier."""

from sqlalchemy import Connection

from tallystick.domain.addresses import REFERRERS, Addresses
from tallystick.flows.emails import ENGLISH
from tallystick.flows.hub import Hub
from tallystick.mail import Email
from tallystick.products.revenue import referrer_rows, tier_letter
from tallystick.products.revenue.referrer_rows import Referrer


def tier(tx: Connection, hub: Hub, about: str) -> Email | None:
    """The letter to a referrer who reached a tier; `about` names both, "ref_…/gold"."""
    referrer_id, _, reached = about.partition("/")
    referrer = referrer_rows.find(tx, referrer_id)
    if referrer is None:
        return None
    merchant = hub.settings.merchant_name or hub.settings.base_url
    subject, text = tier_letter.written(reached, referrer.code, merchant)
    return Email(
        name=f"tier/{about}", to=_address(hub, referrer), subject=subject, text=text,
        language=ENGLISH, at=referrer.created_at,
    )  # fmt: skip


def _address(hub: Hub, referrer: Referrer) -> str:
    return Addresses.of(hub.secret).opened(REFERRERS, referrer.id, referrer.email)
