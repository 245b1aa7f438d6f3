"""Idempotency keys: the same request twice has one effect and one answer."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from tallystick.domain.errors import KeyReused, StillRunning
from tallystick.domain.sealing import Keys, derived, seal, unseal
from tallystick.flows.hub import Hub
from tallystick.store import idempotency
from tallystick.store.database import Body

HELD_FOR: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(days=7)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered, as whoever took it has written it down."""

    status: int
    body: bytes
    replayed: bool = False
    """Whether this, or what it tells of, was answered before."""


def _unanswered(value: object) -> Answer:
    raise AssertionError(f"Nobody said how {type(value).__name__} is answered.")


@dataclass(slots=True)
class Once:
    """One request that must not be done twice. `scope` names the caller and the route.

    `answer` writes what is kept, of the value that the flow returns; `kept` is that, once it is
    committed.
    """

    scope: str
    key: str
    fingerprint: str
    answer: Callable[[Any], Answer] = _unanswered
    kept: Answer | None = None

    @classmethod
    def of(
        cls, scope: str, key: str, body: bytes, answer: Callable[[Any], Answer] = _unanswered
    ) -> "Once":
        """The request with this body."""
        return cls(scope, key, hashlib.sha256(body).hexdigest(), answer)

    def claim(self, tx: Connection, hub: Hub, subject: str | None) -> None:
        """Take the key in the transaction of the effect. Raises StillRunning."""
        claimed = idempotency.claim(
            tx,
            self.scope,
            self.key,
            fingerprint=self.fingerprint,
            payment_id=subject,
            held_until=hub.clock.real_now() + HELD_FOR,
            now=hub.now(),
        )
        if not claimed:
            raise _still_running()

    def keep(self, tx: Connection, hub: Hub, value: object) -> Answer:
        """Keep the answer, sealed, because it may carry a client token."""
        kept = self.answer(value)
        sealed = seal(_sealing_key(hub), self.place, kept.body)
        idempotency.answer(tx, self.scope, self.key, kept.status, sealed)
        return kept

    @property
    def place(self) -> str:
        """Where the answer is sealed for."""
        return f"idempotency.answer/{self.scope}/{self.key}"


_request: ContextVar[Once | None] = ContextVar("request", default=None)


@contextmanager
def doing(once: Once) -> Iterator[None]:
    """The flow that is called in here has its key claimed, and its answer kept, as it commits."""
    before = _request.set(once)
    try:
        yield
    finally:
        _request.reset(before)


async def whole(hub: Hub, body: Body[T], subject: str | None = None) -> T:
    """Run the one transaction of an effect; what it returns is what the request is answered.

    The key of the request, where it has one, is claimed before anything else, so that the same
    request at the same time hears that it is under way, and not that it comes too late.
    `subject` is the payment (or refund) that the answer speaks of: with it the answer is forgotten.
    Raises StillRunning, and what `body` raises.
    """
    once = _request.get()
    if once is None:
        return await hub.database.write(body)

    def with_key(tx: Connection) -> tuple[T, Answer]:
        once.claim(tx, hub, subject)
        value = body(tx)
        return value, once.keep(tx, hub, value)

    value, once.kept = await hub.database.write(with_key)
    return value


async def first(hub: Hub, body: Body[T], subject: str) -> T:
    """Run the first transaction of an effect that asks a gateway before it is answered.

    A request whose process dies from here on is gone on with by `subject`. Raises StillRunning.
    """
    once = _request.get()
    if once is None:
        return await hub.database.write(body)

    def with_key(tx: Connection) -> T:
        once.claim(tx, hub, subject)
        return body(tx)

    return await hub.database.write(with_key)


async def last(hub: Hub, body: Body[T]) -> T:
    """Run the transaction that reads what such a request is answered; it writes nothing else."""
    once = _request.get()
    if once is None:
        return await hub.database.read(body)

    def with_key(tx: Connection) -> tuple[T, Answer]:
        value = body(tx)
        return value, once.keep(tx, hub, value)

    value, once.kept = await hub.database.write(with_key)
    return value


async def give_up(hub: Hub) -> None:
    """Nothing came of what was begun: the same key may try again."""
    once = _request.get()
    if once is not None:
        scope, key = once.scope, once.key
        await hub.database.write(lambda tx: idempotency.free(tx, scope, key))


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A request that was cut off after it had an effect: go on with its payment or refund."""

    subject: str


async def replay(hub: Hub, once: Once) -> Answer | Unfinished | None:
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
        body = unseal(_sealing_key(hub), once.place, known.answer)
        return Answer(known.status, body, replayed=True)
    real_now = hub.clock.real_now()
    taken = await hub.database.write(
        lambda tx: idempotency.take_over(tx, once.scope, once.key, real_now, real_now + HELD_FOR)
    )
    if not taken or known.payment_id is None:
        raise _still_running()
    return Unfinished(known.payment_id)


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
