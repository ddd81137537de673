"""Repairs of sources: by rules that fit known errors, or by a model's answer."""
