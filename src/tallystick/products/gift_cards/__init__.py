"""Gift cards: a code that is worth money, bought by payment and spent in parts."""
