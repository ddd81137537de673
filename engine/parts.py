"""Parts of the engine that are made when they are first asked for.

A command that lists builds then loads nothing of tasks, checks or webhooks: Python modules are most
of the time that a short command takes, and of the memory of one that stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, overload

T = TypeVar("T")


class HasParts(Protocol):
    """An object with parts; ``making`` is held while one is made, and parts are made of others."""

    making: threading.RLock


class part(Generic[T]):  # noqa: N801 (a decorator, as property is)
    """A method as an attribute that is made once, by whichever thread asks first.

    As :func:`functools.cached_property`, which from Python 3.12 on makes it twice for two threads.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: HasParts, owner: type) -> T: ...

    def __get__(self, instance: HasParts | None, owner: type) -> T | Self:
        if instance is None:
            return self
        with instance.making:
            made = vars(instance)
            if self._name not in made:
                made[self._name] = self._make(instance)
            result: T = made[self._name]
            return result
