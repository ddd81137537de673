"""A lab on another machine: what commands ask of an engine, answered over the HTTP API."""
