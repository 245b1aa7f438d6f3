"""A server that cannot write says so, and takes no notice that it would lose."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.http.shop import Shop, eventually
from tests.infra.postgres import name_of

ON_SQLITE = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize(
    "shop", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def file_of(shop: Shop) -> Path:
    """The SQLite file of the shop."""
    return Path(shop.server.database.removeprefix("sqlite:///"))


@contextmanager
def renamed(shop: Shop) -> Iterator[Path]:
    """While the database file has another name, and afterwards its own again."""
    file = file_of(shop)
    elsewhere = file.rename(file.with_name("elsewhere.db"))
    try:
        yield elsewhere
    finally:
        elsewhere.replace(file)


@contextmanager
def only_reads(shop: Shop) -> Iterator[None]:
    """While the PostgreSQL database takes no writes, as a standby server does."""
    url = shop.server.database

    async def set_to(word: str) -> None:
        connection = await asyncpg.connect(url.rpartition("/")[0] + "/postgres")
        try:
            await connection.execute(
                f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = {word}"
            )
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
                name_of(url),
            )
        finally:
            await connection.close()

    asyncio.run(set_to("on"))
    try:
        yield
    finally:
        asyncio.run(set_to("off"))


def ready(shop: Shop) -> int:
    """What a load balancer is answered."""
    return shop.get("/health/ready", token=None).status


def test_a_server_that_can_write_is_ready(shop):
    answer = shop.get("/health/ready", token=None)

    assert (answer.status, answer.json["status"]) == (200, "ok")


@ON_SQLITE
def test_a_webhook_is_refused_while_the_database_file_has_another_name(shop):
    """It was answered 200, and its money vanished with the file that nobody looked for."""
    sale = shop.payment()
    sale.is_offered()

    with renamed(shop):
        happened = sale.act("pay")
        refused = shop.get("/health/ready", token=None)
        kept = file_of(shop).exists()

    assert happened["deliveries"][0]["status"] == 503
    assert (refused.status, refused.json["code"]) == (503, "database_unavailable")
    assert "was renamed, deleted or replaced" in refused.json["detail"]
    assert not kept, "an empty database was made in its place"
    assert eventually(lambda: ready(shop), lambda status: status == 200)
    shop.advance(60)
    sale.becomes("paid", received=50_000)


@pytest.mark.parametrize("ending", ["", "-wal"])
@ON_SQLITE
def test_a_webhook_is_refused_while_another_file_has_its_place(shop, ending):
    sale = shop.payment()
    sale.is_offered()
    own = file_of(shop).with_name(file_of(shop).name + ending)
    aside = own.with_name("aside")

    own.rename(aside)
    shutil.copyfile(aside, own)
    try:
        happened = sale.act("pay")
        refused = ready(shop)
    finally:
        aside.replace(own)

    assert (happened["deliveries"][0]["status"], refused) == (503, 503)
    assert eventually(lambda: ready(shop), lambda status: status == 200)
    shop.advance(60)
    sale.becomes("paid", received=50_000)


@ON_SQLITE
def test_a_server_whose_writes_do_not_come_through_is_not_ready(shop):
    with sqlite3.connect(file_of(shop), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = shop.get("/health/ready", token=None)
        other.execute("ROLLBACK")

    assert (refused.status, refused.json["code"]) == (503, "database_unavailable")
    assert eventually(lambda: ready(shop), lambda status: status == 200)


@ON_POSTGRESQL
def test_a_server_at_a_standby_is_not_ready_and_takes_no_notice(shop):
    sale = shop.payment()
    sale.is_offered()

    with only_reads(shop):
        eventually(lambda: ready(shop), lambda status: status == 503)
        happened = sale.act("pay")

    assert happened["deliveries"][0]["status"] == 503
    assert eventually(lambda: ready(shop), lambda status: status == 200)
    shop.advance(60)
    sale.becomes("paid", received=50_000)
