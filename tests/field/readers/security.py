"""Sources and settings with dangerous calls and secrets: what of it blocks, and what warns.

Found is what the tools find; C's calls are every name of which there is a ruling, as flawfinder
finds them. ``·`` is taken out of an input first: so that no token or key in these files looks like
one to those who scan this repository.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.quality import python_dangers, secrets
from engine.quality.c import dangers
from engine.quality.c.names import Names
from engine.quality.c.source import Source
from engine.quality.security_ratings import Rating, SecurityLevel
from engine.source.c_source import C_SUFFIXES
from tests.field.case import Case

BREAK = "·"


def read(case: Case) -> dict[str, object]:
    """Lines of what ``blocks`` and of what ``warns``.

    Told beside it: ``file``, its path in the repository; ``others``, texts of other files of the
    tree by name; ``look``, ``secrets`` where a source is looked at for these.
    """
    file = str(case.options.get("file", case.path.name))
    text = case.text.replace(BREAK, "")
    if case.options.get("look") != "secrets" and Path(file).suffix in C_SUFFIXES | {".ino"}:
        found = list(_calls(file, text, case.options.get("others", {})))
    elif case.options.get("look") != "secrets" and file.endswith(".py"):
        found = list(_python(text))
    else:
        found = list(_secrets(file, text))
    return {
        word.value: sorted(line for line, verdict in found if verdict.level is word)
        for word in (SecurityLevel.BLOCKS, SecurityLevel.WARNS)
    }


def _calls(file: str, text: str, others: dict[str, str]) -> Iterator[tuple[int, Rating]]:
    texts = {**others, file: text}
    names, source = Names(list(texts), texts.__getitem__), Source(text)
    for name, places in source.words.items():
        if dangers.rule_for(name) is None:
            continue
        for index in places:
            token = source.tokens[index]
            verdict, line = dangers.rate(
                names, source, name, token.line, token.column, default=SecurityLevel.BLOCKS
            )
            yield line, verdict


def _python(text: str) -> Iterator[tuple[int, Rating]]:
    from bandit.core.config import BanditConfig
    from bandit.core.manager import BanditManager

    logging.getLogger("bandit").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tool.py"
        path.write_text(text, "utf-8")
        manager = BanditManager(BanditConfig(), "file")
        manager.files_list = [str(path)]
        manager.run_tests()
    for issue in manager.results:
        if issue.severity in ("MEDIUM", "HIGH"):
            verdict = python_dangers.rate(issue.test_id, issue.severity, issue.confidence, text)
            yield issue.lineno, verdict


def _secrets(file: str, text: str) -> Iterator[tuple[int, Rating]]:
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    with tempfile.TemporaryDirectory() as folder, default_settings() as settings:
        settings.disable_plugins("IPPublicDetector")
        path = Path(folder) / Path(file).name
        path.write_text(text, "utf-8")
        found = [(each.type, each.line_number) for each in scan_file(str(path))]
    for _kind, line, verdict in secrets.rate(file, text, found):
        yield line, verdict
