"""Exchange rates over HTTP: the best there are now, and the layer that they came from."""

from typing import Any

from fastapi import APIRouter

from tallystick.domain.exchange import BASE, number
from tallystick.flows import rates as flow
from tallystick.web import shapes
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers
from tallystick.web.schemas import ref

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
    return {
        "base": BASE,
        "rates": {name: number(found.of(name).per_dollar) for name in sorted(known)},
        "source": found.source,
        "asOf": shapes.instant(found.as_of),
    }
