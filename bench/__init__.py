"""Measures what users wait for, against what the machine itself can do, side by side in one run."""
