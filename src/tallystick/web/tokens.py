"""The tokens that the merchant's app signs for its users, with a shared secret or its own keys."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tallystick.domain.errors import Unauthenticated, Unavailable
from tallystick.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWKSet

LEEWAY_S: Final = 30
READ_ANEW_S: Final = 300
"""Published keys are read again after this long: a key that is taken back is soon unknown."""
SOONEST_S: Final = 15
"""A token with an unknown key lets us look for a new one, but not more often than this."""
TIMEOUT_S: Final = 5
_PUBLIC: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                  "EdDSA")  # fmt: skip


async def owner(settings: Settings, token: str, *, endless: bool = False) -> str:
    """Whose token it is (`sub`). Raises Unauthenticated, Unavailable where keys cannot be read.

    One that never ends is good only where `endless` ones are: in a sandbox.
    """
    # Its keys bring all of X.509 with them; most servers never see such a token.
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        key, algorithms = await _key(settings, header)
        claims = jwt.decode(
            token, key, algorithms=list(algorithms), leeway=LEEWAY_S,
            options={"require": ["sub", *(() if endless else ("exp",))], "verify_aud": False},
        )  # fmt: skip
    except jwt.MissingRequiredClaimError as error:
        raise Unauthenticated(
            f"This JWT has no {error.claim}: sign it with `sub`, whose it is, and `exp`, when it "
            "ends. One that never ends opens an account for ever to whoever once saw it."
        ) from error
    except (jwt.PyJWTError, UnicodeError) as error:
        raise Unauthenticated(f"This JWT is not valid: {error}.") from error
    return str(claims["sub"])


async def _key(settings: Settings, header: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """What to check it with. A published key is never taken for a shared secret."""
    algorithm = header.get("alg")
    if algorithm == "HS256" and settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value(), ("HS256",)
    if algorithm in _PUBLIC and settings.jwks_url is not None:
        return await _published(settings.jwks_url).find(header.get("kid")), _PUBLIC
    known = [
        *(["HS256"] if settings.jwt_secret is not None else []),
        *(_PUBLIC if settings.jwks_url is not None else []),
    ]
    raise Unauthenticated(
        f"Tokens are signed with one of {', '.join(known)} here."
        if known
        else "This token is not one of ours, and neither TALLYSTICK_JWT_SECRET nor "
        "TALLYSTICK_JWKS_URL is set."
    )


@dataclass(slots=True)
class PublishedKeys:
    """The keys at one address, kept while they are fresh, and longer while nobody answers there."""

    url: str
    _keys: "PyJWKSet | None" = None
    _tried_at: float = float("-inf")
    _read_at: float = float("-inf")
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, kid: str | None) -> "PyJWK":
        """The key with this id; without an id the only one. Raises Unauthenticated, Unavailable."""
        if time.monotonic() - self._read_at > READ_ANEW_S:
            await self._read()
        known = self._pick(kid)
        if known is None:
            await self._read()
            known = self._pick(kid)
        if known is None:
            raise Unauthenticated("This JWT is signed with a key that is not published.")
        return known

    def _pick(self, kid: str | None) -> "PyJWK | None":
        found = [] if self._keys is None else self._keys.keys
        if kid is None:
            return found[0] if len(found) == 1 else None
        return next((key for key in found if key.key_id == kid), None)

    async def _read(self) -> None:
        import jwt

        async with self._alone:
            now = time.monotonic()
            if now - self._tried_at < SOONEST_S:
                if self._keys is None:
                    raise _unreadable()
                return
            self._tried_at = now
            client = jwt.PyJWKClient(
                self.url, cache_jwk_set=False, cache_keys=False, timeout=TIMEOUT_S
            )
            try:
                document = await asyncio.to_thread(client.fetch_data)
                self._keys = jwt.PyJWKSet.from_dict(document)
                self._read_at = now
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
                if self._keys is None:
                    raise _unreadable() from error


def _unreadable() -> Unavailable:
    return Unavailable(
        "The keys that tokens are signed with cannot be read; try again soon.",
        retry_after_s=SOONEST_S,
    )


@cache
def _published(url: str) -> PublishedKeys:
    return PublishedKeys(url)
