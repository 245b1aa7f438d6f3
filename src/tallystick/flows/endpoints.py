"""Endpoints: a merchant says where to send events, changes it, rotates its secret and tries it."""

import base64
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from tallystick import outbound
from tallystick.domain.destination import check_address, destination
from tallystick.domain.errors import Conflict, NotFound
from tallystick.domain.ids import is_id, new_id
from tallystick.domain.sealing import Keys, Masters, derived, seal, unseal
from tallystick.domain.standard_webhooks import decoded_key
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.flows.number_events import publish_all
from tallystick.store import deliveries, feed, webhook_endpoints
from tallystick.store.places import Place
from tallystick.store.webhook_endpoints import Endpoint

__all__ = ["Endpoint"]

MOST: Final = 50
ROTATION: Final = timedelta(days=1)
_RANDOM: Final = 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint is to be; `events` are patterns."""

    url: str
    events: Sequence[str]
    description: str = ""


async def create(hub: Hub, wanted: Wanted) -> tuple[Endpoint, str]:
    """Make an endpoint; it, and the secret that is shown this one time.

    Raises AddressRefused, Conflict where there are too many, StillRunning.
    """
    await check_url(hub, wanted.url)
    now = hub.now()
    secret = new_secret()
    endpoint_id = new_id("whe", now)

    def body(tx: Connection) -> tuple[Endpoint, str]:
        newest = publish_all(tx, now)
        if webhook_endpoints.count(tx) >= MOST:
            raise Conflict(f"There are {MOST} endpoints already; delete one that is not used.")
        endpoint = Endpoint(
            id=endpoint_id, url=wanted.url, description=wanted.description,
            events=tuple(wanted.events), secret=_sealed(hub, endpoint_id, secret),
            previous_secret=None, previous_until=None, state="enabled", disabled_at=None,
            disabled_reason=None, since_seq=newest, failing_since=None, delivered=0,
            failed=0, dead=0, created_at=now, updated_at=now,
        )  # fmt: skip
        webhook_endpoints.add(tx, endpoint)
        return endpoint, secret

    return await whole(hub, body)


async def listing(
    hub: Hub, span: tuple[datetime | None, datetime | None], after: Place | None, limit: int
) -> list[Endpoint]:
    """Endpoints, newest first, one more than `limit` where there are more."""
    return await hub.database.read(
        lambda tx: webhook_endpoints.page(tx, span=span, after=after, limit=limit)
    )


async def find(hub: Hub, endpoint_id: str) -> Endpoint:
    """One endpoint. Raises NotFound."""
    known = is_id("whe", endpoint_id)
    found = (
        await hub.database.read(lambda tx: webhook_endpoints.find(tx, endpoint_id))
        if known
        else None
    )
    return _found(found)


async def change(hub: Hub, endpoint_id: str, changes: Mapping[str, Any]) -> Endpoint:
    """Change `url`, `events`, `description` or `disabled`. Raises NotFound, AddressRefused.

    An endpoint that is enabled again, or that wants other events, gets what happens from now on.
    """
    if "url" in changes:
        await check_url(hub, changes["url"])
    now = hub.now()

    def body(tx: Connection) -> Endpoint:
        newest = publish_all(tx, now)
        before = _found(webhook_endpoints.lock(tx, endpoint_id))
        plain = {name: changes[name] for name in ("url", "description") if name in changes}
        after = replace(before, **plain, updated_at=now)
        if "events" in changes:
            after = replace(after, events=changes["events"], since_seq=newest)
        webhook_endpoints.change(tx, after)
        off = changes.get("disabled")
        if off is None or off is not after.enabled:
            return after
        if off:
            disable(tx, after, "It was disabled by hand.", now)
        else:
            enable(tx, after, newest)
        return _found(webhook_endpoints.find(tx, endpoint_id))

    await find(hub, endpoint_id)
    return await hub.database.write(body)


def enable(tx: Connection, endpoint: Endpoint, newest: int) -> None:
    """Send what comes after the newest number to a locked endpoint."""
    on = replace(
        endpoint, state="enabled", disabled_at=None, disabled_reason=None, failing_since=None,
        since_seq=newest,
    )  # fmt: skip
    webhook_endpoints.change(tx, on)


def disable(tx: Connection, endpoint: Endpoint, reason: str, now: datetime) -> int:
    """Send nothing more to a locked endpoint, and give up what waits for it; how much that was."""
    off = replace(
        endpoint, state="disabled", disabled_at=now, disabled_reason=reason, updated_at=now
    )
    webhook_endpoints.change(tx, off)
    buried = deliveries.bury(tx, endpoint.id, "The endpoint is disabled.")
    webhook_endpoints.tally(tx, endpoint.id, failing_since=off.failing_since, dead=buried)
    return buried


async def remove(hub: Hub, endpoint_id: str) -> None:
    """Delete an endpoint with its log. Raises NotFound."""

    def body(tx: Connection) -> None:
        feed.lock(tx)
        _found(webhook_endpoints.lock(tx, endpoint_id))
        webhook_endpoints.remove(tx, endpoint_id)

    await find(hub, endpoint_id)
    await hub.database.write(body)


async def rotate(hub: Hub, endpoint_id: str, overlap: timedelta) -> tuple[Endpoint, str]:
    """A new secret; what is sent until the overlap ends is signed with the old one too.

    Raises NotFound.
    """
    now = hub.now()
    secret = new_secret()

    def body(tx: Connection) -> Endpoint:
        before = _found(webhook_endpoints.lock(tx, endpoint_id))
        old = secret_of(hub.secret, before)
        after = replace(
            before,
            secret=_sealed(hub, before.id, secret),
            previous_secret=_sealed(hub, before.id, old) if overlap else None,
            previous_until=now + overlap if overlap else None,
            updated_at=now,
        )
        webhook_endpoints.change(tx, after)
        return after

    await find(hub, endpoint_id)
    return await hub.database.write(body), secret


def new_secret() -> str:
    """`whsec_` and 256 random bits in base64, as the Standard Webhooks specification has it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_RANDOM)).decode()


