"""HTTP in, a call of a flow, HTTP out. No decisions are made here."""
