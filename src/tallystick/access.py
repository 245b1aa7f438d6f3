"""Letting buyers in elsewhere: the port, and GitHub behind it.

Source: GitHub's REST API, "Collaborators", "Repository invitations" and "Team members",
version 2022-11-28.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from tallystick.domain.access import GrantState, Place
from tallystick.domain.errors import GatewayRefused, GatewayUnavailable, GatewayUnreachable

_PER_PAGE: Final = 100
_MOST_PAGES: Final = 20


class Access(Protocol):
    """A place that buyers can be let into. Both calls are safe to repeat."""

    async def invite(self, place: Place, username: str) -> GrantState:
        """Let somebody in. Says `INVITED`, or `MEMBER` where they are in already.

        Raises GatewayRefused (nobody has this name), GatewayUnavailable, GatewayUnreachable.
        """
        ...

    async def remove(self, place: Place, username: str) -> None:
        """Let somebody out, and take back an invitation that is open. The same errors."""
        ...


class Told(Protocol):
    """An answer, as our HTTP connection gives it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        ...


class Wire(Protocol):
    """Our own HTTP connection."""

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Told:
        """One request, one answer. Raises GatewayUnreachable."""
        ...


@dataclass(frozen=True, slots=True)
class GitHub:
    """Repositories and teams that the token may administer."""

    token: str
    base_url: str
    wire: Wire

    async def invite(self, place: Place, username: str) -> GrantState:
        """A team membership, or read access to a repository."""
        path, wish = _seat(place, username), {"role": "member"}
        if not place.is_team:
            wish = {"permission": "pull"}
        told = await self._send("PUT", path, wish)
        if told.status in {404, 422}:
            await self._refuse(place, username)
        if told.status not in {200, 201, 204}:
            raise GatewayUnreachable(f"GitHub gives no usable answer (HTTP {told.status}).")
        active = told.status == 204 or (told.status == 200 and _read(told).get("state") == "active")
        return GrantState.MEMBER if active else GrantState.INVITED

    async def remove(self, place: Place, username: str) -> None:
        """Membership and open invitation both; that there is none is as good."""
        told = await self._send("DELETE", _seat(place, username))
        if told.status not in {204, 404}:
            raise GatewayUnreachable(f"GitHub gives no usable answer (HTTP {told.status}).")
        if not place.is_team:
            await self._take_back(place, username)

    async def _take_back(self, place: Place, username: str) -> None:
        path = f"/repos/{place.owner}/{place.name}/invitations"
        for number in range(1, _MOST_PAGES + 1):
            told = await self._send("GET", f"{path}?per_page={_PER_PAGE}&page={number}")
            rows = _rows(told)
            for row in rows:
                if str((row.get("invitee") or {}).get("login")).casefold() == username.casefold():
                    await self._send("DELETE", f"{path}/{int(row['id'])}")
                    return
            if len(rows) < _PER_PAGE:
                return

    async def _refuse(self, place: Place, username: str) -> None:
        """Whose fault it is: the buyer's, who gave a wrong name, or ours."""
        told = await self._send("GET", f"/users/{quote(username, safe='')}")
        if told.status == 404:
            raise GatewayRefused(f"GitHub knows nobody of the name {username}.")
        raise GatewayUnavailable(
            f"GitHub does not let us invite to {place.owner}/{place.name}: check that it exists "
            "and that the token may administer it."
        )

    async def _send(self, method: str, path: str, wish: Mapping[str, str] | None = None) -> Told:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "tallystick",
        }
        body = None if wish is None else json.dumps(wish).encode()
        url = self.base_url.rstrip("/") + path
        told = await self.wire.send(method, url, headers=headers, body=body)
        if told.status == 401:
            raise GatewayUnavailable("GitHub rejects our token.")
        # Its limits on calls come as 403 or 429; both pass.
        if told.status in {403, 429} or told.status >= 500 or 300 <= told.status < 400:
            raise GatewayUnreachable(f"GitHub cannot answer now (HTTP {told.status}).")
        return told


def _seat(place: Place, username: str) -> str:
    who = quote(username, safe="")
    if place.is_team:
        return f"/orgs/{place.owner}/teams/{place.name}/memberships/{who}"
    return f"/repos/{place.owner}/{place.name}/collaborators/{who}"


def _read(told: Told) -> dict[str, Any]:
    found = _json(told)
    return found if isinstance(found, dict) else {}


def _rows(told: Told) -> list[dict[str, Any]]:
    found = _json(told)
    if told.status != 200 or not isinstance(found, list):
        raise GatewayUnreachable(f"GitHub does not list its invitations (HTTP {told.status}).")
    return [row for row in found if isinstance(row, dict)]


def _json(told: Told) -> Any:
    try:
        return json.loads(told.body)
    except ValueError:
        raise GatewayUnreachable("GitHub's answer is not JSON.") from None
