"""Keys derived from the master secret, hashes of capabilities, and sealed bytes at rest."""

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.domain.errors import Invalid

_NONCE: Final = 12


def derived(master: bytes, purpose: str) -> bytes:
    """A 256-bit key for one purpose, so that no two uses share a key."""
    return hmac.digest(master, b"tallystick/" + purpose.encode(), hashlib.sha256)


def fingerprint(capability: str) -> str:
    """SHA-256 of a secret with at least 128 random bits, which is what we keep of it."""
    return hashlib.sha256(capability.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets without telling by the time it takes."""
    return hmac.compare_digest(left.encode(), right.encode())


def seal(key: bytes, where: str, plain: bytes) -> bytes:
    """AES-256-GCM under a random nonce, bound to `where` (table, column, row)."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, where.encode())


def unseal(key: bytes, where: str, sealed: bytes) -> bytes:
    """The plain bytes. Raises Invalid where the key, the place or a byte is not the same."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], where.encode())
    except (InvalidTag, ValueError) as error:
        raise Invalid("A sealed value cannot be opened: was the secret key changed?") from error
