"""Reading whole accounts: each credit is kept once, with its one owner or in suspense."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from tallystick.domain.credit import Credit
from tallystick.domain.errors import Conflict
from tallystick.domain.evidence import Claim
from tallystick.domain.payment import Phase
from tallystick.flows import notices, unmatched
from tallystick.flows.audit import audit
from tallystick.flows.hub import Hub
from tallystick.flows.listen import FIRST_LOOK, accounts_due, begin, listen_to, read_on
from tallystick.flows.match import give_owners
from tallystick.flows.settle import settle
from tallystick.flows.unmatched import Found
from tallystick.flows.why import why
from tallystick.gateways.abilities import AccountPage, UnreadLine
from tallystick.products import CHECKS
from tallystick.store import credits, inbox, ledger, readings
from tests.store.house import House, Till

EVERYTHING = (None, None)
PER_PAGE = 100


class Bank(Till):
    """A till whose whole account can be read, and which can be asked nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, lists=True, asks_alone=False)
        self.lines: list[Credit] = []
        self.unread: list[UnreadLine] = []
        self.asked: list[tuple[str, datetime]] = []
        self.alone = 0
        self.silent_after = 1_000_000

    async def read_account(self, mark: str, since: datetime) -> AccountPage:
        """A hundred lines behind the mark, which is a number."""
        self.asked.append((mark, since))
        self.answer()
        if len(self.asked) > self.silent_after:
            self.away = True
            self.answer()
        begin = int(mark) if mark else 0
        lines = [line for line in self.lines if line.at >= since]
        page = tuple(lines[begin : begin + PER_PAGE])
        end = begin + len(page)
        return AccountPage(page, str(end), end < len(lines), tuple(self.unread))

    async def fetch_verdict(self, attempt):
        """The search for one offer, which is the exception here."""
        self.alone += 1
        return await super().fetch_verdict(attempt)


@pytest.fixture
def bank(house: House) -> Bank:
    """The house's till, with an account that can be read."""
    bank = Bank()
    house.till = house.hub.gateways["till"] = bank  # type: ignore[index]
    return bank


numbers = count()


def enters(house: House, bank: Bank, memo: str, *refs: str, **facts: object) -> Credit:
    """A transfer of 50 000 dong is entered in the account; nobody tells us."""
    number = next(numbers)
    usual = Credit(
        "till", "main", f"FT-{number}", 50_000, "VND", house.clock.at, memo=memo, refs=refs,
        row=f"list:{number}",
    )  # fmt: skip
    credit = replace(usual, **facts)  # type: ignore[arg-type]
    bank.lines.append(credit)
    return credit


async def listen(hub: Hub) -> int:
    """Read on in every account that is due; how many there were."""
    now = hub.now()
    dues = await hub.database.read(lambda tx: accounts_due(tx, hub))
    return sum([await listen_to(hub, what) for what, at in dues.items() if at <= now])


async def reads(house: House, **gap: float) -> None:
    """Time passes, the account is read, and what was read finds its owner."""
    house.pass_time(**(gap or {"seconds": 6}))
    await listen(house.hub)
    await give_owners(house.hub)


async def waiting(house: House) -> list[Found]:
    """What is on the operator's list, after the inbox was gone through."""
    await house.handle()
    return await unmatched.listing(
        house.hub, state="waiting", span=EVERYTHING, after=None, limit=200
    )


async def booked(house: House) -> int:
    """What the books say that the account received."""
    held = await house.database.read(ledger.balances)
    return held.get(("clearing:till", "VND"), 0)


@pytest.fixture(autouse=True)
async def _equal(house: House, bank: Bank):
    """After each story the books balance, and equal what was read of the account."""
    await begin(house.hub)
    await reads(house, seconds=1)
    yield
    bank.away, bank.silent_after = False, 1_000_000
    for _ in range(100):
        await reads(house, minutes=6)
        until = await read_on(house.hub, bank, house.hub.now())
        if until is not None:
            break
    back = await house.database.read(
        lambda tx: sum(
            one.credit.minor
            for one in credits.page(tx, state="decided", span=EVERYTHING, after=None, limit=200)
            if one.returned_at is not None
        )
    )
    assert await booked(house) + back == sum(line.minor for line in bank.lines)
    assert await audit(house.database, CHECKS) == []


