"""Telling browsers, as it happens. A lost message costs one poll, nothing else."""
