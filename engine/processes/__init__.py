"""Other programs: run to their end and ended with all that they start, told apart, bounded."""
