"""Waiting for a condition, with a deadline: the only way in which tests wait.

A guess at how long something takes is either too short on a busy machine or
too long on all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.01


def wait_for(condition: Callable[[], T], what: str | Callable[[], str],
             timeout: float = 15) -> T:
    """The first true value of condition(); AssertionError with `what` (or
    what it returns) when the time is up."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"waited {timeout:g} s for {text}")
        time.sleep(PAUSE_SECONDS)