async def test_money_that_names_a_payment_pays_it_although_nobody_told_of_it(house, bank):
    payment_id, ref = await house.open()
    enters(house, bank, f"ck {ref}", ref)

    await reads(house)

    shown = await house.settle(payment_id)
    assert (shown.phase, shown.received_minor) == (Phase.PAID, 50_000)
    assert bank.alone == 0
    assert await waiting(house) == []


async def test_one_answer_pays_all_who_wait(house, bank):
    paid = [await house.open() for _ in range(30)]
    for _, ref in paid:
        enters(house, bank, ref, ref)
    asked = len(bank.asked)
    house.pass_time(seconds=1)

    for _, ref in paid:
        await house.notice(ref)
    await house.handle()
    await give_owners(house.hub)

    phases = {(await house.settle(payment_id)).phase for payment_id, _ in paid}
    assert phases == {Phase.PAID}
    assert len(bank.asked) - asked == 1


async def test_a_payer_is_paid_among_five_thousand_strangers(house, bank):
    payment_id, ref = await house.open()
    for number in range(5_000):
        enters(house, bank, f"tien nha {number}", minor=1_000 + number)
        if number == 2_500:
            enters(house, bank, ref, ref)
    enters(house, bank, "the last one")

    for _ in range(60):
        await reads(house)

    assert (await house.settle(payment_id)).phase is Phase.PAID
    assert await booked(house) == sum(line.minor for line in bank.lines)


async def test_reading_goes_on_where_a_silent_bank_interrupted_it(house, bank):
    for number in range(1_000):
        enters(house, bank, f"tien nha {number}")
    bank.silent_after = len(bank.asked) + 3
    await reads(house, minutes=5)
    marks = [mark for mark, _ in bank.asked]
    bank.away, bank.silent_after = False, 1_000_000

    await reads(house, minutes=5)

    assert bank.asked[len(marks)][0] == "300"
    assert house.hub.gateway_errors["till"].count == 1


async def test_a_silent_bank_is_not_asked_anew_by_each_who_waits(house, bank):
    waiting_for = [(await house.open())[0] for _ in range(10)]
    asked = len(bank.asked)
    bank.away = True
    house.pass_time(seconds=6)

    for payment_id in waiting_for:
        await settle(house.hub, payment_id)

    assert len(bank.asked) == asked + 1
    assert house.hub.circuit("till").silent


async def test_after_three_weeks_of_downtime_everything_is_read_in_steps(house, bank):
    for day in range(21):
        house.pass_time(days=1)
        for _ in range(60):
            enters(house, bank, f"day {day}")
    payment_id, ref = await house.open()
    enters(house, bank, ref, ref)

    for _ in range(5):
        await reads(house)

    assert (await house.settle(payment_id)).phase is Phase.PAID


async def test_money_without_a_memo_waits_on_the_list_for_a_person(house, bank):
    payment_id, _ = await house.open()
    credit = enters(house, bank, "tien an trua")

    await reads(house)
    await reads(house)

    [row] = await waiting(house)
    assert (row.kept.credit.memo, row.kept.credit.name) == ("tien an trua", credit.name)
    assert [one.payment.id for one in row.suggestions] == [payment_id]
    held = await house.database.read(ledger.balances)
    assert held["suspense:unowned", "VND"] == -50_000


async def test_money_that_names_two_payments_is_credited_to_neither(house, bank):
    first, second = await house.open(), await house.open()
    enters(house, bank, f"{first[1]} {second[1]}", first[1], second[1])

    await reads(house)
    shown = [await house.settle(one[0]) for one in (first, second)]

    assert [(one.phase, one.received_minor) for one in shown] == [(Phase.OPEN, 0)] * 2
    [row] = await waiting(house)
    assert {one.payment.id for one in row.suggestions} == {first[0], second[0]}


