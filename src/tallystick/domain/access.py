"""Access that a buyer is granted elsewhere: where to, for whom, and how far it has come."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

USERNAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}")
"""GitHub: letters, digits and single hyphens inside, 39 at most."""

_NAME: Final = r"[A-Za-z0-9._-]{1,100}"
_PLACE: Final = re.compile(
    rf"(?P<owner>[A-Za-z0-9-]{{1,39}})/(?:teams/(?P<team>{_NAME})|(?P<repository>{_NAME}))"
)


class Wanted(StrEnum):
    """What we want to be so; whoever does it computes the calls from this and what is there."""

    GRANTED = "granted"
    REVOKED = "revoked"


class GrantState(StrEnum):
    """How far it has come. `REFUSED` needs somebody to mend the name or the product."""

    WAITING = "waiting"
    INVITED = "invited"
    MEMBER = "member"
    REFUSED = "refused"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, or a team of an organization."""

    owner: str
    name: str
    is_team: bool


def place(text: str) -> Place | None:
    """Read "owner/repository" or "organization/teams/slug"; None where it is neither."""
    found = _PLACE.fullmatch(text)
    if found is None or (found["repository"] or found["team"]) in {".", ".."}:
        return None
    return Place(found["owner"], found["team"] or found["repository"], found["team"] is not None)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one order's buyer is let into."""

    order_id: str
    place: str
    username: str
    wanted: Wanted
    state: GrantState
    note: str
