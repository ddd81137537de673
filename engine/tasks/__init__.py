"""Tasks: runs whose agents are model roles: what is asked, shown and answered."""
