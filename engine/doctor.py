"""Checks what is installed on this machine, what is missing and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
from pathlib import Path

from engine.boards import discovery, labgrid, ports
from engine.boards.lock_folder import LOCKS, LockFolder
from engine.boards.names import LABGRID, USB, check_names, is_virtual
from engine.boards.virtual.chips import CHIPS, RUNNABLE
from engine.daemon_doctor import look_at_daemons
from engine.doctor_check import DoctorCheck
from engine.enums import TARGETS
from engine.errors import EspdeckError, UsageError
from engine.quality import tools
from engine.settings import config_file
from engine.settings.file_check import strange_variables
from engine.settings.models import SettingsFile
from engine.simulators.base import find_simulators
from engine.store.database import sqlite_too_old
from engine.toolchains import idf_installs
from engine.toolchains.base import find_toolchains

_LOW_DISK_BYTES = 1 << 30


def run_doctor(settings: SettingsFile, *, wrong: str = "") -> tuple[DoctorCheck, ...]:
    """Look at everything that builds may need.

    Args:
        wrong: what is wrong with the settings, where ``settings`` stands in for them.
    """
    idf_installs.add_search_folders(settings.idf_paths)
    return (
        _python(),
        _git(),
        _workspace(settings.workspace),
        _settings(wrong),
        *_toolchains(),
        *_esp_idf(),
        *_simulators(),
        _virtual_board(),
        _suites(),
        _locks(settings),
        *_quality(),
        *(_board(name) for name in settings.boards),
        *look_at_daemons(settings.workspace),
    )


def _python() -> DoctorCheck:
    """Builds, logs and durable runs are kept by the SQLite that Python was made with."""
    detail = f"{platform.python_version()} with SQLite {sqlite3.sqlite_version}"
    too_old = sqlite_too_old()
    return DoctorCheck("python", not too_old, True, detail, too_old)


def _git() -> DoctorCheck:
    path = shutil.which("git")
    if path:
        return DoctorCheck("git", True, True, path)
    return DoctorCheck("git", False, True, "not on PATH", "install git")


def _workspace(folder: Path) -> DoctorCheck:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        return DoctorCheck(
            "workspace", False, True, f"{folder} cannot be written", "set ESPDECK_WORKSPACE"
        )
    free = shutil.disk_usage(there).free
    if free < _LOW_DISK_BYTES:
        detail = f"{folder}, {free >> 20} MB free"
        return DoctorCheck("workspace", False, False, detail, "free some space")
    return DoctorCheck("workspace", True, True, f"{folder}, {free >> 30} GB free")


def _settings(wrong: str) -> DoctorCheck:
    if wrong:
        advice = "correct it: espdeck config check lists every mistake"
        return DoctorCheck("settings", False, True, wrong, advice)
    path = config_file()
    detail = f"{path}" if path.is_file() else f"defaults (no {path})"
    strange = strange_variables(os.environ)
    if strange:
        detail += f"; {'; '.join(strange)}"
    advice = "espdeck config show lists settings with where they come from" if strange else ""
    return DoctorCheck("settings", not strange, False, detail, advice)


def _toolchains() -> list[DoctorCheck]:
    found = []
    for toolchain in find_toolchains():
        targets = sorted(toolchain.targets() & set(TARGETS))
        missing = [toolchain.missing(target) for target in targets]
        found.append(
            DoctorCheck(
                f"toolchain {toolchain.name}",
                None in missing,
                False,
                f"builds for {', '.join(targets)}",
                "" if None in missing else missing[0] or "",
            )
        )
    return found


def _esp_idf() -> list[DoctorCheck]:
    """Each ESP-IDF of this machine; which chips it is installed for, its tools say."""
    found = []
    for install in idf_installs.find_installs():
        lacking = {target: idf_installs.missing_for(install, target) for target in TARGETS}
        ready = [target for target, lack in lacking.items() if lack is None]
        detail = f"{install.path} ({install.named_by}), "
        detail += f"ready for {', '.join(ready)}" if ready else "ready for no target"
        advice = next((lack for lack in lacking.values() if lack), "")
        found.append(DoctorCheck(install.label, bool(ready), False, detail, advice))
    return found


def _simulators() -> list[DoctorCheck]:
    return [
        DoctorCheck(
            f"simulator {simulator.name}",
            simulator.missing() is None,
            False,
            f"runs {', '.join(sorted(simulator.targets))}",
            simulator.missing() or "",
        )
        for simulator in find_simulators()
    ]


def _virtual_board() -> DoctorCheck:
    ok = importlib.util.find_spec("labwired") is not None
    advice = "" if ok else "pip install 'espdeck[lab]'"
    runs, keeps = (", ".join(sorted(some)) for some in (RUNNABLE, CHIPS.keys() - RUNNABLE))
    return DoctorCheck("virtual board", ok, False, f"runs {runs}; keeps flash of {keeps}", advice)


def _suites() -> DoctorCheck:
    ok = importlib.util.find_spec("pytest_embedded_serial") is not None
    advice = "" if ok else "pip install 'espdeck[embedded]'"
    return DoctorCheck(
        "pytest-embedded", ok, False, "runs a project's pytest_*.py on its board", advice
    )


def _quality() -> list[DoctorCheck]:
    """The tools of the quality gate; what a missing one would measure is unknown there."""
    found = []
    for name, purpose in tools.MEASURES.items():
        ok = tools.is_installed(name)
        found.append(DoctorCheck(f"quality {name}", ok, False, purpose, "" if ok else tools.ADVICE))
    return found


def _locks(settings: SettingsFile) -> DoctorCheck:
    """Where users of this machine lock and reserve boards; alone, they collide."""
    own = settings.workspace / "boards" / LOCKS
    folder = LockFolder.find(settings.lock_folder, own)
    where, _, advice = folder.problem.partition("; ")
    detail = f"in {folder.path}" if folder.is_shared else f"of this workspace only ({where})"
    return DoctorCheck("board locks", folder.is_shared, False, detail, advice)


def _board(name: str) -> DoctorCheck:
    title, detail = f"board {name}", "asked for when it is used"
    try:
        check_names([name])
        if is_virtual(name):
            detail = "simulated"
        elif name.startswith(LABGRID):
            labgrid.check_installed()
        elif not ports.is_url(name):
            ports.check(discovery.device_of(name) if name.startswith(USB) else name)
            detail = "there and writable"
    except UsageError as error:
        return DoctorCheck(title, False, True, "no board's name", str(error))
    except EspdeckError as error:
        return DoctorCheck(title, False, False, "cannot be used", str(error))
    return DoctorCheck(title, True, False, detail)
