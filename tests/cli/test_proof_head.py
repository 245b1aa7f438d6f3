"""A person looks for a head of the proof that was kept elsewhere."""

from __future__ import annotations

from tallystick.flows.proof_chain import extend
from tallystick.store import proof_chain
from tallystick.store.database import open_database
from tests.cli.conftest import environment_of, refused
from tests.store.house import House


async def test_a_head_from_the_log_is_looked_up_and_one_that_is_gone_is_told(
    tallystick, database_url
):
    database = open_database(database_url)
    house = House(database)
    await house.sell_gift_card()
    await extend(house.hub)
    head = str(await database.read(proof_chain.head))
    await database.close()
    here = environment_of(database_url)

    known = tallystick("audit", "--head", head[:14], **here)
    gone = tallystick("audit", "--head", "9999-0a1b2c3d4e5f", **here)

    assert known.returncode == 0, known.stdout
    assert gone.returncode == 1
    assert "Link 9999 of the proof is not 0a1b2c3d4e5f" in gone.stdout
    assert "57-0a1b2c3d4e5f" in refused(tallystick("audit", "--head", "yesterday", **here))
