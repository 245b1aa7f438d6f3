"""Who may enter the dashboard: links that work once, and the sessions they begin."""

from sqlalchemy import Column, Text

from tallystick.store.columns import Instant
from tallystick.store.schema.base import one_of, table

ROLES = ("admin", "operator", "reader")

dashboard_links = table(
    "dashboard_links",
    Column("token_hash", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    one_of("role", ROLES),
)

dashboard_sessions = table(
    "dashboard_sessions",
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    one_of("role", ROLES),
)
