"""What merchants embed: the Python client and the browser package."""
