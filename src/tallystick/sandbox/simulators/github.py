"""Plays GitHub, as far as inviting somebody to a repository or a team needs it.

Written from GitHub's REST API and not from our adapter: the two must agree. Two names have a
meaning: nobody is called `nobody…`, and the first call about `flaky…` is answered with 500.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.sandbox.simulators.books import Books

_SEATS: Final = "github.seats"
_SHAKEN: Final = "github.shaken"
Endpoint = Callable[[Request], Awaitable[Response]]


class GitHubSimulator:
    """Repositories and teams of everybody, with who is in them and who is invited."""

    name = "github"

    def __init__(self, books: Books, token: str) -> None:
        self._books = books
        self._token = token

    def routes(self) -> list[BaseRoute]:
        """The API, relative to `/_sim/github`."""
        team, repository = "/orgs/{owner}/teams/{name}", "/repos/{owner}/{name}"
        return [
            self._route("/users/{user}", "GET", self._show_user),
            self._route(team + "/memberships/{user}", "GET", self._show_member),
            self._route(team + "/memberships/{user}", "PUT", self._join_team),
            self._route(team + "/memberships/{user}", "DELETE", self._leave_team),
            self._route(repository + "/collaborators/{user}", "PUT", self._invite),
            self._route(repository + "/collaborators/{user}", "DELETE", self._leave_repository),
            self._route(repository + "/invitations", "GET", self._list_invitations),
            self._route(repository + "/invitations/{number:int}", "DELETE", self._withdraw),
        ]

    def _route(self, path: str, method: str, answer: Endpoint) -> Route:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._token}":
                return JSONResponse({"message": "Bad credentials"}, 401)
            user = request.path_params.get("user", "")
            if user.startswith("flaky") and not self._books.fact(f"{_SHAKEN}/{user}"):
                self._books.keep_fact(f"{_SHAKEN}/{user}", "yes")
                return JSONResponse({"message": "Server Error"}, 500)
            if user.startswith("nobody"):
                return _nothing()
            return await answer(request)

        return Route(path, guarded, methods=[method])

    async def _show_user(self, request: Request) -> Response:
        return JSONResponse({"login": request.path_params["user"]})

    async def _show_member(self, request: Request) -> Response:
        seat = self._seats().get(_seat(request))
        return _nothing() if seat is None else _member(seat)

    async def _join_team(self, request: Request) -> Response:
        return _member(self._sit(request))

    async def _invite(self, request: Request) -> Response:
        seat = self._sit(request)
        return JSONResponse({"id": seat["id"], "invitee": {"login": seat["login"]}}, 201)

    async def _leave_team(self, request: Request) -> Response:
        seats = self._seats()
        if seats.pop(_seat(request), None) is None:
            return _nothing()
        self._keep(seats)
        return Response(status_code=204)

    async def _leave_repository(self, request: Request) -> Response:
        """A collaborator goes; an open invitation is another thing, and stays."""
        return Response(status_code=204)

    async def _list_invitations(self, request: Request) -> Response:
        rows = [
            {"id": seat["id"], "invitee": {"login": seat["login"]}, "permissions": "read"}
            for place, seat in self._seats().items()
            if place.startswith(_place(request) + "/")
        ]
        given = request.query_params
        page, size = int(given.get("page", 1)), int(given.get("per_page", 30))
        return JSONResponse(rows[(page - 1) * size : page * size])

    async def _withdraw(self, request: Request) -> Response:
        seats, number = self._seats(), request.path_params["number"]
        left = {place: seat for place, seat in seats.items() if seat["id"] != number}
        self._keep(left)
        return Response(status_code=204) if len(left) < len(seats) else _nothing()

    def _sit(self, request: Request) -> dict[str, Any]:
        seats = self._seats()
        number = max((seat["id"] for seat in seats.values()), default=0) + 1
        fresh = {"id": number, "login": request.path_params["user"], "state": "pending"}
        seat = seats.setdefault(_seat(request), fresh)
        self._keep(seats)
        return seat

    def _seats(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads(self._books.fact(_SEATS) or "{}")
        return found

    def _keep(self, seats: dict[str, dict[str, Any]]) -> None:
        self._books.keep_fact(_SEATS, json.dumps(seats))


def _place(request: Request) -> str:
    kind = "orgs" if "/orgs/" in request.url.path else "repos"
    return f"{kind}/{request.path_params['owner']}/{request.path_params['name']}"


def _seat(request: Request) -> str:
    return f"{_place(request)}/{request.path_params['user'].casefold()}"


def _member(seat: dict[str, Any]) -> Response:
    return JSONResponse({"state": seat["state"], "role": "member"})


def _nothing() -> Response:
    return JSONResponse({"message": "Not Found"}, 404)
