"""The names of what is measured of a build, with their units; rows and exports have them."""

from __future__ import annotations

from enum import StrEnum


class MeasureName(StrEnum):
    """What is measured of a build."""

    RECORDED = "recorded"
    """That it was measured at all: 1."""

    ATTEMPTS = "attempts"
    """Passes through the pipeline: 1, and one more for each repair."""

    FAILURE = "failure"
    """1, of a build that failed; the label says of what: ``STAGE CODE``."""

    IMAGE_SIZE = "image_size"
    """Bytes of the app that is flashed."""

    MEMORY_USED = "memory_used"
    """Bytes that the program takes of a memory or partition, which the label names."""

    MEMORY_SIZE = "memory_size"
    """Bytes of that memory, where known."""

    COMPILE_TIME = "compile_time"
    """Seconds that compiling its source files took, as one core would take, about."""

    COMPILED_FILES = "compiled_files"
    """Source files that it compiled."""

    TESTS = "tests"
    """Tests that ran."""

    TESTS_PASSED = "tests_passed"
    TESTS_FAILED = "tests_failed"
    TESTS_IGNORED = "tests_ignored"

    TEST_TIME = "test_time"
    """Seconds that its tests took, of those that say how long."""


UNITS = {
    MeasureName.IMAGE_SIZE: "bytes",
    MeasureName.MEMORY_USED: "bytes",
    MeasureName.MEMORY_SIZE: "bytes",
    MeasureName.COMPILE_TIME: "s",
    MeasureName.TEST_TIME: "s",
}
"""Units; a measure that is not here is a number of things."""
