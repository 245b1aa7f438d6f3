"""Seals raw bytes before they are kept, and opens them for those who may see them."""

import json
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Final

from tallystick.domain.raw_bytes import Raw, digest
from tallystick.domain.sealing import Keys, Masters, derived, seal, unseal
from tallystick.flows.hub import Hub
from tallystick.gateways.base import RawNotice
from tallystick.store import raw_bytes
from tallystick.store.columns import document
from tallystick.store.raw_bytes import Kept

SLICE: Final = 200
# No signature and no key: whoever reads them again need not prove what was proven.
KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})


def sealed(hub: Hub, content: bytes) -> Raw | None:
    """An answer as it is kept with the proof, or None where it has no bytes."""
    if not content:
        return None
    name = digest(content)
    return Raw(name, _sealed(hub, name, content))


def sealed_notice(hub: Hub, raw: RawNotice) -> Raw:
    """A notice as it is kept. Its digest is that of its body, or of its query where it has none."""
    name = digest(raw.body or raw.query.encode())
    headers = {key: value for key, value in raw.headers.items() if key in KEPT_HEADERS}
    head = {"headers": headers, "query": raw.query, "method": raw.method}
    content = document(head).encode() + b"\n" + raw.body
    return Raw(name, _sealed(hub, name, content))


def opened(hub: Hub, kept: Kept) -> bytes:
    """The bytes. Raises Invalid where the secret key is another one."""
    if not kept.sealed:
        return kept.content
    return unseal(_keys(hub.secret.secrets), _place(kept.digest), kept.content)


def opened_notice(hub: Hub, kept: Kept, received_at: datetime) -> RawNotice:
    """A notice to be read again. It was proven when it came, and says so."""
    head, _, body = opened(hub, kept).partition(b"\n")
    told = json.loads(head)
    raw = RawNotice(told["headers"], body, told["query"], received_at, proven=True)
    return replace(raw, method=told.get("method", "POST"))


async def seal_rest(hub: Hub) -> int:
    """Seal what a migration moved without knowing the key; how much there was."""
    done = 0
    while found := await hub.database.read(lambda tx: raw_bytes.plain(tx, SLICE)):
        shut = [(one.subject, _sealed(hub, one.digest, one.content)) for one in found]
        await hub.database.write(lambda tx, shut=shut: raw_bytes.seal(tx, shut))  # type: ignore[misc]
        done += len(shut)
    return done


def _sealed(hub: Hub, name: str, content: bytes) -> bytes:
    return seal(_keys(hub.secret.secrets), _place(name), content)


@cache
def _keys(secrets: tuple[bytes, ...]) -> Keys:
    """Deriving them takes longer than sealing a notice with one."""
    return derived(Masters(secrets), "raw bytes")


def _place(name: str) -> str:
    return f"raw_bytes.content/{name}"
