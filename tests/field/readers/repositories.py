"""A repository: its apps, with toolchain and chips, their configurations, and what is none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from engine.projects.survey import survey
from engine.source.files import FolderFiles
from tests.field.case import Case
from tests.field.trees import unpack


def read(case: Case) -> dict[str, object]:
    """``apps`` as ``FOLDER TOOLCHAIN: CHIPS``, ``configurations`` as ``FOLDER NAME: CHIPS``,
    ``foreign`` as ``NAME | FILE``, and ``absence``: what is said when ``folder`` is to be built.
    """
    # What PlatformIO has on this machine is no part of the case.
    elsewhere = mock.patch.dict(os.environ, PLATFORMIO_CORE_DIR="/none")
    with tempfile.TemporaryDirectory() as folder, elsewhere:
        found = survey(FolderFiles(unpack(case.text, Path(folder))))
    return {
        "apps": [_line(app.label, app.toolchain, app.targets) for app in found.apps],
        "configurations": [
            _line(app.label, each.name, each.targets)
            for app in found.apps
            for each in app.configurations
        ],
        "foreign": [f"{each.name} | {each.file}" for each in found.unsupported],
        "absence": found.explain_absence(case.options.get("folder", "")),
    }


def _line(folder: str, name: str, targets: Iterable[str]) -> str:
    return " ".join((folder, f"{name}:", *targets))
