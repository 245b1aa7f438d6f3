"""Each product against the conformance suite, and the names of all of them together."""
