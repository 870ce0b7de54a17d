"""What the tests of large messages share: a message as the agent divides it, a
msgraphd whose application may make drafts, and what was asked of Graph."""

from __future__ import annotations

import itertools
import os
import random
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from emulator.client import Emulator, Request

from .daemon import Daemon, Reply
from .daemon_alone import shared_m365  # noqa: F401

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}:{CLIENT}"
SECRET = "s3cr3t~with+odd/chars=&%"
BOTH = ["Mail.Send", "Mail.ReadWrite"]
RANGE = 12 * 327680
NUMBERS = itertools.count()
RANDOM = random.Random(1)
GARBAGE = RANDOM.randbytes(1 << 20)


@dataclass
class Part:
    """What the agent took out of a message."""
    size: int
    name: str = "scan.pdf"
    type: str = "application/pdf"
    inline: bool = False
    id: str = ""
    content: bytes = b""

    def __post_init__(self) -> None:
        start = RANDOM.randrange(1 << 19)
        repeats = self.size // (1 << 19) + 1
        self.content = (GARBAGE[start:start + (1 << 19)]
                        * repeats)[:self.size]

    def lines(self, offset: int) -> str:
        text = (f"attachment={offset},{self.size}\n"
                f"attachment-name={self.name}\nattachment-type={self.type}\n"
                f"attachment-inline={'yes' if self.inline else 'no'}\n")
        return text + (f"attachment-id={self.id}\n" if self.id else "")

    def described(self) -> dict:
        return {"name": self.name, "contentType": self.type,
                "isInline": self.inline, "contentId": self.id or None,
                "size": self.size}


@dataclass
class Large:
    """A message and what was taken out of it, as the agent spools them."""
    parts: list[Part]
    rest: bytes = b""
    mailbox: str = "scan@example.com"
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rest = self.rest or (
            f"From: {self.mailbox}\r\nTo: rcpt@example.org\r\n"
            f"Message-ID: <{next(NUMBERS)}@example.com>\r\n"
            "Subject: large\r\n\r\nsee attachment\r\n").encode()

    def submit(self, daemon: Daemon, timeout: float = 60) -> Reply:
        spool, lines = self.rest, ""
        for part in self.parts:
            lines += part.lines(len(spool))
            spool += part.content
        return daemon.submit(
            spool, [(0, len(self.rest))], timeout, more=lines,
            identity=USER, mailbox=self.mailbox, **self.fields)

    def in_background(self, daemon: Daemon) -> threading.Thread:
        thread = threading.Thread(target=self.submit, args=(daemon,))
        thread.start()
        return thread

    def is_mail(self, mail) -> bool:
        return (mail.raw == self.rest
                and [{name: a[name] for name in self.parts[0].described()}
                     for a in mail.attachments]
                == [part.described() for part in self.parts]
                and all(mail.attachment(i) == part.content
                        for i, part in enumerate(self.parts)))


@pytest.fixture
def m365(shared_m365):
    shared_m365.reset()
    shared_m365.app(TENANT, CLIENT, SECRET, permissions=BOTH)
    return shared_m365


@pytest.fixture
def daemon(m365, tmp_path):
    settings = {"login_endpoint": m365.url, "graph_endpoint": m365.url,
                "ca_file": m365.ca_file, "connect_timeout": "2s",
                "request_timeout": "10s"}
    with Daemon(tmp_path, settings) as daemon:
        daemon.auth(USER, SECRET)
        yield daemon


def restart(daemon: Daemon, number: int = 9, **settings: str) -> None:
    daemon.stop(number)
    daemon.settings.update(settings)
    daemon.start()


def steps(m365: Emulator) -> list[str]:
    """What was asked of Graph and the upload host, but for tokens."""
    return [{"GET": "ask", "PUT": "put"}.get(r.method, r.endpoint)
            if r.endpoint == "upload" else r.endpoint
            for r in m365.requests() if r.endpoint != "token"]


def ranges(m365: Emulator) -> list[str]:
    return [r.header("Content-Range") for r in puts(m365)]


def puts(m365: Emulator) -> list[Request]:
    return [r for r in m365.requests("upload") if r.method == "PUT"]


def rows(daemon: Daemon) -> int:
    """Drafts in the state of a daemon that does not run."""
    file = Path(daemon.settings["state_directory"]) / "state.db"
    with sqlite3.connect(file) as state:
        count = state.execute("SELECT count(*) FROM draft").fetchone()[0]
    state.close()
    return count


def descriptors(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def assert_clean(m365: Emulator, daemon: Daemon) -> None:
    """No draft is left, neither there nor here."""
    Daemon.wait(lambda: not m365.drafts())
    daemon.stop()
    assert rows(daemon) == 0
