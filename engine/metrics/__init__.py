"""Metrics: what is measured of builds and checks, statistics of it, and its forms for others."""
