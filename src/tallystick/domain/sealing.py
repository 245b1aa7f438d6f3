"""Keys derived from the master secrets, hashes of capabilities, and sealed bytes at rest.

A sealed value begins with `tsk1` and the four bytes that name its master secret; one from before
there could be several has neither, and is tried with each.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, overload

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.domain.errors import Invalid

_NONCE: Final = 12
_MARK: Final = b"tsk1"
_ID: Final = 4
LICENCES: Final = "licences/signing"
CALLBACKS: Final = "task callbacks"
FORMS: Final = "checkout form"
KEPT: Final = (LICENCES, CALLBACKS, FORMS)
"""Purposes whose key others hold the other half of: products in the field, workflows, pages."""

HEADER: Final = len(_MARK) + _ID
"""How many bytes of a sealed value name its key."""


@dataclass(frozen=True, slots=True)
class Masters:
    """The master secrets: the first is in force, the others still open what they sealed.

    `kept` are keys that outlive the master secret which they were derived from, by their purpose.
    """

    secrets: tuple[bytes, ...] = field(repr=False)
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, *secrets: bytes) -> "Masters":
        """The newest first."""
        return cls(tuple(dict.fromkeys(secrets)))

    @property
    def ids(self) -> tuple[str, ...]:
        """What names each of them, and tells nothing about it."""
        return tuple(map(_id_of, self.secrets))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys for one purpose, each with the id of its master secret; the first is in force."""

    by_id: Mapping[str, bytes] = field(repr=False)

    @property
    def newest(self) -> bytes:
        """The one to seal and to sign with."""
        return next(iter(self.by_id.values()))

    @property
    def header(self) -> bytes:
        """How everything begins that is sealed with the newest."""
        return _MARK + bytes.fromhex(next(iter(self.by_id)))

    def fits(self, tag: str, text: bytes) -> bool:
        """Whether one of the keys made the beginning `tag` of this HMAC-SHA256, in hex."""
        made = [hmac.digest(key, text, hashlib.sha256).hex() for key in self.by_id.values()]
        return any(same(tag, one[: len(tag)]) for one in made)

    def opening(self, sealed: bytes) -> list[tuple[bytes, bytes]]:
        """The keys that may open it, each with what is to be opened."""
        named = self.by_id.get(sealed[len(_MARK) : HEADER].hex())
        if sealed.startswith(_MARK) and named is not None:
            return [(named, sealed[HEADER:])]
        return [(key, sealed) for key in self.by_id.values()]


@overload
def derived(master: bytes, purpose: str) -> bytes: ...
@overload
def derived(master: Masters, purpose: str) -> Keys: ...
def derived(master: bytes | Masters, purpose: str) -> bytes | Keys:
    """A 256-bit key for one purpose, so that no two uses share a key; of masters, one of each."""
    if isinstance(master, bytes):
        return hmac.digest(master, b"tallystick/" + purpose.encode(), hashlib.sha256)
    kept = master.kept.get(purpose)
    if kept is not None:
        return Keys({master.ids[0]: kept})
    return Keys({_id_of(one): derived(one, purpose) for one in master.secrets})


def fingerprint(capability: str) -> str:
    """SHA-256 of a secret with at least 128 random bits, which is what we keep of it."""
    return hashlib.sha256(capability.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets without telling by the time it takes."""
    return hmac.compare_digest(left.encode(), right.encode())


def seal(key: bytes | Keys, where: str, plain: bytes) -> bytes:
    """AES-256-GCM under a random nonce, bound to `where` (table, column, row)."""
    nonce = os.urandom(_NONCE)
    header, newest = (b"", key) if isinstance(key, bytes) else (key.header, key.newest)
    return header + nonce + AESGCM(newest).encrypt(nonce, plain, where.encode())


def unseal(key: bytes | Keys, where: str, sealed: bytes) -> bytes:
    """The plain bytes. Raises Invalid where the key, the place or a byte is not the same."""
    tries = [(key, sealed)] if isinstance(key, bytes) else key.opening(sealed)
    for one, rest in tries:
        try:
            return AESGCM(one).decrypt(rest[:_NONCE], rest[_NONCE:], where.encode())
        except (InvalidTag, ValueError):
            continue
    raise Invalid("A sealed value cannot be opened: was the secret key changed?")


def _id_of(master: bytes) -> str:
    return derived(master, "key id")[:_ID].hex()
