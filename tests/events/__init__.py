"""Events for merchants: the feed, and the deliveries to their systems."""
