"""Webhooks of GitHub, GitLab and Gitea: kept when they come, then worked off."""
