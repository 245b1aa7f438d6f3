"""PostgreSQL's answer to a commit is lost: what landed is kept, what did not is done again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from tallystick.domain.errors import OutcomeUnknown
from tallystick.store.connect import open_database
from tests.infra import shared
from tests.infra.cut_line import CutLine
from tests.infra.databases import migrate
from tests.infra.postgres import PostgresServer, start
from tests.store.rows import run
from tests.store.writing import each, kept, key

pytestmark = pytest.mark.postgresql_only


@pytest.fixture
async def far(cut_line, database_url):
    """The database at the other end of a line that can be cut."""
    opened = open_database(cut_line.url(database_url))
    yield opened
    await opened.close()


@pytest.fixture
def own_server():
    """A server of this test's own, since it is made to crash."""
    started = start(())
    yield PostgresServer(started["url"])
    shared.stop(started["keeper"], Path(started["folder"]))


def once(names, name):
    """A body that leaves another row each time it runs."""

    def body(tx):
        names.append(name)
        return key(tx, f"{name}{len(names)}")

    return body


async def test_what_was_committed_is_not_done_again_although_nobody_heard_so(far, cut_line):
    ran: list[str] = []
    cut_line.cut("after")

    assert await far.write(once(ran, "refund")) == "refund1"

    assert cut_line.cuts == 1
    assert await kept(far) == {"refund1"}


@pytest.mark.parametrize("when", ["before", "held"])
async def test_what_never_reached_the_server_is_done_again(far, cut_line, when):
    ran: list[str] = []
    cut_line.cut(when, times=2)

    assert await far.write(once(ran, "refund")) == "refund3"

    assert cut_line.cuts == 2
    assert await kept(far) == {"refund3"}


async def test_a_line_that_loses_the_answer_to_every_commit_still_serves(far, cut_line):
    cut_line.always = "after"

    told = await asyncio.gather(*(far.write(lambda tx, n=n: key(tx, f"k{n}")) for n in range(20)))

    assert told == [f"k{n}" for n in range(20)]
    assert await kept(far) == set(told)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_group_that_is_cut_off_is_kept_once_and_everybody_is_told(far, cut_line, when):
    cut_line.cut(when)
    names = [f"k{n}" for n in range(50)]

    told = await asyncio.gather(*(far.write_each(each, name) for name in names))

    assert told == names
    assert cut_line.cuts == 1
    assert await kept(far) == set(names)


async def test_what_only_looked_needs_no_answer(far, cut_line):
    looks = []

    def look(tx):
        looks.append(run(tx, "SELECT 1"))
        return "seen"

    cut_line.cut("after")

    assert await far.write(look) == "seen"
    assert looks == [1]


async def test_a_rule_that_is_broken_at_the_commit_is_a_no_and_not_asked_about(far, cut_line):
    ran = []

    def body(tx):
        ran.append(1)
        tx.exec_driver_sql("CREATE TABLE one (a int PRIMARY KEY)")
        tx.exec_driver_sql("CREATE TABLE two (a int REFERENCES one DEFERRABLE INITIALLY DEFERRED)")
        tx.exec_driver_sql("INSERT INTO two VALUES (1)")

    with pytest.raises(IntegrityError):
        await far.write(body)

    assert cut_line.cuts == 0
    assert len(ran) > 1


async def test_a_commit_in_which_the_server_crashed_is_never_called_done_or_undone(own_server):
    """After a crash, the number of a lost transaction may be another's."""
    url = own_server.create()
    migrate(url)
    line = CutLine(own_server.url)
    database = open_database(line.url(url))
    pids, lives = [], "SELECT pg_stat_get_bgwriter_stat_reset_time()"
    before = await database.read(lambda tx: run(tx, lives))

    def body(tx):
        pids.append(run(tx, "SELECT pg_backend_pid()"))
        return key(tx, f"lost{len(pids)}")

    line.cut("before")
    line.meanwhile = lambda: os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(OutcomeUnknown, match="Idempotency-Key"):
        await database.write(body)

    assert len(pids) == 1
    assert await database.write(lambda tx: key(tx, "next")) == "next"
    assert await database.read(lambda tx: run(tx, lives)) > before
    await database.close()
    line.close()


async def test_a_server_that_stays_away_leaves_it_unknown(far, cut_line, database):
    cut_line.cut("after")
    cut_line.meanwhile = cut_line.server.close

    with pytest.raises(OutcomeUnknown):
        await far.write(lambda tx: key(tx, "done"))

    assert await kept(database) == {"done"}
