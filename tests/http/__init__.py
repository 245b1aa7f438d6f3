"""The hub as its callers meet it: over real HTTP, on both databases."""
