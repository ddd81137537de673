"""Runs: stages as data, and what carries them out durably, stage by stage."""

from engine.runs import postgres_driver

postgres_driver.put_off()  # before any module of this package imports DBOS
