"""Postfix's part of many deliveries, with msgraphd alone: a backlog for each
application, and so many processes that hand messages over. Like qmgr it gives
the applications turns, and the mailboxes of each, with at most four messages
of a mailbox under way."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from .daemon import Daemon, Reply

OF_MAILBOX = 4  # msgraph_destination_concurrency_limit


@dataclass
class Delivery:
    user: str
    mailbox: str
    number: int
    queued: float  # time.monotonic()
    reply: Reply | None = None
    waited: float = 0  # seconds since it was queued


@dataclass
class Pipes:
    """with Pipes(daemon, 100) as pipes: pipes.queue(...); pipes.wait(...)"""
    daemon: Daemon
    processes: int
    backlog: list[Delivery] = field(default_factory=list)
    done: list[Delivery] = field(default_factory=list)
    under_way: Counter = field(default_factory=Counter)
    ended: Counter = field(default_factory=Counter)  # of each user
    stopped: bool = False

    def __post_init__(self) -> None:
        self.lists: dict[str, dict[str, deque[Delivery]]] = {}
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self._work)
                        for _ in range(self.processes)]

    def __enter__(self) -> Pipes:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    def queue(self, user: str, mailboxes: list[str], count: int) -> None:
        """So many messages, from each mailbox in turn."""
        with self.changed:
            boxes = self.lists.setdefault(user, {})
            for number in range(count):
                mailbox = mailboxes[number % len(mailboxes)]
                boxes.setdefault(mailbox, deque()).append(Delivery(
                    user, mailbox, len(self.backlog), time.monotonic()))
                self.backlog.append(boxes[mailbox][-1])
            self.changed.notify_all()

    def forget(self) -> None:
        """Drops what has not begun."""
        with self.changed:
            self.lists.clear()

    def of(self, user: str) -> list[Delivery]:
        with self.changed:
            return [d for d in self.done if d.user == user]

    def statuses(self, user: str) -> Counter:
        return Counter((d.reply.status, d.reply.dsn) for d in self.of(user))

    def wait(self, user: str, count: int, seconds: float) -> list[Delivery]:
        """Those of the user that have ended, at least so many."""
        Daemon.wait(lambda: self.ended[user] >= count, seconds)
        return self.of(user)

    def _next(self) -> Delivery | None:
        """The applications take turns, and so do their mailboxes."""
        for user in list(self.lists):
            boxes = self.lists[user]
            for mailbox in list(boxes):
                if self.under_way[mailbox] >= OF_MAILBOX:
                    continue
                found = boxes[mailbox].popleft()
                left = boxes.pop(mailbox)
                if left:
                    boxes[mailbox] = left
                self.lists[user] = self.lists.pop(user)
                if not boxes:
                    del self.lists[user]
                return found
        return None

    def _take(self) -> Delivery | None:
        with self.changed:
            while not self.stopped:
                if found := self._next():
                    self.under_way[found.mailbox] += 1
                    return found
                self.changed.wait()
        return None

    def _work(self) -> None:
        while found := self._take():
            text = (f"From: {found.mailbox}\r\nTo: rcpt@example.org\r\n\r\n"
                    f"number {found.number}\r\n")
            found.reply = self.daemon.submit(
                text.encode(), identity=found.user, mailbox=found.mailbox,
                queue_id=f"4F{found.number}", timeout=300)
            found.waited = time.monotonic() - found.queued
            with self.changed:
                self.done.append(found)
                self.ended[found.user] += 1
                self.under_way[found.mailbox] -= 1
                self.changed.notify_all()
