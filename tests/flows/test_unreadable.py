"""Notices that one version could not read: a later one can, without their signature."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tallystick.domain.errors import Conflict, Invalid, NoticeNotAuthentic
from tallystick.domain.evidence import Trust
from tallystick.domain.sealing import Masters
from tallystick.flows.notices import listing, retry, show
from tallystick.flows.receive import receive
from tallystick.gateways.base import Notice, RawNotice
from tallystick.store import inbox, raw_bytes
from tests.store.house import House, Till


class Growing(Till):
    """A till that signs what it says, in a dialect that its adapter learns later."""

    understands = False

    def read_notice(self, raw: RawNotice) -> Notice:
        if not raw.proven and raw.headers.get("signature") != "right":
            raise NoticeNotAuthentic("Not ours.")
        if not self.understands:
            raise Invalid("The notice is in a dialect.")
        return super().read_notice(raw)


@pytest.fixture
def growing(house: House) -> Growing:
    """The house's till, with a dialect."""
    till = Growing()
    house.till = till
    house.hub.gateways = {"till": till}
    return till


def told(house: House, ref: str, **more: object) -> RawNotice:
    """A signed notice of money for an offer."""
    body = json.dumps({"event": "e1", "ref": ref, "claim": "succeeded", "money": True, **more})
    return RawNotice({"signature": "right"}, body.encode(), "", house.clock.at)


async def only(house: House):
    """The one notice that there is."""
    [found] = await listing(house.hub, filters={}, span=(None, None), after=None, limit=5)
    return found


async def test_a_later_version_reads_it_again_without_its_signature(house, growing):
    growing.capabilities = replace(growing.capabilities, verifies=Trust.SIGNED)
    payment_id, ref = await house.open()
    house.pays(ref)
    await receive(house.hub, "till", told(house, ref))
    await house.handle()
    before = await only(house)
    house.pass_time(days=30)

    growing.understands = True
    read = await retry(house.hub, before.id)
    await house.handle()

    after = await only(house)
    paid = await house.settle(payment_id)
    assert (before.state, before.refs, before.credits) == ("unreadable", (ref,), ())
    assert (read.notice.state, read.notice.error) == ("waiting", None)
    assert (after.state, after.payment_id) == ("handled", payment_id)
    assert (paid.phase, paid.received_minor) == ("paid", 50_000)


async def test_what_it_names_is_asked_about_once_and_then_it_rests(house, growing):
    payment_id, ref = await house.open()
    house.pays(ref)

    await receive(house.hub, "till", told(house, ref))
    asked = await house.handle()

    snapshot = await house.settle(payment_id)
    assert asked == 1
    assert snapshot.phase == "paid"
    assert (await only(house)).due_at is None
    assert await house.handle() == 0


async def test_a_notice_that_names_two_payments_has_both_asked_about(house, growing):
    (first, ref), (second, other) = await house.open(), await house.open()
    house.pays(ref)
    house.pays(other)

    await receive(house.hub, "till", told(house, ref, beside=other))
    await house.handle()

    for payment_id in (first, second):
        shown = await house.settle(payment_id)
        assert shown.phase == "paid"
    assert set((await only(house)).refs) == {ref, other}


async def test_nothing_of_a_text_that_nobody_understands_is_kept_in_the_clear(house, growing):
    await receive(
        house.hub, "till", told(house, "of-nobody", payer="NGUYEN VAN A", to="9704221234")
    )

    row = await only(house)
    kept = await house.database.read(lambda tx: raw_bytes.find(tx, row.id))
    assert (row.refs, row.memo, row.due_at) == ((), "", None)
    assert kept.sealed
    assert b"NGUYEN" not in kept.content


async def test_bytes_whose_time_is_over_cannot_be_read_again(house, growing):
    await receive(house.hub, "till", told(house, "x"))
    row = await only(house)
    await house.database.write(lambda tx: raw_bytes.erase(tx, [row.id]))

    with pytest.raises(Conflict, match="gone"):
        await retry(house.hub, row.id)

    assert not (await show(house.hub, row.id, raw=True)).kept


async def test_bytes_that_were_sealed_with_another_secret_are_not_shown(house, growing):
    await receive(house.hub, "till", told(house, "x"))
    row = await only(house)
    house.hub.secret = Masters.of(b"another secret of thirty-two chars")

    with pytest.raises(Conflict, match="secret key"):
        await show(house.hub, row.id, raw=True)


async def test_an_orphan_is_counted_apart_from_what_waits(house):
    await house.notice("of nobody", money=False)

    before = await house.database.read(inbox.waiting)
    await house.handle()

    assert before == 1
    assert await house.database.read(inbox.waiting) == 0
    assert await house.database.read(inbox.troubled) == {"orphan": 1}
    assert (await only(house)).state == "orphan"


async def test_an_orphan_finds_its_owner_when_it_is_retried(house):
    await house.notice("till-0")
    await house.handle()
    payment_id, ref = await house.open()
    assert ref == "till-0"

    await retry(house.hub, (await only(house)).id)
    await house.handle()

    assert ((await only(house)).state, (await only(house)).payment_id) == ("handled", payment_id)
