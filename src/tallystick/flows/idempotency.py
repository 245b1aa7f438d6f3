"""Idempotency keys: the same request twice has one effect and one answer."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import KeyReused, StillRunning
from tallystick.domain.sealing import Keys, derived, seal, unseal
from tallystick.flows.hub import Hub
from tallystick.store import idempotency

HELD_FOR: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Once:
    """One request that must not be done twice. `scope` names the caller and the route."""

    scope: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, scope: str, key: str, body: bytes) -> "Once":
        """The request with this body."""
        return cls(scope, key, hashlib.sha256(body).hexdigest())

    def claim(self, tx: Connection, hub: Hub, payment_id: str | None) -> None:
        """Take the key in the transaction of the effect. Raises StillRunning."""
        claimed = idempotency.claim(
            tx,
            self.scope,
            self.key,
            fingerprint=self.fingerprint,
            payment_id=payment_id,
            held_until=hub.clock.real_now() + HELD_FOR,
            now=hub.now(),
        )
        if not claimed:
            raise _still_running()

    def keep(self, tx: Connection, hub: Hub, status: int, body: bytes) -> None:
        """Keep the answer, sealed, because it may carry a client token."""
        sealed = seal(_sealing_key(hub), self._place(), body)
        idempotency.answer(tx, self.scope, self.key, status, sealed)

    def free(self, tx: Connection) -> None:
        """Nothing came of the request: the same key may try again."""
        idempotency.free(tx, self.scope, self.key)

    def _place(self) -> str:
        return f"idempotency.answer/{self.scope}/{self.key}"


@dataclass(frozen=True, slots=True)
class Replay:
    """The first answer, to be given again; or the payment of a request that was cut off."""

    status: int
    body: bytes
    resume: str | None = None


async def replay(hub: Hub, once: Once) -> Replay | None:
    """What this request was answered before, or None where it is new.

    Raises KeyReused for the same key with another body, StillRunning while it is worked on.
    """
    known = await hub.database.read(lambda tx: idempotency.find(tx, once.scope, once.key))
    if known is None:
        return None
    if known.fingerprint != once.fingerprint:
        raise KeyReused(
            "This Idempotency-Key was used with another body. Use a new key for a new request."
        )
    if known.status is not None and known.answer is not None:
        return Replay(known.status, unseal(_sealing_key(hub), once._place(), known.answer))
    real_now = hub.clock.real_now()
    taken = await hub.database.write(
        lambda tx: idempotency.take_over(tx, once.scope, once.key, real_now, real_now + HELD_FOR)
    )
    if not taken or known.payment_id is None:
        raise _still_running()
    return Replay(0, b"", resume=known.payment_id)


async def free_the_dead(hub: Hub) -> None:
    """At the start, before requests are taken: whatever is held is held by a process that died.

    Only where the database has one server at a time. On PostgreSQL the holder may be alive, and
    its lease runs out by itself.
    """
    if hub.database.dialect == "sqlite":
        await hub.database.write(lambda tx: idempotency.let_go(tx, hub.clock.real_now()))


def _still_running() -> StillRunning:
    return StillRunning(
        "The same request is being worked on. Repeat it with the same key.", retry_after_s=2
    )


def _sealing_key(hub: Hub) -> Keys:
    return derived(hub.secret, "idempotency")
