"""`tallystick listen`: events as they happen, forwarded to a program on this machine if wished."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from tallystick.cli.server import ServerClient

WAIT_S: Final = 20
PAUSE_S: Final = 2.0
TIMEOUT_S: Final = 30.0
Say = Callable[[str], None]


def listen(
    forward_to: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="Send each event on to this address."),
    ] = None,
    events: Annotated[
        str, typer.Option(help="Which: types with commas, such as payment.*,refund.*.")
    ] = "*",
    secret: Annotated[
        str | None,
        typer.Option(metavar="WHSEC", show_default=False, help="Sign with this secret of yours."),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="Leave after so many events.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Print events as they happen, until Ctrl-C.

    With --forward-to, each is sent on like a webhook, signed with a secret that is printed first,
    and the answer's status is shown. Comes back by itself when the server was away.
    """
    from tallystick.cli.server import find_server
    from tallystick.flows.endpoints import new_secret

    server = find_server(url, key)
    used = secret or new_secret()
    signing_key = _key(used)
    if forward_to is not None:
        _check_address(forward_to)
        typer.echo(f"Forwarding to {forward_to}, signed with {used}", err=True)
    told = follow(server, events, "latest", lambda words: typer.echo(words, err=True))
    for number, event in enumerate(told, 1):
        line = f"{event['seq']:>6}  {event['timestamp']}  {event['type']:<20} {event['subject']}"
        if forward_to is not None:
            line += f"  {forwarded(forward_to, event, signing_key)}"
        typer.echo(f"{line}  {event['id']}")
        if number == count:
            break


def follow(server: "ServerClient", types: str, after: str, say: Say) -> Iterator[dict[str, Any]]:
    """Every event from `after` on, in order, without end. Raises Refused; waits out Unavailable."""
    place, away = after, False
    while True:
        wait = 0 if place == "latest" else WAIT_S
        try:
            answer = server.get(f"/api/events?after={place}&type={types}&wait={wait}")
        except Unavailable as error:
            if not away and place == "latest":
                raise
            if not away:
                say(f"{error.detail} Trying again.")
            away = True
            time.sleep(PAUSE_S)
            continue
        if away or place == "latest":
            say(f"Listening at {server.url}, from event {answer['nextAfter'] + 1} on.")
        away, place = False, str(answer["nextAfter"])
        yield from answer["data"]


def forwarded(url: str, event: dict[str, Any], signing_key: bytes) -> str:
    """Send one event on, as a delivery would be sent; what came of it."""
    from tallystick.domain.standard_webhooks import signature

    body = json.dumps(
        {name: event[name] for name in ("type", "timestamp", "data")},
        ensure_ascii=False, separators=(",", ":"),
    ).encode()  # fmt: skip
    stamp = str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "webhook-id": event["id"],
        "webhook-timestamp": stamp,
        "webhook-signature": signature(signing_key, event["id"], stamp, body),
    }
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, headers)
        return f"-> {connection.getresponse().status}"
    except (OSError, http.client.HTTPException) as error:
        return f"-> no answer ({getattr(error, 'strerror', None) or type(error).__name__})"
    finally:
        connection.close()


def _key(secret: str) -> bytes:
    from tallystick.domain.standard_webhooks import decoded_key

    found = decoded_key(secret)
    if found is None:
        raise Invalid("A secret is whsec_ and base64, as an endpoint's creation shows it.")
    return found


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"{url!r} is no address, such as http://127.0.0.1:3000/webhooks.")
