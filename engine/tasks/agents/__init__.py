"""Agents of a task: steps, the Assembler, the gate and what collects their context."""
