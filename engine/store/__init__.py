"""The store: SQLModel tables on SQLite. SQL stays in this room, in functions that answer a question."""
