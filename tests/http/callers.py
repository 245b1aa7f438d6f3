"""Everybody else who calls a hub: keys of lower roles, end users with a JWT, and strangers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from tallystick.flows.keys import create_key
from tallystick.store.connect import open_database
from tests.http.shop import Shop

FAR_OFF = 32_503_680_000
"""The year 3000: when tokens end that a test does not want to end."""


def key_of(shop: Shop, role: str) -> str:
    """A new secret key with this role, made beside the running hub as an operator would."""

    async def make() -> str:
        database = open_database(shop.server.database)
        try:
            hub: Any = SimpleNamespace(database=database, now=lambda: datetime.now(UTC))
            return await create_key(hub, role, "made by a test")
        finally:
            await database.close()

    return asyncio.run(make())


def user_token(shop: Shop, owner: str) -> str:
    """A JWT as the merchant's app signs it for one of its users."""
    return signed_token({"sub": owner, "exp": FAR_OFF}, shop.server.jwt_secret)


def signed_token(claims: dict[str, Any], key: str, algorithm: str = "HS256") -> str:
    """A JWT, also one that no library would make."""
    parts = [{"alg": algorithm, "typ": "JWT"}, claims]
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    if algorithm == "none":
        return text + "."
    digest = hashlib.sha512 if algorithm == "HS512" else hashlib.sha256
    return f"{text}.{encoded(hmac.new(key.encode(), text.encode(), digest).digest())}"


def encoded(raw: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
