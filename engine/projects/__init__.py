"""Projects: repositories under watch, their worktrees, and what must hold before a build."""
