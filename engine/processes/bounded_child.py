"""The process of :class:`engine.processes.bounded.Reader`.

``python -m engine.processes.bounded_child MODULE FILE MEMORY IDLE``: a module with functions, the
number of an open file, bytes that it may take, seconds that it waits for a question.

A line of standard input is a question, a line of standard output its answer, both JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, BinaryIO

from engine.processes.bounded import IDLE_EXIT, MEMORY_ANSWER, TIME

_KERNEL_LIMIT_SECONDS = 5  # then what does not heed the signal is ended by the kernel
_MIN_TIMER_SECONDS = 0.001  # a timer of none is no timer
_AGAIN_SECONDS = 0.1  # what is raised in a destructor, or where parsers catch everything, is lost


def main() -> None:
    """Answer until nobody asks."""
    module, number, memory, idle = sys.argv[1:]
    # What the parsers print is not for the one who asked.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    functions = importlib.import_module(module)
    with contextlib.suppress(OSError, ValueError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(int(number), "rb") as file:
        while select.select([sys.stdin], [], [], float(idle))[0]:
            line = sys.stdin.buffer.readline()
            if not line:
                return
            question = json.loads(line)
            function = getattr(functions, question["function"])
            _limit(question["seconds"])
            found = answer(function, file, question["arguments"], question["seconds"])
            answers.write(found)
            answers.flush()
    sys.exit(IDLE_EXIT)


def answer(
    function: Callable[..., Any], file: BinaryIO, arguments: Sequence[Any], seconds: float
) -> bytes:
    """A line with what a function says, or with why it says nothing.

    Args:
        seconds: of the processor that it may cost; in the main thread alone.
    """
    signal.signal(signal.SIGPROF, _give_up)
    try:
        signal.setitimer(signal.ITIMER_PROF, max(seconds, _MIN_TIMER_SECONDS), _AGAIN_SECONDS)
        try:
            file.seek(0)
            return json.dumps({"value": function(file, *arguments)}).encode() + b"\n"
        finally:
            _stop_timer()
    except MemoryError:
        return MEMORY_ANSWER
    except TimeoutError:
        said = TIME
    except Exception as error:
        # The parsers raise whatever a broken file leads them to.
        said = f"{type(error).__name__}: {error}"[:300]
    return json.dumps({"failed": said}).encode() + b"\n"


def _stop_timer() -> None:
    while True:  # a signal may be on its way: of several that were late, one follows the other
        with contextlib.suppress(TimeoutError):
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, signal.SIG_IGN)
            return


def _limit(seconds: float) -> None:
    """Have the kernel end this process where Python code does not run to heed the signal."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + _KERNEL_LIMIT_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or until < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


if __name__ == "__main__":
    main()
