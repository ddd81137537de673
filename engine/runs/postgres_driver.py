"""Puts off the loading of psycopg, which DBOS imports whichever database it is to use.

Runs are kept in SQLite. The driver of PostgreSQL, with the libraries that it brings, is a tenth of
the memory of an engine that does nothing: a stand-in has its name until something of it is wanted.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_NAME = "psycopg"
_LIBRARIES = ("psycopg_binary", "psycopg_c")  # one has the client library of PostgreSQL
_LOADING = threading.RLock()


class _StandIn(ModuleType):
    """A module that is loaded when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            # What looks through all modules (inspect.getmodule) wants nothing of this one.
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _LOADING:  # else a second thread would take away what the first one is loading
            for each in (_NAME, f"{_NAME}.errors"):
                if isinstance(sys.modules.get(each), _StandIn):
                    del sys.modules[each]
            return getattr(import_module(self.__name__), name)


def put_off() -> None:
    """Have ``import psycopg`` and ``from psycopg import errors`` load nothing yet.

    A driver of which a part is missing fails as DBOS is imported, and not in the midst of a run.
    """
    if _NAME in sys.modules or (spec := find_spec(_NAME)) is None:
        return
    if spec.origin is None or not any(map(find_spec, _LIBRARIES)):
        return
    driver = _StandIn(_NAME)
    vars(driver)["__path__"] = spec.submodule_search_locations  # else it is asked for at once
    vars(driver)["errors"] = _StandIn(f"{_NAME}.errors")
    sys.modules[_NAME] = driver
