"""The six firmware agents, one file a role, and their helpers."""
