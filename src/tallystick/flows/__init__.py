"""The story of the money, one file per verb. Start with checkout, receive and settle."""
