"""Everybody else who calls a hub: keys of lower roles, end users with a JWT, and strangers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jwt

from tallystick.flows.keys import create_key
from tallystick.store.database import open_database
from tests.http.shop import Shop


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


def user_token(shop: Shop, owner: str | None, **words: Any) -> str:
    """A JWT as the merchant's app signs it; `key` and `algorithm` make it a wrong one."""
    claims: dict[str, Any] = {"iat": int(datetime.now(UTC).timestamp())}
    if owner is not None:
        claims["sub"] = owner
    claims.update(words.pop("claims", {}))
    key = words.pop("key", shop.server.jwt_secret)
    return jwt.encode(claims, key, algorithm=words.pop("algorithm", "HS256"), **words)
