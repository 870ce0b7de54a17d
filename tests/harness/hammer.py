"""Clients that do the same thing again and again: guesses of secrets, from many
connections at once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

from .daemon import Daemon


def made_up() -> str:
    """A user of a tenant that nobody has."""
    return f"{uuid.uuid4()}:{uuid.uuid4()}"


def guess() -> str:
    return str(uuid.uuid4())


class Hammer:
    """with Hammer(90, attempt) as hammer: what attempt() returns is appended
    to hammer.answers."""

    def __init__(self, count: int, attempt: Callable[[], str]) -> None:
        self.attempt = attempt
        self.done = threading.Event()
        self.answers: list[str] = []
        self.threads = [threading.Thread(target=self._run)
                        for _ in range(count)]

    def _run(self) -> None:
        while not self.done.is_set():
            self.answers.append(self.attempt())

    def __enter__(self) -> Hammer:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self.threads:
            thread.join()


def guesses(daemon: Daemon,
            user: Callable[[], str] = made_up) -> Callable[[], str]:
    """An attempt at msgraphd's socket, with a wrong secret."""
    return lambda: daemon.auth(user(), guess())
