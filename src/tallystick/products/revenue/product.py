"""Revenue and referrals, as the server knows them."""

from typing import Final

from tallystick.products.base import Product
from tallystick.products.revenue import (
    answers,
    checks,
    email,
    pages,
    personal_data,
    referral_routes,
    report_routes,
)
from tallystick.products.revenue.report import keep_days

PRODUCT: Final = Product(
    name="revenue",
    routers=(referral_routes.router, report_routes.router, pages.router),
    schemas=answers.SCHEMAS,
    events={
        **dict.fromkeys(
            ("commission.earned", "commission.approved", "commission.paid",
             "commission.clawed_back"),
            "CommissionNews",
        ),
        "commission.tier_upgraded": "TierNews",
    },
    emails={"tier": email.tier},
    checks=checks.CHECKS,
    sealed=personal_data.SEALED,
    personal=(personal_data.PERSONAL_DATA,),
    at_start=(keep_days,),
)  # fmt: skip
