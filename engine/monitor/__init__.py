"""Consoles: lines, input, boot logs, panics, core dumps, symbols, sessions, plots."""
