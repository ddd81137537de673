"""Agents: one file a role. An agent reads its context, calls tools and returns a result."""
