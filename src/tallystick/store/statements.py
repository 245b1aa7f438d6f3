"""How far each account's statement has been read."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from tallystick.store.schema.core import statements

_MINE = (
    statements.c.gateway == bindparam("of_gateway"),
    statements.c.account == bindparam("of_account"),
)
_FIND = select(statements.c.read_until).where(*_MINE)
_BEGIN = insert(statements)
_MOVE = (
    update(statements)
    .where(*_MINE, statements.c.read_until < bindparam("until"))
    .values(read_until=bindparam("until"))
)


def read_until(tx: Connection, gateway: str, account: str) -> datetime | None:
    """The time up to which everything was read, or None where nothing ever was."""
    return tx.execute(_FIND, {"of_gateway": gateway, "of_account": account}).scalar()


def begin(tx: Connection, gateway: str, account: str, at: datetime) -> None:
    """Read from here on: what came before is not ours to look for."""
    tx.execute(_BEGIN, {"gateway": gateway, "account": account, "read_until": at})


def move(tx: Connection, gateway: str, account: str, until: datetime) -> None:
    """Everything up to here was read; never goes back."""
    tx.execute(_MOVE, {"of_gateway": gateway, "of_account": account, "until": until})
