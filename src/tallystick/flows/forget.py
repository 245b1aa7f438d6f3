"""Forget: a person's data goes, the books stay, and what was erased is written down."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, NotFound
from tallystick.flows.addresses import seal_rest
from tallystick.flows.extensions import Erase
from tallystick.flows.hub import Hub
from tallystick.flows.timer import UNFINISHED
from tallystick.store import forgetting, payments, raw_bytes, unmatched
from tallystick.store.forgetting import GONE
from tallystick.store.unmatched import Decision

ACTION: Final = "forgotten"
_ACTOR: Final = "command line"


async def forget_payment(hub: Hub, payment_id: str, reason: str) -> Mapping[str, int]:
    """Erase what ties a payment to a person; how much of each kind.

    Raises NotFound, Conflict while it can still be paid, NotConfigured where an address has to be
    sealed anew and the secret key is not set.
    """
    return await hub.database.write(partial(_erase, hub, payment_id, reason))


async def forget_person(hub: Hub, email: str, reason: str) -> Mapping[str, int]:
    """The same for everything that was bought with an address. Raises NotFound too.

    What can still be paid stays, counted as `unfinished`.
    """
    kept = hub.extensions.personal
    if not await hub.database.read(lambda tx: any(one.anybody(tx) for one in kept)):
        raise NotFound("Nothing was bought with this address.")
    await seal_rest(hub)
    about = await hub.database.read(
        lambda tx: {payment for one in kept for payment in one.bought_by(tx, hub, email)}
    )
    if not about:
        raise NotFound("Nothing was bought with this address.")
    erased: Counter[str] = Counter()
    for payment_id in sorted(about):
        try:
            erased.update(await forget_payment(hub, payment_id, reason))
        except Conflict:
            erased["unfinished"] += 1
    if not erased["unfinished"]:
        for one in kept:
            if one.finish is not None:
                erased.update(await hub.database.write(partial(_finish, one.finish, hub, email)))
    return erased


def _finish(finish: Erase, hub: Hub, email: str, tx: Connection) -> Mapping[str, int]:
    return finish(tx, hub, email)


def _erase(hub: Hub, payment_id: str, reason: str, tx: Connection) -> Mapping[str, int]:
    payment = payments.lock(tx, payment_id)
    if payment is None:
        raise NotFound("There is no payment with this id.")
    if payment.phase in UNFINISHED:
        raise Conflict("The payment can still be paid; cancel it first, or wait for its end.")
    kept = hub.extensions.personal
    emails = {one.email_of(tx, hub, payment_id) for one in kept} - {None, GONE}
    erased: dict[str, int] = {
        "payments": 1,
        "raw bytes": raw_bytes.erase(tx, forgetting.subjects(tx, payment_id)),
        "memos": forgetting.memos(tx, payment_id),
        "kept answers": forgetting.answers(tx, payment_id),
    }
    for one in kept:
        erased.update(one.erase(tx, hub, payment_id))
    erased["effects"] = sum(forgetting.effects(tx, str(email)) for email in emails)
    told = ", ".join(f"{many} {what}" for what, many in erased.items() if many)
    words = f"Personal data erased ({told}): {reason}"
    now = hub.now()
    unmatched.decide(tx, payment_id, Decision(ACTION, words, _ACTOR, payment_id, now))
    return erased
