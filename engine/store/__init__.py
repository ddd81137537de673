"""The store: SQLModel tables on SQLite. SQL stays here, in functions that answer a question."""
