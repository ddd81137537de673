"""How long the questions of a run may be."""

from __future__ import annotations

from engine.llm.chat import CHARACTERS_A_TOKEN
from engine.llm.conversation import FIRST_QUESTION
from engine.tasks.context import TaskContext
from engine.tasks.plan import Form


def question_room(context: TaskContext) -> int:
    """Characters that every question to the roomiest of the models may have."""
    names = {context.stage.models.choose(*each) for each in context.plan.asked}
    tokens = max(context.stage.models.room(name) for name in names)
    # What all steps share has to fit into the questions that have least room: else it would be cut
    # for them alone, and a server would have to evaluate it anew.
    if any(step.form is Form.EDITS for step in context.plan.steps):
        tokens = int(tokens * FIRST_QUESTION)
    return tokens * CHARACTERS_A_TOKEN
