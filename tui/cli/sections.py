"""Under which heading ``espdeck --help`` lists each command, in the order of a first day."""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "First steps": ("demo", "doctor", "guide", "config"),
    "Projects": ("add", "projects", "sync", "edit", "remove", "apps", "menuconfig"),
    "Builds": ("build", "builds", "show", "compare", "cancel", "retry", "fix", "size", "artifacts"),
    "Boards": (
        "boards",
        "monitor",
        "sessions",
        "reserve",
        "release",
        "name",
        "reset",
        "power",
        "lab",
    ),
    "Flash": ("flash", "verify", "read-flash", "erase", "partitions", "efuses"),
    "Quality": ("gate", "check", "checks", "stats"),
    "Models": ("models", "workflow", "pipeline", "task", "mcp"),
    "Lab machine": ("daemon", "serve", "web", "notify", "db", "gc"),
    "HTTP API": ("token", "audit", "approve", "webhooks"),
}
"""Names of commands by heading; each command has one."""
