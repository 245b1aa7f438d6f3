"""What a setting may be that is more than a text or a number, and how a person writes it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from tallystick.domain.amount_limits import usable
from tallystick.domain.errors import HubError
from tallystick.domain.exchange import rate
from tallystick.domain.money import exponent
from tallystick.domain.offered_amounts import in_order
from tallystick.domain.origin import named_origin


class GatewayFee(BaseModel):
    """One entry of the dated table of fees: `since` a day, `percent` and so many cents a sale."""

    model_config = ConfigDict(extra="forbid")

    since: date = date.min
    percent: Decimal = Field(Decimal(0), ge=0, le=100, decimal_places=2)
    usd_cents: int = Field(0, ge=0, alias="usdCents")


def _with_commas(read: Callable[[str], str]) -> BeforeValidator:
    """Several of them with commas between. Raises ValueError for what cannot be read."""

    def split(given: object) -> object:
        if not isinstance(given, str):
            return given
        return tuple(read(part.strip()) for part in given.split(",") if part.strip())

    return BeforeValidator(split)


def _usable_rates(given: dict[str, Decimal]) -> dict[str, Decimal]:
    """Currencies that exist, and rates that can be divided by. Raises ValueError."""
    try:
        for currency in given:
            exponent(currency)
        return {currency: rate(value) for currency, value in given.items()}
    except HubError as error:
        raise ValueError(error.detail) from error


Origins = Annotated[tuple[str, ...], NoDecode, _with_commas(named_origin)]
JobNames = Annotated[tuple[str, ...], NoDecode, _with_commas(str)]
AmountLimits = Annotated[dict[str, tuple[int, int]], AfterValidator(usable)]
OfferedAmounts = Annotated[dict[str, tuple[int, ...]], AfterValidator(in_order)]
Rates = Annotated[dict[str, Decimal], AfterValidator(_usable_rates)]
