"""The system and service manager systemd: what espdeck tells it, writes for it, and asks of it."""
