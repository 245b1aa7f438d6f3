"""PostgreSQL has more to do than it can: newcomers are told so at once, and money is settled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.http.shop import Shop, eventually

CALLERS = 30


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Nobody reads this table meanwhile: whoever asks for it keeps a connection and waits."""
    held, done = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            held.set()
            await asyncio.to_thread(done.wait)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.postgresql_only
def test_where_all_connections_are_taken_newcomers_get_503_and_money_is_settled(
    open_shop: Callable[..., Shop],
):
    shop = open_shop()
    sale = shop.payment(gateway="sandbox")
    till = urlsplit(sale.is_offered()["checkout"]["checkoutUrl"]).path
    phase = f"SELECT phase FROM payments WHERE id = '{sale.id}'"

    with ThreadPoolExecutor(CALLERS) as callers:
        with locked(shop.server.database, "api_keys"):
            asked = [callers.submit(shop.server.get, "/api/gateways", token=shop.server.secret_key)
                     for _ in range(CALLERS)]  # fmt: skip
            eventually(lambda: sum(one.done() for one in asked), lambda done: done >= CALLERS - 10)
            refused = [one.result() for one in asked if one.done()]
            form = {"content-type": "application/x-www-form-urlencoded"}
            shop.server.post(till, raw="act=lose_webhook", headers=form)
            eventually(lambda: shop.rows(phase), lambda rows: rows == [("paid",)])
        answers = [one.result() for one in wait(asked).done]

    assert {answer.status for answer in refused} == {503}
    assert {answer.json["code"] for answer in refused} == {"unavailable"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert sorted(answer.status for answer in answers) == [200] * 10 + [503] * (CALLERS - 10)
