"""Ten thousand transfers with the memos that banks make: every one finds its owner, or nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Connection, text

from tallystick.domain.ids import CROCKFORD
from tallystick.domain.memo import bare
from tallystick.domain.money import Money
from tallystick.flows.audit import audit
from tallystick.flows.checkout import Wish, create_payment
from tallystick.flows.hub import Hub
from tallystick.flows.receive import handle_inbox, receive, take_up
from tallystick.gateways.base import RawNotice
from tallystick.gateways.sepay import SePay, SePayAccount, notice_signature
from tallystick.gateways.wire import HttpWire
from tallystick.products import CHECKS
from tallystick.sandbox.simulators.acts import mangled
from tests.store.house import House

SECRET = "whsec"
PAYMENTS = 100
TRANSFERS = 10_000
WISH = Wish(Money(50_000, "VND"), ("sepay",), expires_in=timedelta(days=1))


def changed(code: str, rng: Random) -> str:
    """The code with one letter typed wrongly."""
    at = rng.randrange(2, len(code))
    other = rng.choice(CROCKFORD.replace(code[at], ""))
    return code[:at] + other + code[at + 1 :]


def transfers(codes: dict[str, str], rng: Random, many: int) -> Iterator[tuple[str, str | None]]:
    """Memos, each with the payment that it pays; None where only a person may say."""
    known = sorted(codes)
    for number in range(many):
        code = known[number * len(known) // many]
        kind = rng.random()
        if kind < 0.7:
            yield mangled(code, rng), codes[code]
        elif kind < 0.8:
            typed = changed(code, rng)
            yield mangled(typed, rng), codes.get(typed)
        elif kind < 0.9:
            other = rng.choice([one for one in known if one != code])
            yield f"{mangled(code, rng)} {other}", None
        else:
            yield mangled(bare(f"CK {rng.randrange(10**9)}"), rng), None


def notice(number: int, memo: str, at: datetime) -> RawNotice:
    """SePay tells, rightly signed, of one transfer."""
    told = {
        "id": number, "transactionDate": f"{at:%Y-%m-%d %H:%M:%S}", "accountNumber": "0123499999",
        "code": None, "content": memo, "transferType": "in", "transferAmount": 1,
        "referenceCode": f"FT{number}", "description": f"BankAPINotify {memo}",
    }  # fmt: skip
    body, stamp = json.dumps(told).encode(), str(int(at.timestamp()))
    signed = notice_signature(stamp, body, SECRET)
    headers = {"x-sepay-timestamp": stamp, "x-sepay-signature": signed}
    return RawNotice(headers, body, "", at)


async def opened(hub: Hub) -> dict[str, str]:
    """Payments that wait for their payers, by their codes."""
    made = [(await create_payment(hub, WISH)).snapshot for _ in range(PAYMENTS)]
    return {one.attempt.our_ref: one.id for one in made if one.attempt is not None}


@pytest.fixture
async def codes(house: House) -> dict[str, str]:
    """The codes of payments that wait at SePay, which signs what it tells."""
    account = SePayAccount("0123499999", "970436", webhook_secrets=(SECRET,))
    house.hub.gateways["sepay"] = SePay(account, HttpWire())  # type: ignore[index]
    return await opened(house.hub)


async def tell(house: House, memos: Sequence[str]) -> None:
    """SePay tells of all these transfers."""
    told = [notice(number, memo, house.clock.at) for number, memo in enumerate(memos)]
    await asyncio.gather(*(receive(house.hub, "sepay", one) for one in told))


@pytest.mark.slow
async def test_ten_thousand_mangled_memos_find_no_wrong_payment(house, codes):
    meant = list(transfers(codes, Random(20261121), TRANSFERS))
    await tell(house, [memo for memo, _ in meant])

    found: dict[str, str | None] = {}
    while taken := await house.database.write(lambda tx: take(tx, house.clock.at)):
        found |= taken

    assert found == {f"FT{number}": owner for number, (_, owner) in enumerate(meant)}
    owned = sum(owner is not None for _, owner in meant)
    assert 0.65 * TRANSFERS < owned < 0.75 * TRANSFERS


def take(tx: Connection, now: datetime) -> dict[str, str | None]:
    """The owner of each transfer that is due, as the inbox sorts them."""
    sorted_ = take_up(tx, now)
    owners: dict[str, str | None] = {row.credits[0].transaction_id: None for row in sorted_.orphans}
    for payment_id, rows in sorted_.owned.items():
        owners |= {row.credits[0].transaction_id: payment_id for row in rows}
    return owners


async def test_what_is_credited_is_what_was_meant(house, codes):
    meant = list(transfers(codes, Random(7), 200))
    await tell(house, [memo for memo, _ in meant])

    while await handle_inbox(house.hub):
        pass

    query = text("SELECT transaction_id, payment_id FROM receipts")
    credited = dict(await house.database.read(lambda tx: tx.execute(query).all()))
    owned = {f"FT{number}": owner for number, (_, owner) in enumerate(meant) if owner}
    assert credited == owned
    assert await audit(house.database, CHECKS) == []
