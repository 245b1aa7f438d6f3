"""Who is asking: a merchant's key, a payer's token or cookie, an end user's JWT, or anybody."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from tallystick.domain.errors import Forbidden, NotConfigured, NotFound, Unauthenticated
from tallystick.domain.sealing import same
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.dashboard_access import session
from tallystick.flows.hub import Hub
from tallystick.flows.keys import PREFIX, recognise
from tallystick.flows.look_up import opened_by
from tallystick.web import tokens

COOKIE: Final = "tct_"
_SESSION: Final = "tallystick_session"
_RANK: Final = {"reader": 0, "operator": 1, "admin": 2}
_MOST_COOKIES: Final = 10
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""What proxies write into a request that they pass on."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `payments` are what a token or cookie opens; `owner` is a JWT's `sub`."""

    address: str
    key_id: str | None = None
    role: str | None = None
    owner: str | None = None
    payments: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What rate limits and idempotency keys are kept under."""
        return self.key_id or (f"user:{self.owner}" if self.owner else f"address:{self.address}")

    @property
    def named(self) -> bool:
        """Whether the name is this caller's alone; behind one address there are many."""
        return self.key_id is not None or self.owner is not None

    @property
    def known(self) -> bool:
        """Whether anything was proven at all."""
        return self.named or bool(self.payments)

    def opens(self, snapshot: Snapshot) -> bool:
        """Whether this caller may see who paid and what was bought."""
        mine = self.owner is not None and self.owner == snapshot.owner_id
        return self.role is not None or mine or snapshot.id in self.payments

    def needs_proof(self) -> None:
        """Raises Unauthenticated for somebody who has proven nothing."""
        if not self.known:
            raise Unauthenticated(
                "This needs a secret key, the payment's client token or your app's JWT as Bearer."
            )

    def needs(self, role: str) -> None:
        """Raises Unauthenticated without a key, Forbidden where its role is too low."""
        if self.role is None:
            raise Unauthenticated("This needs a secret key: Authorization: Bearer tsk_…")
        if _RANK[self.role] < _RANK[role]:
            raise Forbidden(f"This needs the role {role}; your key has the role {self.role}.")

    def needs_sight_of(self, snapshot: Snapshot | None) -> Snapshot:
        """The payment, where the caller may see it. Raises Unauthenticated, NotFound."""
        self.needs_proof()
        if snapshot is None or not self.opens(snapshot):
            raise NotFound("There is no payment with this id that you may see.")
        return snapshot


async def caller(request: Request) -> Caller:
    """Read what the request proves. Raises Unauthenticated for a proof that is wrong."""
    hub: Hub = request.app.state.hub
    address = client_address(request.scope, hub.settings.trusted_proxies)
    scheme, _, proof = request.headers.get("authorization", "").partition(" ")
    proof = proof.strip()
    if not scheme:
        return await _by_cookie(hub, request, address)
    if scheme.lower() != "bearer" or not proof:
        raise Unauthenticated("Use Authorization: Bearer followed by a key or token.")
    if proof.startswith(PREFIX):
        record = await recognise(hub, proof)
        if record is None:
            raise Unauthenticated("This secret key is unknown or revoked.")
        return Caller(address, key_id=record.id, role=record.role)
    if proof.startswith(COOKIE):
        opened = await opened_by(hub, [proof])
        if not opened:
            raise Unauthenticated("This client token is unknown.")
        return Caller(address, payments=opened)
    return Caller(address, owner=await tokens.owner(hub.settings, proof, endless=hub.sandbox))


async def _by_cookie(hub: Hub, request: Request, address: str) -> Caller:
    """A session of the dashboard, which other sites cannot use; else the payer's own payments."""
    key = request.cookies.get(session_cookie(hub))
    found = None if key is None else await session(hub, key)
    if found is None:
        return Caller(address, payments=await opened_by(hub, _cookies(request)))
    if request.method not in {"GET", "HEAD"} and is_from_elsewhere(request, hub):
        raise Forbidden("The dashboard's session only works from its own pages.")
    return Caller(address, key_id=found.id, role=found.role)


def session_cookie(hub: Hub) -> str:
    """The name of the dashboard's cookie.

    Browsers let `__Host-` be set by this very host alone, over https, for all its paths: no
    neighbour under the same domain can plant a session of its own (RFC 6265bis, section 4.1.3.2).
    """
    return f"__Host-{_SESSION}" if hub.settings.secure else _SESSION


def is_from_elsewhere(request: Request, hub: Hub) -> bool:
    """Whether another site's page sent this.

    Browsers say where a form stands: the newer ones in Sec-Fetch-Site, the older in Origin.
    """
    site, origin = (request.headers.get(name) for name in ("sec-fetch-site", "origin"))
    if site is None and origin is not None:
        ours = {request.headers.get("host"), urlsplit(hub.settings.base_url).netloc}
        site = "same-origin" if origin.partition("://")[2] in ours else "cross-site"
    return site not in {"same-origin", "none", None}


def client_address(scope: object, trusted_proxies: int) -> str:
    """The client's address: the peer's, or the one that the trusted proxies wrote down."""
    peer = scope.get("client")  # type: ignore[attr-defined]
    address = str(peer[0]) if peer else "unknown"
    if trusted_proxies:
        values = [v for k, v in scope["headers"] if k == b"x-forwarded-for"]  # type: ignore[index]
        hops = [
            hop.strip() for v in values for hop in v.decode("latin-1").split(",") if hop.strip()
        ]
        if len(hops) >= trusted_proxies:
            address = hops[-trusted_proxies]
    return _customer(address) if ":" in address else address


@lru_cache(maxsize=4096)
def _customer(address: str) -> str:
    """IPv6 by its /64, which is what one customer is given. Some proxies write a port, too."""
    bare = address.rpartition(":")[0] if "]:" in address or address.count(":") == 1 else address
    try:
        ip = ip_address(bare.strip("[]"))
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ":".join(ip.exploded.split(":")[:4]))


def is_this_machine(request: Request) -> bool:
    """Whether a program on this machine asks, and no proxy for somebody else.

    Behind a proxy on the same machine everybody comes from loopback. It says so in a header, or
    has asked for the public name.
    """
    passed_on = any(name in request.headers for name in _PASSED_ON)
    peer = request.client.host if request.client else ""
    return not passed_on and _is_loopback(peer) and _is_loopback(_name_of(request))


def _name_of(request: Request) -> str:
    """The name that we were called by, without the port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_cron(request: Request) -> bool:
    """Whether the cron secret was sent. Raises Unauthenticated, NotConfigured."""
    hub: Hub = request.app.state.hub
    expected = hub.settings.cron_secret
    if expected is None:
        raise NotConfigured("CRON_SECRET is not set, so jobs cannot be run by HTTP.")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get("x-cron-secret") or (
        bearer.strip() if scheme.lower() == "bearer" else ""
    )
    if not given or not same(given, expected.get_secret_value()):
        raise Unauthenticated("Send the cron secret as x-cron-secret, or as Bearer.")
    return True


def _cookies(request: Request) -> list[str]:
    found = [value for name, value in request.cookies.items() if name.startswith(COOKIE)]
    return found[:_MOST_COOKIES]
