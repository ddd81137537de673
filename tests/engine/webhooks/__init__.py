"""Webhooks: who sent them, what they say, and what comes of them."""
