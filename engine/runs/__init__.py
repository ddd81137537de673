"""Runs: stages as data, and what carries them out durably, stage by stage."""
