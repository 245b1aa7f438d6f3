"""Request bodies and query values: read strictly, once, and refused with words that help."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.types import Receive

from tallystick.domain.errors import Invalid, MalformedJson, TooLarge, UnsupportedMedia
from tallystick.domain.money import LARGEST_MINOR, exponent
from tallystick.domain.strict_json import parse
from tallystick.wrong_values import wrong_values

LARGEST_BODY: Final = 256_000
LARGEST_NOTICE: Final = 64_000
M = TypeVar("M", bound=BaseModel)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Body(BaseModel):
    """Base of request bodies: camelCase, unknown fields refused, no conversion between types."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
    )


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank; say why")
    return value.strip()


Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_said)]
"""Why a person decides so, in words."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[M]):
    """A body that was read: the value, and the bytes for telling repeats from new requests."""

    value: M
    raw: bytes


async def read_limited(request: Request, limit: int) -> bytes:
    """The raw body of a request. Raises TooLarge, UnsupportedMedia, Invalid."""
    return await read_body(request.headers, request.receive, limit)


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The raw body, refused while it streams in once it is over the limit.

    Raises TooLarge, UnsupportedMedia, Invalid.
    """
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes; send less.")
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Compressed bodies are not read; send the body as it is.")
    content = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The body was cut off.")
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes; send less.")
    return bytes(content)


KNOWN: Final = "known"
"""In place of a role: whoever has proven anything at all."""


def body(
    model: type[M], role: str | None = "operator"
) -> Callable[[Request], Awaitable[Parsed[M]]]:
    """A dependency that reads and checks a JSON body, after the one that says who is asking.

    Whoever lacks the `role` is refused before anything of it is read; None lets everybody send it.
    """

    async def read(request: Request) -> Parsed[M]:
        if role == KNOWN:
            request.state.caller.needs_proof()
        elif role is not None:
            request.state.caller.needs(role)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMedia("Send the body as application/json.")
        raw = await read_limited(request, LARGEST_BODY)
        return Parsed(checked(model, raw), raw)

    return read


def checked(model: type[M], raw: bytes) -> M:
    """The value of a JSON body. Raises MalformedJson, Invalid with every wrong field."""
    found = parse(raw, limit=LARGEST_BODY, floats=True)
    if not isinstance(found, dict):
        raise MalformedJson('The body is a JSON object, such as {"amount": 50000, …}.')
    try:
        return model.model_validate(found)
    except ValidationError as error:
        wrong = wrong_values(error.errors(), found)
        first_field, first_words = wrong[0]
        raise Invalid(f"{first_field}: {first_words}", wrong) from error


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What the API description says of this body."""
    schema = model.model_json_schema(by_alias=True)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header, or None. Raises Invalid where it is not 1-255 printable ASCII."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid("An Idempotency-Key has 1 to 255 printable ASCII characters, no spaces.")
    return key


def page_limit(request: Request) -> int:
    """`limit`, from 1 to 200, 50 where it is not given. Raises Invalid."""
    text = request.query_params.get("limit", "50")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= 200:
        raise Invalid("limit is a whole number from 1 to 200.", (("limit", "from 1 to 200"),))
    return int(text)


def instant_param(request: Request, name: str) -> datetime | None:
    """A time in the query, RFC 3339 with a zone, or None. Raises Invalid."""
    text = request.query_params.get(name)
    return None if text is None else instant_of(name, text)


def instant_of(name: str, text: str) -> datetime:
    """A time, RFC 3339 with a zone. Raises Invalid."""
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is None:
            raise ValueError
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        words = "a time such as 2026-11-20T09:00:00Z"
        raise Invalid(f"{name} is {words}.", ((name, words),)) from None


def amounts(value: dict[str, int]) -> dict[str, int]:
    """An amount above 0 for each currency. Raises ValueError, CurrencyUnknown."""
    for currency, minor in value.items():
        exponent(currency)
        if not 0 < minor <= LARGEST_MINOR:
            raise ValueError("has a whole number of minor units above 0 for each currency")
    return value


def web_address(text: str) -> str:
    """An absolute http(s) address with a host and no credentials. Raises ValueError."""
    parts = urlsplit(text)
    if (
        parts.port == 0
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or not text.isascii()
        or any(character in text for character in ' "<>\\^`{|}')
        or not text.isprintable()
    ):
        raise ValueError("is an absolute http(s) address without credentials")
    return text
