"""Fixtures of the products' tests: the same database as the store's tests."""

from tests.store.conftest import database

__all__ = ["database"]
