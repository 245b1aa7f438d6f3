"""Tasks of a workflow, and the sessions in which somebody tries to pay them."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)

from tallystick.products.tasks.rules import TaskState
from tallystick.store.columns import Document, Instant, Whole
from tallystick.store.schema.base import index_where, one_of, table

tasks = table(
    "tasks",
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("service_type", Text),
    Column("callback_url", Text, nullable=False),
    Column("reference", Text),
    Column("owner_id", Text),
    Column("metadata", Document, nullable=False),
    # The session that completed it; there is never another.
    Column("payment_id", Text, ForeignKey("payments.id"), unique=True),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
    one_of("state", TaskState),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint(
        "(state = 'COMPLETED') = (payment_id IS NOT NULL)", name="completed_by_a_payment"
    ),
    CheckConstraint(
        "(state = 'COMPLETED') = (completed_at IS NOT NULL)", name="completed_has_its_time"
    ),
)
Index("ix_tasks_created", tasks.c.created_at, tasks.c.id)
Index("ix_tasks_state", tasks.c.state, tasks.c.created_at, tasks.c.id)
index_where("ix_tasks_reference", "reference IS NOT NULL",
            tasks.c.reference, tasks.c.created_at, tasks.c.id)  # fmt: skip

task_sessions = table(
    "task_sessions",
    Column("payment_id", Text, ForeignKey("payments.id"), primary_key=True),
    Column("task_id", Text, ForeignKey("tasks.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("task_id", "number"),
    append_only=True,
)
