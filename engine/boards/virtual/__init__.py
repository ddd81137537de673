"""Virtual boards: a chip behind a serial URL, in a process of its own."""
