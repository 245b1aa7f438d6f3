"""One file per gateway: nothing outside this package knows a gateway's words."""
