"""Donations, as the server knows them."""

from datetime import timedelta
from typing import Final

from tallystick.flows.extensions import ScheduledJob
from tallystick.products.base import Product
from tests.made_up_product import answers, checks, email, give, personal_data, routes
from tests.made_up_product.clear_pledges import clear_pledges
from tests.made_up_product.deliver import CERTIFIED, LETTER, REGISTER, DonationCertificate
from tests.made_up_product.register import register_certificate
from tests.made_up_product.rules import PREFIX

DONATIONS: Final = Product(
    name="donations",
    fulfilment=DonationCertificate.make,
    routers=(routes.router,),
    schemas=answers.SCHEMAS,
    events={CERTIFIED: "DonationNews"},
    effects={REGISTER: register_certificate},
    jobs={"clear-pledges": ScheduledJob(timedelta(days=1), clear_pledges)},
    emails={LETTER: email.certificate},
    look_ups={PREFIX: give.payment_of},
    checks=checks.CHECKS,
    sealed=personal_data.SEALED,
    personal=(personal_data.PERSONAL_DATA,),
)