def secret_of(master: Masters, endpoint: Endpoint) -> str:
    """The secret that is in force."""
    return _opened(master, endpoint.id, endpoint.secret)


def signing_keys(master: Masters, endpoint: Endpoint, now: datetime) -> list[bytes]:
    """The keys that a delivery is signed with now: the newest, and during a rotation the old."""
    sealed = [endpoint.secret]
    if endpoint.previous_secret is not None and endpoint.previous_until is not None:
        sealed += [endpoint.previous_secret] if now < endpoint.previous_until else []
    keys = [decoded_key(_opened(master, endpoint.id, one)) for one in sealed]
    return [key for key in keys if key is not None]


async def check_url(hub: Hub, url: str) -> None:
    """Raises AddressRefused for an address that we would not call.

    A host that cannot be resolved now is taken: it is looked up, and checked, at every delivery.
    """
    goal = destination(url, allow_loopback=hub.sandbox)
    try:
        addresses = await outbound.resolve(goal.host, goal.port)
    except (OSError, UnicodeError):
        return
    for address in addresses:
        check_address(ipaddress.ip_address(address), allow_loopback=hub.sandbox)


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise NotFound("There is no webhook endpoint with this id.")
    return endpoint


def _sealed(hub: Hub, endpoint_id: str, secret: str) -> bytes:
    return seal(_key(hub.secret), _place(endpoint_id), secret.encode())


def _opened(master: Masters, endpoint_id: str, sealed: bytes) -> str:
    return unseal(_key(master), _place(endpoint_id), sealed).decode()


def _key(master: Masters) -> Keys:
    return derived(master, "webhook_endpoints")


def _place(endpoint_id: str) -> str:
    return f"webhook_endpoints.secret/{endpoint_id}"
