"""The messages in a folder: *.eml and other files, maildirs, mboxes. A message
is told by its place, so that nobody has to hold more than one in memory."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_MAIL = re.compile(rb"(?im)^(from|date|subject|received|message-id|to|"
                   rb"return-path)[ \t]*:")
_MBOX = re.compile(rb"From .*\d\d?:\d\d")
LINE = 65536  # of a line, so much is looked at in one piece


@dataclass(frozen=True)
class Source:
    """A message, as bytes of a file."""

    path: bytes
    at: int
    size: int
    number: int = 0  # in an mbox, from 1

    @property
    def label(self) -> str:
        """The name on one line; bytes that are no text as \\xNN."""
        name = self.path.decode("utf-8", "backslashreplace")
        name = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
        return f"{name}:{self.number}" if self.number else name

    def read(self, most: int) -> bytes:
        """Its first bytes, at most so many."""
        with open(self.path, "rb") as file:
            file.seek(self.at)
            return file.read(min(self.size, most))


def messages(top: bytes) -> Iterator[Source]:
    """Each message below a folder, by name; or of one file. What is neither
    named like a message nor begins like one is passed over."""
    if not os.path.isdir(top):
        yield from _of_file(top)
        return
    for folder, names, files in os.walk(top):
        if {b"cur", b"new", b"tmp"} <= set(names):
            names.remove(b"tmp")  # what is being delivered
        names.sort()
        for name in sorted(files):
            yield from _of_file(os.path.join(folder, name))


def _of_file(path: bytes) -> Iterator[Source]:
    status = os.stat(path, follow_symlinks=os.path.exists(path))
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return
    with open(path, "rb") as file:
        start = file.read(LINE)
    head = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    named = path.lower().endswith(b".eml")
    if _MBOX.match(start) and not named:
        yield from _of_mbox(path)
    elif named or _FIELD.match(start) and _MAIL.search(head):
        yield Source(path, 0, status.st_size)


def _of_mbox(path: bytes) -> Iterator[Source]:
    """A message begins behind a "From " line after an empty one."""
    number, begin, at = 0, 0, 0
    blank, whole = True, True  # the line before: is empty; has its end
    with open(path, "rb") as file:
        while line := file.readline(LINE):
            if whole and blank and _MBOX.match(line):
                if number:
                    yield Source(path, begin, at - begin, number)
                number, begin = number + 1, at + len(line)
            blank = whole and line in (b"\n", b"\r\n")
            whole = line.endswith(b"\n")
            at += len(line)
    yield Source(path, begin, at - begin, number)
