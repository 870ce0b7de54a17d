"""A process that takes messages one by one, so that a reader that crashes or
hangs costs one message."""

from __future__ import annotations

import resource
import tempfile
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from oracle.readers import GMime, Lib

from .judge import Finding, findings
from .passage import Passage, envelope
from .sources import Source
from .views import Views

MEMORY = 2 << 30  # of the readers
MOST = 40 << 20  # over max_message_size: such a message is refused at MAIL
BEGINNING = 1 << 20  # enough of it


@dataclass
class Options:
    lib: Lib
    sender: str
    recipient: str
    agent: str = ""
    settings: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    status: str
    reason: str
    findings: list[Finding]


def work(connection: Connection, options: Options) -> None:
    """Answers each Source with a Report, until None."""
    with tempfile.TemporaryDirectory(prefix="folder") as folder:
        passage = Passage(Path(folder), options.agent, options.settings)
        views = Views(options.lib, GMime())
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
        try:
            while (source := connection.recv()) is not None:
                connection.send(one(source, passage, views, options))
        except EOFError:
            pass
        finally:
            passage.close()


def one(source: Source, passage: Passage, views: Views, options: Options
        ) -> Report:
    size = source.size
    try:
        message = source.read(MOST if size <= MOST else BEGINNING)
        passed = passage.take(message, size, envelope(
            message, options.sender, options.recipient))
    except OSError as error:
        return Report("wrong", "", [Finding("file", str(error))])
    if size > MOST and passed.status != "refused":
        return Report("wrong", "", [Finding(
            "milter", f"takes a message of {size} bytes")])
    try:
        found = findings(passed, message, views)
    except Exception:  # pylint: disable=broad-except
        last = traceback.format_exc().splitlines()
        found = [Finding("the check itself", " / ".join(last[-3:]))]
    return Report(passed.status, passed.reason, found)
