"""Tasks: steps of a workflow that go on once they are paid."""
