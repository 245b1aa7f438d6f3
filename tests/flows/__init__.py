"""Tests of the flows on a real store, each on SQLite and on PostgreSQL."""
