"""Calls to a merchant's own addresses."""
