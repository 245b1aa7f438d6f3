"""Audit: every invariant of the books, checked against the rows."""

from typing import Any

from tallystick.flows.hub import Hub


async def audit_job(hub: Hub) -> dict[str, Any]:
    """The daily run."""
    return {}
