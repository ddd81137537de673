"""Pipelines: stages as data, and the runner that carries them durably."""
