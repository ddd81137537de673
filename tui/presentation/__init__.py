"""From what the engine says to rows and texts, for screens and command line."""
