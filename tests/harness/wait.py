"""Waiting for a condition, with a deadline: the only way in which tests wait.

A guess at how long something takes is either too short on a busy machine or
too long on all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Long waits ask less often: some questions read a whole log.
SHORTEST, LONGEST = 0.005, 0.1  # seconds


def wait_for(condition: Callable[[], T], what: str | Callable[[], str],
             timeout: float = 60) -> T:
    """The first true value of condition(); AssertionError with `what` (or
    what it returns) when the time is up."""
    start = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - start
        if waited > timeout:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"waited {timeout:g} s for {text}")
        time.sleep(min(max(waited / 10, SHORTEST), LONGEST))
