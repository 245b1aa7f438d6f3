"""Reading whole accounts: money whose notice was lost is found, once, and by its own name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tallystick.domain.evidence import Claim, Credit
from tallystick.domain.payment import Phase
from tallystick.flows import unmatched
from tallystick.flows.audit import audit
from tallystick.flows.jobs import run
from tallystick.flows.statement import MOST_AT_ONCE, read_statements
from tallystick.flows.unmatched import Found
from tallystick.gateways.abilities import StatementLine
from tests.store.house import House, Till

AFTER = timedelta(minutes=40)
EVERYTHING = (None, None)


class Bank(Till):
    """A till whose whole account can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, states_after=AFTER)
        self.lines: list[StatementLine] = []
        self.asked: list[tuple[datetime, datetime]] = []

    async def statement(self, since: datetime, until: datetime) -> tuple[StatementLine, ...]:
        """What came in between."""
        self.asked.append((since, until))
        self.answer()
        return tuple(line for line in self.lines if since <= line.credit.at <= until)


@pytest.fixture
def bank(house: House) -> Bank:
    """The house's till, with an account that can be read."""
    bank = Bank()
    house.till = house.hub.gateways["till"] = bank  # type: ignore[index]
    return bank


def enters(house: House, bank: Bank, memo: str, *refs: str, name: str = "FT-lost") -> Credit:
    """A transfer of 50 000 dong is entered in the account; nobody tells us."""
    credit = Credit("till", "main", name, 50_000, "VND", house.clock.at)
    bank.lines.append(StatementLine(refs, credit, memo))
    return credit


async def reads(house: House, **gap: float) -> dict[str, int]:
    """Time passes, and the job runs."""
    house.pass_time(**gap)
    return (await run(house.hub, "read-statements")).result


async def waiting(house: House) -> list[Found]:
    """What is on the operator's list, after the inbox was gone through."""
    await house.handle()
    return await unmatched.listing(
        house.hub, state="waiting", span=EVERYTHING, after=None, limit=50
    )


async def test_money_without_a_memo_reaches_the_list_although_its_notice_was_lost(house, bank):
    payment_id, _ = await house.open()
    await reads(house)
    enters(house, bank, "tien an trua")

    found = await reads(house, minutes=45)

    [row] = await waiting(house)
    assert found == {"unmatched": 1, "settled": 0}
    assert (row.row.memo, row.row.credits[0].transaction_id) == ("tien an trua", "FT-lost")
    assert [one.payment.id for one in row.suggestions] == [payment_id]


async def test_it_is_listed_once_however_often_the_account_is_read(house, bank):
    await reads(house)
    enters(house, bank, "tien an trua")

    for _ in range(4):
        await reads(house, minutes=43)

    assert len(await waiting(house)) == 1


async def test_the_newest_money_is_left_to_its_notice(house, bank):
    await reads(house, minutes=0)
    enters(house, bank, "tien an trua")

    assert await reads(house, minutes=39) == {"unmatched": 0, "settled": 0}
    assert await waiting(house) == []


async def test_money_that_a_notice_told_of_is_not_told_again(house, bank):
    _, ref = await house.open()
    await reads(house)
    credit = house.pays(ref)
    bank.lines.append(StatementLine((), credit, "tien an trua"))
    await house.notice(ref, money=True)

    assert await reads(house, minutes=45) == {"unmatched": 0, "settled": 0}


async def test_money_that_names_a_payment_settles_it(house, bank):
    payment_id, ref = await house.open()
    await reads(house)
    credit = house.pays(ref)
    house.says(ref, Claim.SUCCEEDED)
    bank.lines.append(StatementLine((ref,), credit, ref))

    assert await reads(house, minutes=45) == {"unmatched": 0, "settled": 1}
    assert (await house.settle(payment_id)).phase is Phase.PAID
    assert await reads(house, minutes=45) == {"unmatched": 0, "settled": 0}
    assert await waiting(house) == []


async def test_money_that_only_the_statement_shows_is_counted_too(house, bank):
    payment_id, ref = await house.open()
    await reads(house)
    credit = enters(house, bank, f"ck {ref}", ref)

    assert await reads(house, minutes=45) == {"unmatched": 0, "settled": 1}

    shown = await house.settle(payment_id)
    assert (shown.phase, shown.received_minor) == (Phase.PAID, credit.minor)
    assert await audit(house.database) == []


async def test_money_that_names_two_payments_is_left_to_a_person(house, bank):
    refs = [(await house.open())[1] for _ in range(2)]
    await reads(house)
    enters(house, bank, " ".join(refs), *refs)

    assert await reads(house, minutes=45) == {"unmatched": 1, "settled": 0}
    assert len(await waiting(house)) == 1


async def test_a_bank_that_does_not_answer_is_read_again_from_the_same_place(house, bank):
    await reads(house)
    enters(house, bank, "tien an trua")
    bank.away = True
    assert await reads(house, minutes=45) == {"unmatched": 0, "settled": 0}
    bank.away = False

    assert await reads(house, minutes=1) == {"unmatched": 1, "settled": 0}
    assert bank.asked[0][0] == bank.asked[1][0]
    assert house.hub.troubles["till"].count == 1


async def test_what_came_before_the_first_reading_is_not_ours(house, bank):
    enters(house, bank, "tien an trua")
    house.pass_time(days=2)
    await reads(house)

    assert await reads(house, hours=2) == {"unmatched": 0, "settled": 0}


async def test_after_a_long_downtime_everything_is_read_in_steps(house, bank):
    await reads(house)
    enters(house, bank, "tien an trua")
    house.pass_time(days=4, hours=1)
    enters(house, bank, "tien cafe", name="FT-later")
    house.pass_time(hours=1)

    found = [(await read_statements(house.hub))["unmatched"] for _ in range(5)]

    assert found == [1, 0, 0, 0, 1]
    assert all(until - since <= MOST_AT_ONCE + timedelta(hours=1) for since, until in bank.asked)


async def test_a_till_whose_account_cannot_be_read_is_left_alone(house):
    assert await read_statements(house.hub) == {"unmatched": 0, "settled": 0}
