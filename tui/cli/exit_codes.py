"""Exit codes of the command line; the manual has a table of them."""

SUCCESS = 0
"""It went well."""

FAILED = 1
"""What was asked for was carried out and failed: a build, a check, a comparison."""

USAGE = 2
"""Nothing was carried out: a mistake of the command line, the settings or the machine."""

WARNING = 3
"""A check ended with a warning; the quality gate could not judge enough to let it pass; what came
of a task is not all that was asked for."""

BOARD_LOST = 4
"""A board vanished and did not come back, or was not to be had in time."""

INTERRUPTED = 130
"""Ctrl-C: 128 and the number of SIGINT, as shells have it."""

OUTPUT_CLOSED = 141
"""What read the output has gone: 128 and the number of SIGPIPE."""
