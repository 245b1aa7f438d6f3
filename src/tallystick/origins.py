"""Origins of web pages as a setting lists them: `https://shop.example.com,http://localhost:3000`."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

_ORIGIN: Final = re.compile(
    r"https?://(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?"
)


def origins(text: str) -> frozenset[str]:
    """What a setting lists, with commas. Raises ValueError for what is no origin."""
    found = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    for one in sorted(found):
        if not _ORIGIN.fullmatch(one):
            raise ValueError(
                f"{one!r} is not an origin: write scheme and host as browsers do, such as "
                "https://shop.example.com, without a path, and each by its name, never *"
            )
    return found


def _checked(text: str) -> str:
    origins(text)
    return text


Origins = Annotated[str, AfterValidator(_checked)]
"""Such a list, refused where one of it is no origin."""
