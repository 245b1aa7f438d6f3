"""Revenue: what orders earned, and who has a share in it."""
