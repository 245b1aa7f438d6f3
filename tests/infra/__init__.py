"""Real servers and a real browser for the tests; every one is found or made by the test command."""
