"""Workflows: roles, squads and step pipelines as data; what a model is shown, what comes of it."""
