"""The live source of exchange rates, asked over our own connection."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tallystick.domain.errors import HubError, Invalid, Unavailable
from tallystick.domain.exchange import BASE, rate
from tallystick.domain.money import currencies
from tallystick.domain.strict_json import parse
from tallystick.http_client import beginning, new_session

PATIENCE_S: Final = 5.0
LARGEST_ANSWER: Final = 256_000
_WANTED: Final = {"accept": "application/json"}


class SourceSilent(Unavailable):
    """The live source of exchange rates gave no usable answer; the next layer is taken."""


class LiveSource:
    """Answers what one US dollar buys in every currency, within five seconds or not at all.

    The address answers `{"base": "USD", "rates": {"VND": 25412.37, …}}`, as the usual free sources
    do (`base_code` and `conversion_rates` are read too). One connection for each question: it is
    put twice an hour.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        self._url = url
        self._patience_s = patience_s

    async def ask(self) -> Mapping[str, Decimal]:
        """The rates of all currencies that we count in. Raises SourceSilent."""
        # Imported with the first question, as for the gateways.
        import aiohttp

        try:
            async with (
                new_session(self._patience_s) as session,
                session.get(self._url, headers=_WANTED, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise SourceSilent(f"The source of exchange rates answered {answer.status}.")
                return read(await beginning(answer, LARGEST_ANSWER + 1))
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise SourceSilent(
                f"The source of exchange rates gave no answer ({type(error).__name__})."
            ) from error


def read(body: bytes) -> dict[str, Decimal]:
    """The rates in an answer, read strictly. Raises SourceSilent where it cannot be trusted."""
    try:
        told = parse(body, limit=LARGEST_ANSWER)
        rates = told.get("rates", told.get("conversion_rates")) if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(rates, dict):
            raise Invalid("has no rates")
        if told.get("base", told.get("base_code", BASE)) != BASE:
            raise Invalid("is not against the US dollar")
        counted = set(currencies())
        found = {
            currency: rate(_decimal(value))
            for currency, value in rates.items()
            if currency in counted
        }
        if not found or found.get(BASE, Decimal(1)) != 1:
            raise Invalid("has a dollar that is no dollar, or no currency at all")
    except HubError as error:
        raise SourceSilent(f"The answer of the source of exchange rates: {error.detail}") from error
    return found


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise Invalid("has a rate that is no number")
    try:
        return Decimal(value)
    except ArithmeticError:
        raise Invalid("has a rate that is no number") from None
