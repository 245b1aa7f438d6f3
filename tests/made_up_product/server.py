"""Where donations are sold: databases with their table, and a shop at a server that knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tallystick.store.connect import open_database
from tests.http.conftest import PLAIN, database
from tests.http.shop import Sale, Shop, eventually
from tests.infra.live import LiveServer, tail
from tests.made_up_product.tables import OWN

ROOT = Path(__file__).resolve().parents[2]


async def make_tables(url: str) -> None:
    """What a migration does for a product of the hub."""
    opened = open_database(url)
    await opened.write(OWN.create_all)
    await opened.close()


@contextmanager
def donation_shop(request: pytest.FixtureRequest, dialect: str, folder: Path) -> Iterator[Shop]:
    """A shop at `tallystick dev` with donations in its list of products."""
    with database(request, dialect, folder) as url:
        asyncio.run(make_tables(url))
        environment = {**PLAIN, "PYTHONPATH": str(ROOT)}
        server = LiveServer(folder, url, (), environment, program="tests.made_up_product")
        server.start()
        shop = Shop(server)
        yield shop
        shop.close()
        server.stop()
        if "Traceback" in server.stderr:
            pytest.fail(f"{server} logged a traceback:\n{tail(server.stderr)}", pytrace=False)


class Gift(Sale):
    """One donation at a running server, at a gateway that can give money back."""

    def __init__(self, shop: Shop, **wish: Any) -> None:
        wished = {"amount": 50_000, "gateway": "sandbox", "email": "mai@example.vn", **wish}
        answer = shop.post("/api/donations", json=wished)
        assert answer.status == 201, answer.text
        self.donation_id = str(answer.data["id"])
        super().__init__(shop, answer.data["paymentId"], answer.data["clientToken"])

    def read(self) -> dict[str, Any]:
        """The donation as the merchant reads it."""
        data: dict[str, Any] = self.shop.get(f"/api/donations/{self.donation_id}").data
        return data

    def given(self) -> dict[str, Any]:
        """Pay, and wait until it has its certificate and its line in the register."""
        self.act("pay")
        return eventually(self.read, lambda seen: seen["registerEntry"] is not None)
