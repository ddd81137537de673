"""What pytest loads from this folder while a suite runs; no module of the engine."""
