"""Discounts at Polar: how often each was used there, its limit, and its end.

Source: Polar's API, `/v1/discounts/{id}`: `max_redemptions` is from 1 or null, `redemptions_count`
is Polar's own.
"""

from dataclasses import dataclass
from urllib.parse import quote

from tallystick.gateways.base import DiscountTold
from tallystick.gateways.polar.calls import Calls


@dataclass(frozen=True, slots=True)
class PolarDiscounts:
    """The discounts of one organization."""

    calls: Calls

    async def fetch(self, discount_id: str) -> DiscountTold | None:
        """How it stands, or None where there is none."""
        told = await self.calls.ask(_path(discount_id))
        if told.unknown:
            return None
        limit = told.fields.data.get("max_redemptions")
        return DiscountTold(
            None if limit is None else told.fields.whole("max_redemptions"),
            told.fields.whole("redemptions_count"),
        )

    async def limit(self, discount_id: str, limit: int) -> bool:
        """Let it be used so often in all, those times included that it was used already."""
        told = await self.calls.change(_path(discount_id), {"max_redemptions": limit})
        return not told.unknown

    async def delete(self, discount_id: str) -> bool:
        """End it; what used it keeps it."""
        return await self.calls.remove(_path(discount_id))


def _path(discount_id: str) -> str:
    return f"/discounts/{quote(discount_id, safe='')}"
