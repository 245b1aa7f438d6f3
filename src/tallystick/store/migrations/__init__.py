"""The history of the schema, forward only, run by the program itself."""