async def test_each_of_two_payments_gets_its_own_money_beside_money_that_names_both(house, bank):
    first, second = await house.open(), await house.open()
    enters(house, bank, f"{first[1]} {second[1]}", first[1], second[1])
    for _, ref in (first, second):
        enters(house, bank, ref, ref)

    await reads(house)

    shown = [await house.settle(one[0]) for one in (first, second)]
    assert [(one.phase, one.review) for one in shown] == [(Phase.PAID, None)] * 2
    assert len(await waiting(house)) == 1


async def test_two_transfers_with_one_reference_are_one_counted_and_one_listed(house, bank):
    first, second = await house.open(), await house.open(70_000)
    credit = enters(house, bank, first[1], first[1])
    enters(house, bank, second[1], second[1], transaction_id=credit.transaction_id, minor=70_000)

    await reads(house)

    assert (await house.settle(first[0])).phase is Phase.PAID
    assert (await house.settle(second[0])).received_minor == 0
    [row] = await waiting(house)
    assert row.kept.credit.minor == 70_000
    assert {one.payment.id for one in row.suggestions} == {first[0], second[0]}

    _, shown = await unmatched.assign(
        house.hub, row.kept.id, second[0], "the bank gave it that number twice", "lan"
    )
    assert shown.phase is Phase.PAID


async def test_two_transfers_of_one_payer_with_one_reference_are_never_one(house, bank):
    payment_id, ref = await house.open(100_000)
    credit = enters(house, bank, ref, ref)
    enters(house, bank, ref, ref, transaction_id=credit.transaction_id)

    await reads(house)

    assert (await house.settle(payment_id)).received_minor == 50_000
    [row] = await waiting(house)
    assert row.kept.credit.minor == 50_000
    assert row.suggestions[0].payment.id == payment_id


async def test_a_line_that_nobody_can_read_stops_nothing_but_itself(house, bank):
    payment_id, ref = await house.open()
    bank.unread.append(UnreadLine("line-7", "its amount is null", b'{"amount":null}'))
    enters(house, bank, ref, ref)

    await reads(house)
    await reads(house)

    assert (await house.settle(payment_id)).phase is Phase.PAID
    kept = await house.database.read(lambda tx: inbox.by_event(tx, "till", "main", "line:line-7"))
    assert kept is not None
    shown = await notices.show(house.hub, kept.id, raw=True)
    assert (shown.notice.trouble, shown.notice.error) == ("unreadable", "its amount is null")
    assert shown.raw is not None
    assert json.loads(shown.raw.body) == {"amount": None}


async def test_money_from_shortly_before_the_payment_was_made_pays_it(house, bank):
    house.pass_time(minutes=30)
    payment_id, ref = await house.open()
    enters(house, bank, ref, ref, at=house.clock.at - timedelta(minutes=15))

    await reads(house)

    shown = await house.settle(payment_id)
    assert (shown.phase, shown.review, shown.late) == (Phase.PAID, None, False)


async def test_money_whose_notice_came_first_is_counted_when_the_account_shows_it(house, bank):
    payment_id, ref = await house.open()
    credit = house.pays(ref)
    await house.notice(ref, money=True)
    await house.handle()
    bank.books.clear()
    enters(house, bank, ref, ref, transaction_id=credit.transaction_id)

    await reads(house)

    assert (await house.settle(payment_id)).received_minor == 50_000


async def test_money_that_was_entered_behind_what_we_have_read_is_searched_for(house, bank):
    payment_id, ref = await house.open()
    credit = house.pays(ref)
    house.says(ref, Claim.SUCCEEDED)

    await house.notice(ref, money=True)
    await house.handle()

    assert (await house.settle(payment_id)).phase is Phase.PAID
    assert bank.alone == 1
    bank.lines.append(credit)


async def test_a_notice_of_money_that_the_account_never_shows_stays_with_a_person(house, bank):
    payment_id, ref = await house.open()
    house.pays(ref)
    other = house.till.new_ref(house.clock.at)
    bank.books[other] = bank.books.pop(ref)

    await house.notice(other, money=True)
    for _ in range(3):
        await reads(house)
        await house.handle()

    assert await house.database.read(inbox.troubled) == {"orphan": 1}
    assert (await house.settle(payment_id)).received_minor == 0


