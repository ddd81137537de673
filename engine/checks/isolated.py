"""Runs a check in a process of its own, with bounds on time, memory and output."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine import process
from engine.checks.base import CheckContext, CheckResult, bounded
from engine.checks.registry import FoundCheck
from engine.enums import CheckStatus
from engine.errors import CancelledError, EspdeckError, ToolError
from engine.files import explain, read_file

MAX_STATE_CHARACTERS = 10_000
"""Characters of what a result depends on; of a longer one a result never stands."""

_MAX_ANSWER_BYTES = 4 << 20
_RUN_FOLDER = ".run"  # of a check's output: its current folder, request and answer, while it runs


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of a check ended.

    Args:
        result: what it came to; None where its earlier result stands.
        state: what the result depends on; empty for nobody knows.
    """

    result: CheckResult | None
    state: str


def run_isolated(
    check: FoundCheck, context: CheckContext, *, state: str, max_memory_bytes: int
) -> Ended:
    """Run a check to its end; whatever it does is its result.

    Args:
        state: of the earlier result that may stand; empty for none.
        max_memory_bytes: that it may use with all processes that it starts.

    Raises:
        CancelledError, Interrupted: as ``context.cancel`` says.
    """
    # Not where others leave things: who is killed here is followed by who clears it.
    folder = context.output / _RUN_FOLDER
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        request, answer = folder / "request", folder / "answer"
        said = {
            "context": _as_json(context),
            "state": state,
            "max_memory_bytes": max_memory_bytes,
        }
        request.write_text(json.dumps(said), "utf-8")
        places = [check.place, str(answer), str(request)]
        done = process.run(
            [sys.executable, "-P", "-m", "engine.checks.child", *places],
            timeout=context.timeout,
            cancel=context.cancel,
            cwd=folder,
            clean_env=not check.is_own,
            max_memory_bytes=max_memory_bytes,
        )
        if done.returncode != 0:
            return _failed(f"ended early ({_how(done)}): {_last_line(done.tail)}")
        return _read(json.loads(read_file(answer, _MAX_ANSWER_BYTES)), state)
    except CancelledError:
        raise
    except ToolError as error:  # it took too long, or too much memory
        return _failed(str(error).replace(f"{Path(sys.executable).name}: ", "", 1))
    except OSError as error:
        return _failed(explain(error))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        return _failed(f"its answer is not valid: {error!r}")
    except EspdeckError as error:
        return _failed(str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(answer: dict[str, Any], before: str) -> Ended:
    """What an answer says; a check may have written it itself, past what its process keeps to."""
    state = str(answer["state"])[:MAX_STATE_CHARACTERS]
    if before and state == before and answer.get("unchanged"):
        return Ended(None, state)
    result = CheckResult(answer["status"], answer["message"], answer["details"])
    return Ended(bounded(result), state)


def _failed(message: str) -> Ended:
    return Ended(CheckResult(CheckStatus.ERROR, message), "")


def _how(done: process.Completed) -> str:
    code = done.returncode
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1][:300]


def _as_json(context: CheckContext) -> dict[str, Any]:
    said: dict[str, Any] = {
        each.name: getattr(context, each.name) for each in fields(context) if each.name != "cancel"
    }
    previous = context.previous
    return said | {
        "tree": str(context.tree),
        "repository": str(context.repository),
        "output": str(context.output),
        "options": dict(context.options),
        "now": context.now.isoformat(),
        "previous": previous
        and {
            "status": previous.status,
            "message": previous.message,
            "details": dict(previous.details),
        },
    }
