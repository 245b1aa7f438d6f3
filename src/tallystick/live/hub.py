"""Who watches which payment, and the way a new state reaches all of them at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tallystick.domain.errors import TooMany, Unavailable
from tallystick.domain.snapshot import Snapshot

Frame = Callable[[Snapshot], bytes]
"""Writes a snapshot as one event for a kind of watcher. Watchers with the same one share bytes."""


class Watcher(Protocol):
    """One open stream. It is written to by the publisher itself, with no queue in between."""

    payment_id: str
    client: str
    user: str | None
    frame: Frame

    def show(self, snapshot: Snapshot, encoded: bytes) -> None:
        """Write the event now. A reader that is too slow is dropped, never waited for."""
        ...

    def end(self) -> None:
        """Finish the stream."""
        ...

    def stop(self) -> None:
        """Finish it because the server stops."""
        ...


@dataclass(slots=True)
class LiveHub:
    """The watchers of this process, by payment. Single-threaded: the event loop's own."""

    per_payment: int = 5
    per_client: int = 20
    in_all: int = 20_000
    per_user: int = 10
    relay: Callable[[Snapshot], None] | None = None
    _watchers: dict[str, set[Watcher]] = field(default_factory=dict)
    _clients: dict[str, int] = field(default_factory=dict)
    _users: dict[str, int] = field(default_factory=dict)
    _count: int = 0
    heard: int = 0
    """How often anything was told here or heard of; unchanged means that nothing was missed."""

    def publish(self, snapshot: Snapshot) -> None:
        """Show the whole new state to everyone who watches this payment, here and elsewhere."""
        self.show(snapshot)
        if self.relay is not None:
            self.relay(snapshot)

    def show(self, snapshot: Snapshot) -> None:
        """Show it to those who watch in this process."""
        self.heard += 1
        encoded: dict[Frame, bytes] = {}
        for watcher in tuple(self._watchers.get(snapshot.id, ())):
            if watcher.frame not in encoded:
                encoded[watcher.frame] = watcher.frame(snapshot)
            watcher.show(snapshot, encoded[watcher.frame])

    def watched(self, payment_id: str) -> bool:
        """Whether somebody stands before the till right now."""
        return payment_id in self._watchers

    def join(self, watcher: Watcher) -> None:
        """Let a stream in. Raises TooMany (per payment, client, user), Unavailable (in all)."""
        if self._count >= self.in_all:
            raise Unavailable("All streams are taken; poll the status instead.", retry_after_s=10)
        if len(self._watchers.get(watcher.payment_id, ())) >= self.per_payment:
            raise TooMany("This payment has enough open streams; poll instead.", retry_after_s=10)
        if self._clients.get(watcher.client, 0) >= self.per_client:
            raise TooMany("Too many open streams from this address; poll.", retry_after_s=10)
        if watcher.user is not None and self._users.get(watcher.user, 0) >= self.per_user:
            raise TooMany("This user has enough open streams; poll instead.", retry_after_s=10)
        self._watchers.setdefault(watcher.payment_id, set()).add(watcher)
        self._clients[watcher.client] = self._clients.get(watcher.client, 0) + 1
        if watcher.user is not None:
            self._users[watcher.user] = self._users.get(watcher.user, 0) + 1
        self._count += 1

    def leave(self, watcher: Watcher) -> None:
        """Let a stream go. Safe to repeat."""
        group = self._watchers.get(watcher.payment_id)
        if group is None or watcher not in group:
            return
        group.discard(watcher)
        if not group:
            del self._watchers[watcher.payment_id]
        _one_less(self._clients, watcher.client)
        if watcher.user is not None:
            _one_less(self._users, watcher.user)
        self._count -= 1

    def __len__(self) -> int:
        """How many streams are open."""
        return self._count

    def __iter__(self) -> Iterator[Watcher]:
        """Every open stream, as it was when the walk began."""
        return iter([watcher for group in self._watchers.values() for watcher in group])


def _one_less(counts: dict[str, int], name: str) -> None:
    """Nobody who is gone is remembered."""
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
