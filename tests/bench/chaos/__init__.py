"""Processes of espdeck killed at random moments, and what that leaves: see ``bench_chaos``."""
