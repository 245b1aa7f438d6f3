"""Licence keys: signed claims that anybody verifies offline with our public key.

A key is `TSL1.<claims>.<signature>`: the claims are JSON and both parts are base64url without
padding. The signature is Ed25519 (RFC 8032) over everything before its dot.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.domain.sealing import LICENCES, Masters, derived

FORMAT: Final = "TSL1"
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Claims:
    """What a licence says. It names the order and nobody's identity."""

    id: str
    order_id: str
    product_type: str
    seats: int
    issued_at: datetime

    def document(self) -> dict[str, Any]:
        """As it stands in the key."""
        issued = self.issued_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": self.id, "order": self.order_id, "product": self.product_type,
            "seats": self.seats, "issued": issued,
        }  # fmt: skip


def sign(secret: bytes | Masters, claims: Claims) -> str:
    """The licence key; the same claims give the same key."""
    signed = f"{FORMAT}.{_encoded(_compact(claims.document()).encode())}"
    return f"{signed}.{_encoded(_signer(secret).sign(signed.encode()))}"


def public_key(secret: bytes | Masters) -> bytes:
    """The 32 bytes that keys are verified with."""
    return _signer(secret).public_key().public_bytes_raw()


def public_pem(secret: bytes | Masters) -> str:
    """The same as PEM, for tools that want it so."""
    return _signer(secret).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def read(public: bytes, key: str) -> Mapping[str, Any] | None:
    """The claims of a key that we signed, or None. Needs no server."""
    signed, _, signature = key.rpartition(".")
    kind, _, claims = signed.partition(".")
    try:
        if kind != FORMAT:
            return None
        Ed25519PublicKey.from_public_bytes(public).verify(_decoded(signature), signed.encode())
        found = json.loads(_decoded(claims))
    except (InvalidSignature, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _signer(secret: bytes | Masters) -> Ed25519PrivateKey:
    given = Masters.of(secret) if isinstance(secret, bytes) else secret
    return Ed25519PrivateKey.from_private_bytes(derived(given, LICENCES).newest)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
