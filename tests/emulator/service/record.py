"""Every request that came, counters over them, and waiting for them.

A request passes three states: "arrived" (its head was read), "read" (its body
too) and "answered" (an answer is decided, and about to be sent). One whose
client left first ends as "cut"; one that a rule dropped as "dropped". What can
be waited for as well is "sent": the answer has left.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from .wire import Request

STATES = ("arrived", "read", "answered", "sent")


@dataclass
class Entry:
    """One request of the record."""

    seq: int
    time: float
    connection: int
    request: Request
    state: str = "arrived"
    status: int | None = None
    rule: int | None = None
    body_file: str | None = None
    body_length: int = 0
    answered_time: float | None = None

    def as_dict(self) -> dict[str, Any]:
        request = self.request
        return {
            "seq": self.seq, "time": self.time, "endpoint": request.endpoint,
            "method": request.method, "path": request.path,
            "target": request.target, "version": request.version,
            "headers": request.headers, "tenant": request.tenant,
            "client": request.client, "mailbox": request.mailbox,
            "state": self.state, "status": self.status, "rule": self.rule,
            "request_id": request.request_id, "connection": self.connection,
            "body_file": self.body_file, "body_length": self.body_length,
            "answered_time": self.answered_time,
        }


class Record:
    """The requests since the last reset; any thread may call."""

    # numbers go on over resets, so that no body file is written twice
    numbers = itertools.count(1)

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.changed = threading.Condition()
        self.closed = False
        self.entries: list[Entry] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.tokens: Counter[str] = Counter()
        self.now: Counter[tuple[str, str]] = Counter()
        self.most: Counter[tuple[str, str]] = Counter()
        self.mail = 0
        self.stalled = 0

    # --- the life of a request

    def arrive(self, request: Request, connection: int) -> Entry:
        with self.changed:
            entry = Entry(next(self.numbers), time.time(), connection, request)
            self.entries.append(entry)
            self._count(entry)
            return entry

    def read(self, entry: Entry, body: bytes) -> None:
        self.keep_body(entry, body)
        with self.changed:
            entry.state = "read"
            self._count(entry)
            if entry.request.endpoint == "token" and entry.request.client:
                self.tokens[_identity(entry.request)] += 1

    def answer(self, entry: Entry, status: int) -> None:
        with self.changed:
            entry.state = "answered"
            entry.status = status
            entry.answered_time = time.time()
            self._count(entry)

    def sent(self, entry: Entry) -> None:
        """The answer was written. The state is "answered" still."""
        with self.changed:
            self._count(entry, "sent")

    def end(self, entry: Entry, state: str) -> None:
        """The request got no answer: "cut" or "dropped"."""
        with self.changed:
            entry.state = state
            self.changed.notify_all()

    def keep_body(self, entry: Entry, body: bytes) -> None:
        """Writes a body, or the part of one that came, to its file."""
        path = self.directory / f"{entry.seq:06}.body"
        path.write_bytes(body)
        entry.body_file = str(path)
        entry.body_length = len(body)

    def _count(self, entry: Entry, state: str | None = None) -> None:
        self.counts[entry.request.endpoint, state or entry.state] += 1
        self.counts["any", state or entry.state] += 1
        self.changed.notify_all()

    # --- how many at once

    def enter(self, *keys: tuple[str, str]) -> None:
        with self.changed:
            for key in keys:
                self.now[key] += 1
                self.most[key] = max(self.most[key], self.now[key])

    def leave(self, *keys: tuple[str, str]) -> None:
        with self.changed:
            for key in keys:
                self.now[key] -= 1

    def at_once(self, key: tuple[str, str]) -> int:
        with self.changed:
            return self.now[key]

    # --- what tests ask

    def mail_kept(self) -> None:
        with self.changed:
            self.mail += 1
            self.changed.notify_all()

    def stall(self, step: int) -> None:
        """One more (1) or one less (-1) connection is held by a rule."""
        with self.changed:
            self.stalled += step
            self.changed.notify_all()

    def close(self) -> None:
        """Wakes every waiter: this record has been replaced."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait(self, current: Callable[[], int], count: int,
             timeout: float) -> int:
        """Waits until current() is at least count; returns the last value."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.closed or current() >= count, timeout)
            return current()

    def list(self, endpoint: str | None) -> list[dict[str, Any]]:
        with self.changed:
            return [entry.as_dict() for entry in self.entries
                    if endpoint in (None, "any", entry.request.endpoint)]

    def stats(self) -> dict[str, Any]:
        with self.changed:
            most: dict[str, dict[str, int]] = {}
            for (kind, key), count in self.most.items():
                most.setdefault(kind, {})[key] = count
            return {
                "token_requests": dict(self.tokens),
                "requests": {endpoint: count for (endpoint, state), count
                             in self.counts.items() if state == "arrived"},
                "max_simultaneous": most,
                "mail": self.mail,
                "stalled": self.stalled,
            }


def _identity(request: Request) -> str:
    return f"{request.tenant}/{request.client}"


def gauges(request: Request) -> list[tuple[str, str]]:
    """What a request counts for while it is under way."""
    if request.endpoint == "token" and request.client:
        return [("token", _identity(request))]
    if request.mailbox and request.endpoint != "upload":
        return [(request.endpoint, request.mailbox),
                ("graph", request.mailbox)]
    return []
