"""Tests of the live push between processes."""
