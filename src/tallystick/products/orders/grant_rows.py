"""What buyers are let into: the wanted state of each, and how far it has come."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.access import Grant, GrantState, Wanted
from tallystick.products.orders.tables import access_grants

_MEANT = ("username", "person", "wanted", "state", "note", "updated_at")
_sqlite_want, _pg_want = sqlite_insert(access_grants), pg_insert(access_grants)
_WANT = {
    "sqlite": _sqlite_want.on_conflict_do_update(
        index_elements=["order_id"], set_={name: _sqlite_want.excluded[name] for name in _MEANT}
    ),
    "postgresql": _pg_want.on_conflict_do_update(
        index_elements=["order_id"], set_={name: _pg_want.excluded[name] for name in _MEANT}
    ),
}
_FIND = select(
    access_grants.c.order_id, access_grants.c.place, access_grants.c.username,
    access_grants.c.wanted, access_grants.c.state, access_grants.c.note,
).where(access_grants.c.order_id == bindparam("order_id"))  # fmt: skip
_REVOKE = (
    update(access_grants)
    .where(access_grants.c.order_id == bindparam("of_order"))
    .values(wanted=Wanted.REVOKED, updated_at=bindparam("now"))
)
_NOTE = (
    update(access_grants)
    .where(
        access_grants.c.order_id == bindparam("of_order"),
        # What was wanted, and for whom, may have changed while the answer was on its way.
        access_grants.c.wanted == bindparam("of_wanted"),
        access_grants.c.username == bindparam("of_username"),
    )
    .values(state=bindparam("state"), note=bindparam("note"), updated_at=bindparam("now"))
)


def want(tx: Connection, order_id: str, place: str, username: str, now: datetime) -> None:
    """Somebody is to be let in; for the same order again, somebody else instead."""
    values = {
        "order_id": order_id, "place": place, "username": username, "person": username.lower(),
        "wanted": Wanted.GRANTED, "state": GrantState.WAITING, "note": "", "created_at": now,
        "updated_at": now,
    }  # fmt: skip
    tx.execute(_WANT[tx.dialect.name], values)


def want_revoked(tx: Connection, order_id: str, now: datetime) -> bool:
    """They are to be let out; False where nobody was to be let in."""
    return tx.execute(_REVOKE, {"of_order": order_id, "now": now}).rowcount == 1


def find(tx: Connection, order_id: str) -> Grant | None:
    """What is wanted for an order, or None."""
    row = tx.execute(_FIND, {"order_id": order_id}).first()
    if row is None:
        return None
    return Grant(
        row.order_id, row.place, row.username, Wanted(row.wanted), GrantState(row.state), row.note
    )


_OTHERS = (
    select(access_grants.c.order_id)
    .where(
        access_grants.c.place == bindparam("place"),
        access_grants.c.person == bindparam("person"),
        access_grants.c.wanted == Wanted.GRANTED,
    )
    .limit(1)
)


def is_wanted(tx: Connection, grant: Grant) -> bool:
    """Whether any order lets the same person into the same place."""
    values = {"place": grant.place, "person": grant.username.lower()}
    return tx.execute(_OTHERS, values).first() is not None


def note(tx: Connection, grant: Grant, state: GrantState, words: str, now: datetime) -> bool:
    """How far it has come; False where something else is wanted by now."""
    values = {
        "of_order": grant.order_id, "of_wanted": grant.wanted, "of_username": grant.username,
        "state": state, "note": words, "now": now,
    }  # fmt: skip
    return tx.execute(_NOTE, values).rowcount == 1
