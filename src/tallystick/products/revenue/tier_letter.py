"""What a referrer is written once when a higher tier is reached."""

from collections.abc import Mapping
from typing import Final

from tallystick.products.revenue.referral import LADDER, Step, Tier

SUBJECT: Final = "You have reached {tier}"
TEXT: Final = (
    "Thank you for recommending us. By what you have referred you have reached the tier {tier}, so "
    "from now on you get {percent} % of every order that comes with your code {code}.\n\n"
    "{merchant}\n"
)
_STEPS: Final[Mapping[str, Step]] = {step.tier: step for step in LADDER}


def written(tier: str, code: str, merchant: str) -> tuple[str, str]:
    """Subject and text of the letter."""
    percent = _STEPS[tier].percent
    name = Tier(tier).capitalize()
    text = TEXT.format(tier=name, percent=percent, code=code, merchant=merchant)
    return SUBJECT.format(tier=name), text
