"""Periodic looks at projects: their results, their schedule, plugins."""
