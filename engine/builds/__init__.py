"""Builds: runs of the firmware pipeline, their results, fixes and quality gate."""
