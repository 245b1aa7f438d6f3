"""What a query may say: the parameters that its route declares, each once, and nothing else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from tallystick.domain.errors import CurrencyUnknown, Invalid
from tallystick.domain.money import exponent
from tallystick.flows.decide import MANUAL
from tallystick.flows.hub import Hub
from tallystick.settings import NEEDED

# Payers come to these from gateways, mails and networks, which append words of their own.
_FOR_THE_PUBLIC: Final = ("/pay/",)
_GATEWAYS: Final = ("gateway", "provider")
# A database that `tallystick dev` made, and that is served now, has payments of this one.
_TRIED_OUT: Final = "sandbox"
_SHOWN: Final = 60
NOTHING: Final[tuple[Mapping[str, Any], ...]] = ()


async def declared_only(request: Request) -> None:
    """A dependency of every route. Raises Invalid, which names what the route knows."""
    path: str = request.scope["path"]
    public = (*_FOR_THE_PUBLIC, *request.app.state.parts.public_pages)
    if path != "/" and not path.startswith(public):
        told = getattr(request.scope["route"], "openapi_extra", None) or {}
        declared = told.get("parameters", NOTHING)
        check(request.app.state.hub, request.scope["query_string"], declared)


def check(hub: Hub, asked: bytes, declared: Sequence[Mapping[str, Any]]) -> None:
    """A filter is never ignored, and never read in two ways. Raises Invalid."""
    if not asked:
        return
    given = parse_qsl(asked.decode("latin-1"), keep_blank_values=True)
    schemas = {one["name"]: one["schema"] for one in declared if one["in"] == "query"}
    _refuse_unknown([name for name, _ in given], schemas)
    _refuse_doubled(Counter(name for name, _ in given), schemas)
    for name, text in given:
        words = _words(text) if _is_list(schemas[name]) else {text}
        known = _known_words(hub, name, schemas[name])
        if known and not words <= set(known):
            raise _wrong(name, f"one of {', '.join(known)}")
        if name == "currency":
            _check_currency(text)


def _refuse_unknown(names: Sequence[str], known: Mapping[str, Any]) -> None:
    for name in names:
        if name not in known:
            shown = name[:_SHOWN]
            what = f"there are {', '.join(known)}" if known else "this address takes none"
            words = f"is not a parameter here; {what}"
            raise Invalid(f'The query parameter "{shown}" {words}.', ((shown, words),))


def _refuse_doubled(counts: Mapping[str, int], schemas: Mapping[str, Any]) -> None:
    for name, times in counts.items():
        if times > 1 and not _is_list(schemas[name]):
            words = "is given more than once; give it once"
            raise Invalid(f"{name} {words}.", ((name, words),))


def _words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")} - {""}


def _is_list(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("type") == "array")


def _known_words(hub: Hub, name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The words that a filter can have; empty where it is free."""
    if name in _GATEWAYS:
        # Also those that are not set up any more: they have payments.
        return tuple(sorted({*hub.gateways, *NEEDED, _TRIED_OUT, MANUAL}))
    return tuple(schema.get("enum", ()))


def _check_currency(text: str) -> None:
    try:
        exponent(text)
    except CurrencyUnknown as error:
        raise _wrong("currency", "an ISO 4217 code in capitals, such as VND") from error


def _wrong(name: str, words: str) -> Invalid:
    return Invalid(f"{name} is {words}.", ((name, words),))
