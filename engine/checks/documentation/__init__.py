"""What a repository's documentation says, and what became of what it speaks of."""
