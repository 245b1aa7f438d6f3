"""The commands that only a sandbox has."""
