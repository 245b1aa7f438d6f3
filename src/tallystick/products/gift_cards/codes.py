"""The codes of gift cards: drawn at random, told from typing errors, kept hashed and sealed."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from tallystick.domain.ids import CROCKFORD
from tallystick.domain.sealing import Keys, Masters, derived, seal, unseal

_DRAWN: Final = 17
"""Random characters of five bits each: 85 bits, of which the check below takes a fifth of one."""

_MODULUS: Final = 37
_SYMBOLS: Final = re.compile(rf"[{CROCKFORD}]{{{_DRAWN + 1}}}")
_LONGEST: Final = 80
# As Crockford reads them: letters that look like digits are those digits.
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def check_value(symbols: str) -> int:
    """Crockford's check: the number modulo 37, which finds every wrong and every swapped symbol."""
    value = 0
    for symbol in symbols:
        value = (value * 32 + CROCKFORD.index(symbol)) % _MODULUS
    return value


def draw_symbols() -> str:
    """Random symbols and their check symbol.

    Crockford has five signs more for the checks 32 to 36; they are no letters, so numbers with
    such a check are drawn again.
    """
    while True:
        drawn = "".join(secrets.choice(CROCKFORD) for _ in range(_DRAWN))
        check = check_value(drawn)
        if check < len(CROCKFORD):
            return drawn + CROCKFORD[check]


def read_symbols(text: str) -> str | None:
    """The symbols of a code as a person may have typed it; None where it can be no code.

    The prefix is not compared: it is no secret, and may have been another one when it was issued.
    """
    plain = text[:_LONGEST].upper().translate(_READ_AS)
    symbols = plain[-_DRAWN - 1 :]
    if len(text) > _LONGEST or not _SYMBOLS.fullmatch(symbols):
        return None
    fits = check_value(symbols[:-1]) == CROCKFORD.index(symbols[-1])
    return symbols if fits else None


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes codes and reads them, with keys that are nowhere in the database."""

    prefix: str
    _hash_keys: Keys = field(repr=False)
    _seal_keys: Keys = field(repr=False)

    @classmethod
    def of(cls, secret: bytes | Masters, prefix: str) -> "Mint":
        """The mint of this server's master secrets."""
        given = Masters.of(secret) if isinstance(secret, bytes) else secret
        return cls(prefix, derived(given, "gift-card-hash"), derived(given, "gift-card-seal"))

    def draw(self) -> str:
        """A new code."""
        return self.prefix + draw_symbols()

    def lookup(self, text: str) -> str | None:
        """The hash that a code is kept by, after the id of its key; None where it can be none."""
        found = self.lookups(text)
        return found[0] if found else None

    def lookups(self, text: str) -> list[str]:
        """Every hash that a code may have been kept by, the newest first.

        A hash from before there could be several keys has no id in front.
        """
        symbols = read_symbols(text)
        if symbols is None:
            return []
        hashes = {
            name: hmac.digest(key, symbols.encode(), hashlib.sha256).hex()
            for name, key in self._hash_keys.by_id.items()
        }
        return [*(f"{name}.{one}" for name, one in hashes.items()), *hashes.values()]

    def seal(self, card_id: str, what: str, text: str) -> bytes:
        """Sealed for this card and this column."""
        return seal(self._seal_keys, f"gift_cards.{what}/{card_id}", text.encode())

    def unseal(self, card_id: str, what: str, sealed: bytes) -> str:
        """What was sealed. Raises Invalid where the secret key is another one."""
        return unseal(self._seal_keys, f"gift_cards.{what}/{card_id}", sealed).decode()
