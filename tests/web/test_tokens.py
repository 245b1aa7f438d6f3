"""Tokens of the merchant's app that are checked with its published keys."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from pydantic import SecretStr

from tallystick.domain.errors import Unauthenticated, Unavailable
from tallystick.settings import Settings
from tallystick.web import tokens

SECRET = "a shared secret that is long enough"
ALICE = {"sub": "alice", "exp": 32_503_680_000}


class App:
    """The merchant's app: publishes the keys that it signs with."""

    def __init__(self, url: str, published: dict[str, Any]) -> None:
        self.url, self.published = url, published
        self.keys: dict[str, Any] = {}

    def new_key(self, kid: str, *, curve: bool = True) -> None:
        """Make a key and publish it."""
        private: Any = generate_private_key(SECP256R1()) if curve else Ed25519PrivateKey.generate()
        algorithm: Any = ECAlgorithm if curve else OKPAlgorithm
        public = json.loads(algorithm.to_jwk(private.public_key()))
        self.keys[kid] = private
        self.published["keys"].append({**public, "kid": kid, "use": "sig"})

    def sign(self, kid: str | None, algorithm: str = "ES256", **claims: Any) -> str:
        """A token for Alice."""
        key = self.keys[kid or next(iter(self.keys))]
        headers = None if kid is None else {"kid": kid}
        return jwt.encode({**ALICE, **claims}, key, algorithm, headers=headers)

    def settings(self, **more: Any) -> Settings:
        """A hub that knows where the keys are."""
        return Settings(jwks_url=self.url, **more)


@pytest.fixture
def app(monkeypatch) -> Iterator[App]:
    """The app, with one key; the hub remembers nothing of an earlier one."""
    published: dict[str, Any] = {"keys": [], "asked": 0, "broken": False}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published["asked"] += 1
            body = json.dumps({"keys": published["keys"]}).encode()
            self.send_response(500 if published["broken"] else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    tokens._published.cache_clear()
    monkeypatch.setattr(tokens, "SOONEST_S", 0)
    made = App(f"http://127.0.0.1:{server.server_port}/jwks.json", published)
    made.new_key("first")
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kid", ["first", None])
async def test_a_token_signed_with_a_published_key_tells_its_owner(app, kid):
    assert await tokens.owner(app.settings(), app.sign(kid)) == "alice"


async def test_the_keys_are_read_once_for_many_tokens(app):
    for _ in range(5):
        await tokens.owner(app.settings(), app.sign("first"))

    assert app.published["asked"] == 1


async def test_a_new_key_is_known_as_soon_as_it_is_used(app):
    await tokens.owner(app.settings(), app.sign("first"))
    app.new_key("second", curve=False)

    assert await tokens.owner(app.settings(), app.sign("second", "EdDSA")) == "alice"


async def test_unknown_keys_do_not_make_us_ask_again_and_again(app, monkeypatch):
    await tokens.owner(app.settings(), app.sign("first"))
    monkeypatch.setattr(tokens, "SOONEST_S", 60)
    stranger = App(app.url, {"keys": []})
    stranger.new_key("strange")

    for _ in range(5):
        with pytest.raises(Unauthenticated, match="not published"):
            await tokens.owner(app.settings(), stranger.sign("strange"))

    assert app.published["asked"] == 1


async def test_a_published_key_is_never_taken_for_a_shared_secret(app):
    public = app.published["keys"][0]["x"]
    forged = jwt.encode(ALICE, public, "HS256", headers={"kid": "first"})

    with pytest.raises(Unauthenticated):
        await tokens.owner(app.settings(), forged)


async def test_both_ways_of_signing_work_side_by_side(app):
    settings = app.settings(jwt_secret=SecretStr(SECRET))

    shared = jwt.encode({**ALICE, "sub": "bob"}, SECRET, "HS256")

    assert await tokens.owner(settings, shared) == "bob"
    assert await tokens.owner(settings, app.sign("first")) == "alice"


@pytest.mark.parametrize("claims", [{"exp": 1}, {"nbf": 4_000_000_000}, {"sub": None}])
async def test_a_token_out_of_its_time_or_without_an_owner_opens_nothing(app, claims):
    with pytest.raises(Unauthenticated):
        await tokens.owner(app.settings(), app.sign("first", **claims))


@pytest.mark.parametrize("signed", ["published", "shared"])
async def test_a_token_that_never_ends_opens_nothing(app, signed):
    endless = jwt.encode({"sub": "alice"}, app.keys["first"], "ES256", headers={"kid": "first"})
    if signed == "shared":
        endless = jwt.encode({"sub": "alice"}, SECRET, "HS256")

    settings = app.settings(jwt_secret=SecretStr(SECRET))
    with pytest.raises(Unauthenticated, match="has no exp"):
        await tokens.owner(settings, endless)
    # A sandbox has nothing to lose.
    assert await tokens.owner(settings, endless, endless=True) == "alice"


async def test_while_the_keys_cannot_be_read_nobody_is_let_in(app):
    app.published["broken"] = True

    with pytest.raises(Unavailable):
        await tokens.owner(app.settings(), app.sign("first"))


async def test_keys_that_were_read_stay_good_while_their_address_is_away(app, monkeypatch):
    await tokens.owner(app.settings(), app.sign("first"))
    app.published["broken"] = True
    monkeypatch.setattr(tokens, "READ_ANEW_S", -1)

    assert await tokens.owner(app.settings(), app.sign("first")) == "alice"


async def test_without_a_secret_or_keys_no_token_is_believed():
    with pytest.raises(Unauthenticated, match="TALLYSTICK_JWKS_URL"):
        await tokens.owner(Settings(), jwt.encode(ALICE, SECRET, "HS256"))
