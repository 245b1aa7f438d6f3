"""What tidy lets go of, and what it never touches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from tallystick.domain.evidence import Claim
from tallystick.flows.notices import listing
from tallystick.flows.tidy import tidy
from tallystick.products import CHECKS
from tallystick.settings import Settings
from tallystick.store import credentials, inbox, pruning, raw_bytes, schedules
from tallystick.store.connect import open_database
from tallystick.store.schedules import Run
from tests.store.books import build
from tests.store.house import House
from tests.store.rows import NOW, run

STAYS = ("payments", "receipts", "transfers", "postings", "decisions", "evidence", "events",
         "outbox", "feed", "refunds", "orders", "commissions")  # fmt: skip


async def answered(house: House) -> tuple[str, str]:
    """A payment with an answer that has bytes: its id, and that of the evidence."""
    payment_id, ref = await house.open()
    house.pays(ref)
    house.till.books[ref] = replace(house.till.books[ref], raw=b'{"payer":"Binh"}')
    await house.settle(payment_id)
    find = "SELECT id FROM evidence WHERE source = 'fetch'"
    return payment_id, await house.database.read(lambda tx: run(tx, find))


async def kept(house: House, subject: str) -> bool:
    """Whether its bytes are still there."""
    return await house.database.read(lambda tx: raw_bytes.find(tx, subject)) is not None


async def test_an_answers_bytes_go_after_90_days_and_its_digest_stays(house):
    _, evidence_id = await answered(house)
    house.pass_time(days=89)
    await tidy(house.hub)
    young = await kept(house, evidence_id)

    house.pass_time(days=2)
    went = await tidy(house.hub)

    digest = f"SELECT digest FROM evidence WHERE id = '{evidence_id}'"
    assert young
    assert went["raw_bytes"] == 1
    assert not await kept(house, evidence_id)
    assert len(await house.database.read(lambda tx: run(tx, digest))) == 64


async def test_how_long_bytes_are_kept_is_a_setting(house):
    _, evidence_id = await answered(house)
    house.hub.settings = Settings(_env_file=None, raw_days=3)
    house.pass_time(days=4)

    await tidy(house.hub)

    assert not await kept(house, evidence_id)


async def test_bytes_of_a_notice_go_and_the_notice_stays(house):
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.notice(ref, money=True)
    await house.handle()
    [before] = await listing(house.hub, filters={}, span=(None, None), after=None, limit=5)
    assert await kept(house, before.id)
    house.pass_time(days=91)

    await tidy(house.hub)

    [after] = await listing(house.hub, filters={}, span=(None, None), after=None, limit=5)
    assert not await kept(house, before.id)
    assert (after, after.payment_id) == (before, payment_id)


async def test_more_than_one_transaction_takes_go_all_the_same(house):
    old = Run(NOW - timedelta(days=31), NOW, 1, success=True, result={}, error=None)

    def many(tx):
        for _ in range(pruning.SLICE + 5):
            schedules.record(tx, "audit", old)

    await house.database.write(many)

    went = await tidy(house.hub)

    assert went["runs"] == pruning.SLICE + 5
    assert await house.database.read(lambda tx: run(tx, "SELECT COUNT(*) FROM job_runs")) == 0


async def test_the_tokens_of_a_payment_go_a_year_after_its_end_and_no_others(house):
    paid, _ = await answered(house)
    open_, _ = await house.open()
    await house.database.write(lambda tx: credentials.add_token(tx, "t" * 64, paid, NOW))
    await house.database.write(lambda tx: credentials.add_token(tx, "u" * 64, open_, NOW))
    house.pass_time(days=366)

    await tidy(house.hub)

    left = "SELECT payment_id FROM client_tokens WHERE token_hash IN (:one, :two)"
    rows = await house.database.read(
        lambda tx: tx.execute(text(left), {"one": "t" * 64, "two": "u" * 64}).scalars().all()
    )
    assert rows == [open_]


async def test_a_notice_about_nothing_goes_with_its_bytes(house):
    ping = inbox.row(
        "ntc_9", gateway="till", account="main", event_id="ping", refs=[], claim=Claim.PENDING,
        credits_=[], over=True, now=NOW,
    )  # fmt: skip
    await house.database.write(lambda tx: inbox.keep_each(tx, [ping]))
    house.pass_time(days=91)

    went = await tidy(house.hub)

    assert went["notices_about_nothing"] == 1
    assert await house.database.read(lambda tx: run(tx, "SELECT COUNT(*) FROM inbox")) == 0


async def test_after_two_years_of_tidying_the_books_are_whole_and_the_audit_clean(database_url):
    await build(database_url)
    database = open_database(database_url)
    house = House(database)

    def state(tx):
        counts = {name: run(tx, f"SELECT COUNT(*) FROM {name}") for name in STAYS}
        return counts, {check.invariant for check in CHECKS if list(check.broken(tx))}

    before = await database.read(state)
    house.pass_time(days=800)

    went = await tidy(house.hub)

    assert await database.read(state) == before
    assert before[1] == set()
    assert went["deliveries"] == 2
    assert went["effects"] > 0
    assert await tidy(house.hub) == dict.fromkeys(went, 0)
    waiting = "SELECT COUNT(*) FROM deliveries WHERE state <> 'waiting'"
    assert await database.read(lambda tx: run(tx, waiting)) == 0
    await database.close()
