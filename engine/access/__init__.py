"""Who may do what through the HTTP API, and who did."""
