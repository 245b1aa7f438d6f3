"""Bytes as they came over the wire: their digest is part of the proof, they themselves are not."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Raw:
    """`digest` stays with the proof. `sealed` is kept apart from it and for a time.

    It is None where the bytes are kept already, as those of a notice are.
    """

    digest: str
    sealed: bytes | None = None


def digest(content: bytes) -> str:
    """SHA-256 in hex: whoever has the bytes can prove that we had the same."""
    return hashlib.sha256(content).hexdigest()
