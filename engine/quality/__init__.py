"""The quality gate: what tools measure of a source tree and its build, held against thresholds."""
