"""Calls each operation of the HTTP API many times, right and wrong: no answer is unexpected."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.bench.table import show
from tests.engine.server.contract import call_all, document, lab


def main() -> None:
    """Say how many operations were called, and what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench contract")
    parser.add_argument("--examples", type=int, default=25, help="of each operation and kind")
    examples = parser.parse_args().examples
    warnings.simplefilter("ignore")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as called:
        operations = sum(map(len, document(called)["paths"].values()))
        wrong = call_all(called, examples)
    row = (operations, examples, len(wrong), f"{time.monotonic() - began:.0f}")
    show("The HTTP API's contract", ("operations", "examples", "wrong", "s"), [row])
    print(*wrong, sep="\n\n")
    sys.exit(bool(wrong))
