"""A source of exchange rates for the sandbox: a quiet market that a test can move or silence."""

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Invalid
from tallystick.domain.exchange import number, rate
from tallystick.domain.money import exponent

FAULTS: Final = ("none", "error_500", "hang", "garbage")
_QUIET: Final[Mapping[str, str]] = {
    "USD": "1", "VND": "25412.37", "LKR": "301.25", "EUR": "0.8612", "GBP": "0.7543",
    "JPY": "149.85", "SGD": "1.2871", "INR": "83.41", "THB": "32.38", "AUD": "1.5127",
}  # fmt: skip


class RateMarket:
    """What a dollar buys here, and how the source behaves."""

    def __init__(self) -> None:
        self._rates = {currency: Decimal(text) for currency, text in _QUIET.items()}
        self._fault = "none"

    def routes(self) -> list[BaseRoute]:
        """The source's own address, in the shape of the usual free ones."""
        return [Route("/_sim/rates", self._answer)]

    def move(self, moved: Mapping[str, Decimal], fault: str | None) -> dict[str, Any]:
        """Change rates, or how the source behaves. Raises Invalid, CurrencyUnknown."""
        if fault is not None and fault not in FAULTS:
            raise Invalid(f"The source can do {', '.join(FAULTS)}, not {fault[:32]!r}.")
        for currency in moved:
            exponent(currency)
        self._rates |= {currency: rate(value) for currency, value in moved.items()}
        self._fault = fault or self._fault
        return {"base": "USD", "rates": self._told(), "fault": self._fault}

    def _told(self) -> dict[str, int | float]:
        return {currency: number(value) for currency, value in self._rates.items()}

    async def _answer(self, _: Request) -> Response:
        if self._fault == "error_500":
            return Response("Internal error", 500)
        if self._fault == "hang":
            await asyncio.sleep(30)
        if self._fault == "garbage":
            return Response('{"base": "USD", "rates": {"VND": -1}}', media_type="application/json")
        body = json.dumps({"base": "USD", "rates": self._told()})
        return Response(body, media_type="application/json")
