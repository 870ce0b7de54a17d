"""A msgraph-milter process, spoken to by an MTA of ours, and a stand-in for
the msgraphd that it asks."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import policyd
from .miltermta import Answer, MilterMTA
from .process import BUILD
from .wait import wait_for

PROGRAM = BUILD / "msgraph-milter"
STAMP = "X-MSGraph-Mailbox"


class Milter:
    """A msgraph-milter process with a short-named directory of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.socket = str(directory / "milter")
        self.conf = directory / "msgraph.conf"
        self.log_file = directory / "log"
        self.policy: policyd.PolicyDaemon | None = None
        self.configure(**settings)
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, **settings: str) -> None:
        merged = {"milter_socket": f"unix:{self.socket}",
                  "submit_socket": str(self.directory / "submit"),
                  "log_destination": "stderr", **settings}
        self.conf.write_text("".join(
            f"{name} = {value}\n" for name, value in merged.items()))

    def ask_stand_in(self) -> Milter:
        """Has a stand-in for msgraphd answer, until close()."""
        self.policy = policyd.PolicyDaemon(self.directory / "submit")
        self.policy.__enter__()
        return self

    def close(self) -> None:
        if self.policy is not None:
            self.policy.__exit__()
            self.policy = None

    def start(self, **popen: object) -> Milter:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-c", self.conf], stderr=log, **popen)
        self.wait_log(r"listening on")
        wait_for(self.is_settled, "libmilter's signal thread")
        return self

    def is_settled(self) -> bool:
        """A signal that comes before libmilter's own signal thread waits can
        end up there, which makes a stop slow. While it waits, it is the one
        thread beside the first that does not block SIGTERM."""
        blocked = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            mask = re.search(r"SigBlk:\s*(\w+)",
                             (task / "status").read_text()).group(1)
            blocked.append(int(mask, 16) >> (signal.SIGTERM - 1) & 1)
        return blocked.count(0) == 2

    def log(self) -> str:
        return self.log_file.read_text()

    def wait_log(self, pattern: str) -> re.Match[str]:
        def look():
            assert self.process.poll() is None, self.log()
            return re.search(pattern, self.log())
        return wait_for(look, f"{pattern} in the log")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def mta(self, **options: int) -> MilterMTA:
        return MilterMTA(self.socket, **options)


def running() -> Iterator[Milter]:
    """For a fixture. Has to end by itself and clean: a sanitizer's finding is
    a failure. Socket names have 107 bytes and pytest's own directories are
    long, hence this one."""
    with tempfile.TemporaryDirectory(prefix="milter") as directory:
        milter = Milter(Path(directory)).ask_stand_in().start()
        yield milter
        if milter.process.poll() is None:
            assert milter.stop() == 0, milter.log()
        milter.close()


def whole_stamp(answer: Answer) -> str | None:
    found = [v for n, i, v in answer.changes if n == STAMP and i == 0]
    assert len(found) <= 1
    return found[0] if found else None


def stamp(answer: Answer) -> str | None:
    """The mailbox in the stamp."""
    found = whole_stamp(answer)
    return found and found.rpartition("/")[0].rpartition(":")[2]
