"""Opens the database that a URL names, whichever it is."""

from sqlalchemy import make_url

from tallystick.domain.errors import NotConfigured
from tallystick.store.database import Database


def open_database(url: str) -> Database:
    """`sqlite:///file.db` or `postgresql://user@host/name`. Raises NotConfigured for others."""
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        # Imported where it is used: each needs its own driver.
        from tallystick.store.sqlite import SqliteDatabase

        return SqliteDatabase(url)
    if kind == "postgresql":
        from tallystick.store.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(url)
    raise NotConfigured(f"The database is sqlite:///… or postgresql://…, not {kind}://.")
