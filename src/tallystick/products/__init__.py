"""What can be sold: a folder for each product, with the same inner order."""
