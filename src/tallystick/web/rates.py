"""Exchange rates over HTTP: the best there are now, and the layer that they came from."""

from typing import Any

from fastapi import APIRouter
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Currency, Instant, Number
from tallystick.domain.exchange import BASE, RateSource, number
from tallystick.flows import rates as flow
from tallystick.web import shapes
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers
from tallystick.web.schema_parts import ref


class ExchangeRatesAnswer(TypedDict):
    """What one US dollar buys."""

    base: Currency
    source: RateSource
    asOf: Instant
    rates: dict[str, Number]


router = APIRouter(tags=["exchange rates"])


@router.get(
    "/api/exchange-rates", summary="What one US dollar buys",
    responses=answers(ref("ExchangeRates")),
)  # fmt: skip
async def show(hub: HubDep, _: LimitedCaller) -> dict[str, Any]:
    """For anybody. `source` is api, cached (under an hour), expired or fallback (the floor)."""
    found = await flow.latest(hub)
    below = {} if found.below is None else found.below.per_dollar
    known = {**below, **found.per_dollar, BASE: 1}
    told: ExchangeRatesAnswer = {
        "base": BASE,
        "rates": {name: number(found.of(name).per_dollar) for name in sorted(known)},
        "source": found.source,
        "asOf": shapes.instant(found.as_of),
    }
    return {**told}
