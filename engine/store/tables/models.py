"""What is known of models."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from engine.store.tables.columns import time_column, utc_now


class ModelFormatRow(SQLModel, table=True):
    """How many answers of a model were taken and refused that had changes in one edit format."""

    __tablename__ = "model_format"

    server: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    edit_format: str = Field(primary_key=True)
    accepted: int = 0
    refused: int = 0
    updated_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
