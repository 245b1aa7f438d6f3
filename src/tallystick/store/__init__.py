"""All the SQL: plain functions of a transaction, the same on SQLite and on PostgreSQL."""