async def test_what_came_long_before_the_first_reading_is_not_ours(house, bank):
    old = enters(house, bank, "tien an trua", at=house.clock.at - FIRST_LOOK - timedelta(days=2))

    await reads(house)

    assert await waiting(house) == []
    bank.lines.remove(old)


async def test_an_offer_does_not_expire_before_the_account_was_read(house, bank):
    payment_id, ref = await house.open(expires_in=timedelta(hours=1))
    enters(house, bank, ref, ref)
    bank.away = True
    house.pass_time(hours=1, minutes=1)

    assert (await house.settle(payment_id)).phase is Phase.OPEN
    bank.away = False

    await reads(house, minutes=6)
    assert (await house.settle(payment_id)).phase is Phase.PAID


async def test_money_of_another_payment_in_an_answer_is_left_out_and_named(house, bank):
    """A gateway that is asked about each offer shows one transfer under two of them."""
    till = house.till = house.hub.gateways["till"] = Till()
    first, second = await house.open(), await house.open()
    credit = house.pays(first[1])
    await house.settle(first[0])
    own = house.pays(second[1])
    till.books[second[1]] = replace(till.books[second[1]], credits=(credit, own))

    shown = await house.settle(second[0])

    assert (shown.phase, shown.received_minor, shown.review) == (Phase.PAID, 50_000, None)
    proof = await why(house.hub, second[0])
    told = " ".join(reason.sentence for reason in proof.reasons)
    assert f"{credit.transaction_id}) is left out: it belongs to payment {first[0]}" in told
    bank.lines += [credit, own]
    house.hub.gateways["till"] = bank


async def test_money_with_an_owner_cannot_be_assigned_closed_or_given_back(house, bank):
    payment_id, ref = await house.open()
    other, _ = await house.open()
    enters(house, bank, ref, ref)
    await reads(house)
    await house.settle(payment_id)
    [kept] = await house.database.read(lambda tx: credits.of_payment(tx, payment_id))

    for close in ("refunded", "parked"):
        with pytest.raises(Conflict, match=payment_id):
            await unmatched.close(house.hub, kept.id, close, "my mistake", "lan")
    with pytest.raises(Conflict, match=payment_id):
        await unmatched.assign(house.hub, kept.id, other, "my mistake", "lan")


async def test_money_that_was_given_back_by_hand_leaves_the_books(house, bank):
    enters(house, bank, "tien an trua")
    await reads(house, minutes=5)
    [row] = await waiting(house)

    await unmatched.close(house.hub, row.kept.id, "refunded", "FT9 of our bank", "lan")

    assert await waiting(house) == []
    assert await booked(house) == 0
    with pytest.raises(Conflict):
        await unmatched.assign(house.hub, row.kept.id, (await house.open())[0], "no", "lan")


async def test_an_account_that_was_read_rarely_is_read_soon_once_somebody_is_to_pay(house, bank):
    asked = len(bank.asked)
    await reads(house)
    assert len(bank.asked) == asked

    await house.open()
    await reads(house)

    assert len(bank.asked) == asked + 1


async def test_two_processes_read_the_account_one_after_the_other(house, bank):
    now = house.clock.real_now()
    await house.database.write(
        lambda tx: readings.hold(tx, "till", "main", "another", now, now + timedelta(seconds=30))
    )
    asked = len(bank.asked)
    house.pass_time(seconds=6)

    assert await read_on(house.hub, bank, house.hub.now()) is None
    assert len(bank.asked) == asked

    house.pass_time(seconds=30)
    assert await read_on(house.hub, bank, house.hub.now()) is not None


async def test_a_till_whose_account_cannot_be_read_is_left_alone(house, bank):
    house.hub.gateways["till"] = Till()

    house.pass_time(minutes=10)
    assert await listen(house.hub) == 1
    assert await listen(house.hub) == 0
    house.hub.gateways["till"] = bank
