"""espdeck's engine: the whole product without a screen.

Importing it is light; what is heavy comes with :meth:`Engine.open`::

    from engine import Engine, Settings

    with Engine(Settings.load()) as engine:
        project = engine.projects.add("https://github.com/me/firmware", targets=["esp32c3"])
        engine.projects.wait(project.id)
        build = engine.builds.wait(engine.builds.start(project.id).number)
        print(build.status, build.error)
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to load than what starts before every program
if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.settings import Settings

__all__ = ["Engine", "Settings"]


def __getattr__(name: str) -> object:
    if name == "Engine":
        from engine.engine import Engine

        return Engine
    if name == "Settings":
        from engine.settings import Settings

        return Settings
    raise AttributeError(name)
