"""Fixtures of the flows' tests: the same house as the store's tests."""

from tests.store.conftest import database, house

__all__ = ["database", "house"]
