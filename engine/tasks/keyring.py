"""Brings the key of a task to the process that will execute it, without writing it anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from engine.daemon_control import ask_daemon, running_daemon
from engine.errors import ConflictError, EspdeckError
from engine.tasks.keys import TaskKeys


class TaskKeyring:
    """Hands keys of tasks on: to this process where it executes, else to the daemon.

    Args:
        workspace: whose daemon is asked.
        keys: of this process.
        executes: whether this process executes tasks.
    """

    def __init__(self, workspace: Path, keys: TaskKeys, executes: Callable[[], bool]) -> None:
        self._workspace, self._keys, self._executes = workspace, keys, executes

    def hold(self, workflow_id: str, key: SecretStr) -> None:
        """Hold a key here.

        Raises:
            ConflictError: this process executes nothing, or holds too many.
        """
        if not self._executes():
            raise ConflictError("another process executes tasks: it has to hold their keys")
        self._keys.hold(workflow_id, key)

    def bring(self, workflow_id: str, key: SecretStr) -> None:
        """Bring a key to where its task will be executed; before that is written down.

        Args:
            workflow_id: of the durable run that needs it.

        Raises:
            ConflictError: it cannot be brought there; one line.
        """
        if self._executes():
            self.hold(workflow_id, key)
            return
        if running_daemon(self._workspace) is None:
            raise ConflictError(
                "an api_key can only be handed to the daemon or used in this process, and neither "
                "executes tasks: espdeck daemon start, or set ESPDECK_LLM_API_KEY where they are "
                "executed"
            )
        try:
            ask_daemon(
                self._workspace, "hold_key", workflow=workflow_id, key=key.get_secret_value()
            )
        except EspdeckError as error:
            raise ConflictError(f"the api_key cannot be handed to the daemon: {error}") from error

    def forget(self, workflow_id: str) -> None:
        """Drop a key that is held here, as its task ended or was not asked for."""
        self._keys.forget(workflow_id)
