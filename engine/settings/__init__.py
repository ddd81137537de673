"""Settings: defaults, the TOML file, a profile of it, ``ESPDECK_*`` variables, flags, in order.

:class:`Settings` reads them all; :mod:`engine.settings.models` says what there is. What looks at
them from outside (where a value comes from, mistakes of a file, changes) and what edits the file is
in modules of their own, which no start loads.
"""

from __future__ import annotations

from engine.llm_settings import LlmSettings as LlmSettings
from engine.llm_settings import ModelSettings as ModelSettings
from engine.settings.load import Settings as Settings
from engine.settings.load import SettingsSource as SettingsSource
from engine.settings.models import BoardSettings as BoardSettings
from engine.settings.models import CheckSchedule as CheckSchedule
from engine.settings.models import CheckSettings as CheckSettings
from engine.settings.models import DocIndexSettings as DocIndexSettings
from engine.settings.models import LogSettings as LogSettings
from engine.settings.models import ProjectSettings as ProjectSettings
from engine.settings.models import QualitySettings as QualitySettings
from engine.settings.models import RepairSettings as RepairSettings
from engine.settings.models import WatchSettings as WatchSettings
from engine.settings.sources import config_file as config_file
