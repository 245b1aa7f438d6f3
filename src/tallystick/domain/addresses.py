"""E-mail addresses at rest: sealed for the row they belong to, and found by a keyed hash."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from tallystick.domain.errors import Invalid, NotConfigured
from tallystick.domain.same_mailbox import same_mailbox
from tallystick.domain.sealing import Keys, Masters, derived, seal, unseal

SEALING: Final = "addresses"
"""What the key is for that addresses are sealed with."""

LOST: Final = "lost@invalid"
"""Stands for an address that no secret opens any more; the domain can never exist (RFC 2606)."""

_HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where addresses are kept, which a hash is bound to: one of another place tells nothing.

    `same` gives one text for all spellings that are found together there.
    """

    name: str
    same: Callable[[str], str]


ORDERS: Final = Place("orders.email", str.casefold)
GIFT_CARDS: Final = Place("gift_cards.email", str.casefold)
REFERRERS: Final = Place("referrers.email", str)
CUSTOMERS: Final = Place("coupon_customers.customer", same_mailbox)


@dataclass(frozen=True, slots=True)
class SealedAddress:
    """An address as its row has it. `lookup` is what it is found by.

    Where a migration knew no key, `sealed` is None and `lookup` the address itself; the next run
    of `tidy` mends that.
    """

    lookup: str = field(repr=False)
    sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Seals, opens and looks up addresses, with keys that are nowhere in the database."""

    _seal_keys: Keys = field(repr=False)
    _hash_keys: Keys = field(repr=False)

    @classmethod
    def of(cls, masters: Masters) -> "Addresses":
        """With this server's keys. Raises NotConfigured where it has none."""
        if not masters.secrets:
            raise NotConfigured(
                "Set TALLYSTICK_SECRET_KEY to the server's, which e-mail addresses are sealed with."
            )
        return _of(masters.secrets)

    def kept(self, place: Place, row_id: str, address: str) -> SealedAddress:
        """The address as it is kept in this row."""
        return SealedAddress(self.lookup(place, address), self.seal(place, row_id, address))

    def seal(self, place: Place, row_id: str, address: str) -> bytes:
        """Sealed for this row."""
        return seal(self._seal_keys, f"{place.name}_sealed/{row_id}", address.encode())

    def opened(self, place: Place, row_id: str, kept: SealedAddress) -> str:
        """The address, or `LOST` where its secret was given up: its row is still of use."""
        if kept.sealed is None:
            return kept.lookup
        try:
            return unseal(self._seal_keys, f"{place.name}_sealed/{row_id}", kept.sealed).decode()
        except Invalid:
            return LOST

    def lookup(self, place: Place, address: str) -> str:
        """What an address is found by from now on: the id of its key, and a hash of 128 bits."""
        return self.lookups(place, address)[0]

    def lookups(self, place: Place, address: str) -> list[str]:
        """Everything that the address may stand under, the newest first.

        The last are for rows that are not sealed yet.
        """
        text = place.same(address)
        hashed = f"{place.name}\0{text}".encode()
        hashes = [
            f"{name}.{hmac.digest(key, hashed, hashlib.sha256)[:_HASH_BYTES].hex()}"
            for name, key in self._hash_keys.by_id.items()
        ]
        return [*hashes, *dict.fromkeys((address, text))]


@cache
def _of(secrets: tuple[bytes, ...]) -> Addresses:
    """Deriving the keys takes longer than sealing an address with them."""
    masters = Masters(secrets)
    return Addresses(derived(masters, SEALING), derived(masters, "addresses/lookup"))
