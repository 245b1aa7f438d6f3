"""What the pages promise, held against the program."""
