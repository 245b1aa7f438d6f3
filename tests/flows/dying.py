"""Dies by SIGKILL at every step of settling and delivering a gift card, and comes back each time.

Run as a program of its own, because it forks: `python -m tests.flows.dying DATABASE FOLDER STRIDE`.
A step is a call of any function that settles, delivers, writes down or sends. The parent opens an
offer, the child pays and dies at step N, and the parent goes on from what the child left. It prints
how many deaths there were, and one line for each set of books that is not as it should be.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypeVar

import structlog

from tallystick.flows.audit import audit
from tallystick.flows.effects import do_effects
from tallystick.mail import Folder, Sender
from tallystick.products import CHECKS
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.store.connect import open_database
from tests.store.house import OPEN, Gift, House
from tests.store.rows import NOW

WATCHED = tuple(
    f"/tallystick/{name}.py"
    for name in (
        "flows/settle", "flows/record", "flows/effects", "flows/letters", "mail",
        "fulfilment/base", "fulfilment/gift_card", "store/attempts", "store/events",
        "store/evidence", "store/fulfilments", "store/gift_cards", "store/jobs", "store/ledger",
        "store/outbox", "store/payments",
    )
)  # fmt: skip
MOST_STEPS = 2000
T = TypeVar("T")


def in_house(url: str, folder: Path, work: Callable[[House], Awaitable[T]]) -> T:
    """Open a house of one's own on the database, work in it, and close it."""

    async def run() -> T:
        database = open_database(url)
        try:
            house = House(database)
            house.hub.mail = Folder(folder, Sender("no-reply@example.com"))
            return await work(house)
        finally:
            await database.close()

    return asyncio.run(run())


def die_at(step: int) -> None:
    """From now on count the calls in every thread, and pull the plug at this one."""
    left = step

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event == "call" and frame.f_code.co_filename.endswith(WATCHED):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(count)
    sys.setprofile(count)


async def deliver(house: House, gift: Gift) -> None:
    """The payment is settled, and what is to be done outside is done."""
    house.till.books[gift.ref] = OPEN
    house.pays(gift.ref, transaction_id=f"FT-{gift.ref}", at=NOW)
    await house.settle(gift.payment_id)
    await do_effects(house.hub)


def dies(url: str, folder: Path, gift: Gift, step: int) -> bool:
    """Whether the child died at this step; it did not when it had fewer."""
    child = os.fork()
    if child == 0:
        die_at(step)
        in_house(url, folder, lambda house: deliver(house, gift))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


async def fault(gift: Gift, house: House) -> str | None:
    """Go on from there, after the lease of whoever died; what is not as it should be."""
    house.pass_time(minutes=5)
    await deliver(house, gift)
    await house.settle(gift.payment_id)
    await do_effects(house.hub)
    card = await house.database.read(lambda tx: gift_cards.find(tx, gift.id))
    history = await house.database.read(lambda tx: gift_cards.history(tx, gift.id))
    seen = (card and card.state, [(one.kind, one.balance) for one in history])
    return None if seen == ("active", [("issue", 50_000)]) else f"{seen}"


def main(url: str, folder: Path, stride: int) -> None:
    """One offer after another, each with a death that is one step later."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    number = deaths = 0
    died = True
    while died and number < MOST_STEPS:
        number, deaths = number + stride, deaths + 1
        gift = in_house(url, folder, lambda house: house.open_gift_card())
        died = dies(url, folder, gift, number)
        found = in_house(url, folder, partial(fault, gift))
        if found:
            sys.stdout.write(f"step {number}: {found}\n")
    for finding in in_house(url, folder, lambda house: audit(house.database, CHECKS)):
        sys.stdout.write(f"{finding}\n")
    letters = len(list(folder.glob("*.eml")))
    sys.stdout.write(f"deaths {deaths} letters {letters}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
