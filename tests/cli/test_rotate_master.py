"""A merchant replaces the master secret of a server that is in use."""

from __future__ import annotations

import pytest

from tallystick.domain.sealing import Masters
from tallystick.flows.keys import create_key
from tallystick.products.gift_cards.codes import Mint
from tallystick.store.connect import open_database
from tallystick.store.migrate import migrate
from tests.cli.conftest import PRODUCTION, free_port, refused
from tests.infra.live import Client
from tests.store.house import SECRET, House
from tests.store.merchants import load

OLD, NEW = SECRET.secrets[0].decode(), "the new secret of thirty-two characters"


@pytest.fixture
async def at(empty_database_url):
    """The settings of a merchant who sold a card before there could be several secrets."""
    await load(empty_database_url, "0001")
    await migrate(empty_database_url)
    return {**PRODUCTION, "TALLYSTICK_DATABASE_URL": empty_database_url}


async def test_a_merchant_rotates_the_secret_and_a_card_of_before_is_spent(tallystick, running, at):
    code, key = await sold(at["TALLYSTICK_DATABASE_URL"])
    both = {"TALLYSTICK_SECRET_KEY": f"{NEW}, {OLD}"}

    hub, server = serve(running, at | both)
    spent = [redeem(hub, key, code, "before")]
    done = tallystick("keys", "rotate-master", **at | both)
    spent.append(redeem(hub, key, code, "between"))
    server.leave()
    hub, server = serve(running, at | {"TALLYSTICK_SECRET_KEY": NEW})
    spent.append(redeem(hub, key, code, "after"))

    assert spent == [200, 200, 200]
    assert done.returncode == 0, done.stderr
    assert "gift_cards.code_sealed: 1 sealed anew." in done.stdout
    assert done.stdout.splitlines()[-1].endswith("the others may go.")


async def test_without_the_old_secret_nothing_starts_and_nothing_is_rotated(tallystick, at):
    new = at | {"TALLYSTICK_SECRET_KEY": NEW}

    assert "is sealed with" in refused(tallystick("serve", "--port", free_port(), **new))
    assert "lacks" in refused(tallystick("keys", "rotate-master", **new))


async def sold(url: str) -> tuple[str, str]:
    """The code of the card that the merchant has sold, and a secret key."""
    database = open_database(url)
    [(card_id, sealed)] = await database.read(
        lambda tx: tx.exec_driver_sql(
            "SELECT id, code_sealed FROM gift_cards WHERE state = 'active'"
        ).all()
    )
    key = await create_key(House(database).hub, "operator")
    await database.close()
    return Mint.of(Masters.of(OLD.encode()), "").unseal(card_id, "code_sealed", sealed), key


def serve(running, environment):
    """A server with these settings, and a client of it; it sends nothing to anybody."""
    port = free_port()
    server = running("serve", "--no-scheduler", "--port", port, **environment)
    server.until("serves")
    return Client(lambda: f"http://127.0.0.1:{port}"), server


def redeem(hub: Client, key: str, code: str, reference: str) -> int:
    """Spend a little of it; the status of the answer."""
    wish = {"amount": 1_000, "reference": reference}
    return hub.post(f"/api/gift-cards/{code}/redeem", json=wish, token=key).status
