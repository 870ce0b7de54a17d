"""What a document tells an admin to type, typed as it stands there: on a copy
of this host (tests/on-copy), so paths, ports and users are the document's."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import document, example
from .wait import wait_for

TIMEOUT = 300  # seconds, for one command, such as a build
DONE: set[str] = set()  # commands as the documents have them


@dataclass
class Step:
    command: str  # its beginning
    shows: str = ""  # what it prints, as a regular expression
    status: int = 0
    here: dict[str, str] = field(default_factory=dict)  # other words here
    types: str = ""  # where it asks, each time
    reads: str = ""  # as standard input
    folder: Path = example.ROOT
    logged: str = ""  # what the mail log has then

    def __str__(self) -> str:
        return self.command[:60]


def follow(name: str, step: Step) -> str:
    """Returns what the command printed, on both ways."""
    command = document.command(name, step.command)
    DONE.add(command)
    for there, here in step.here.items():
        command = example.replace(command, there, here)
    mark = len(mail_log())
    status, said = run(command, step)
    assert status == step.status, f"{command}: status {status}\n{said}"
    assert re.search(step.shows, said, re.M), (
        f"{command}: not {step.shows!r}\n{said}")
    if step.logged:
        wait_for(lambda: re.search(step.logged, mail_log()[mark:]),
                 f"{step.logged!r} in the log")
    return said


def follow_block(name: str, start: str) -> str:
    """All commands of the block whose first one begins so, as one script."""
    text = (example.ROOT / name).read_text()
    (block,) = [block for block in document.indented(text)
                if block.startswith(start)]
    DONE.update(document.typed(block))
    status, said = run(f"set -e\n{block}", Step(start))
    assert status == 0, f"{block}: status {status}\n{said}"
    return said


def run(command: str, step: Step) -> tuple[int, str]:
    if "journalctl" in command:  # what it has taken may not be written yet
        subprocess.run(["journalctl", "--sync"], check=True)
    if step.types:
        return run_at_terminal(command, step.types)
    # no pipe: what a command leaves running would hold it
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            ["sh", "-c", command], cwd=step.folder, text=True,
            input=step.reads, stdout=said, stderr=said, timeout=TIMEOUT,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        said.seek(0)
        return done.returncode, said.read()


def run_at_terminal(command: str, types: str) -> tuple[int, str]:
    """Types where it asks without an echo; what is typed before the echo is off
    may be thrown away."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", command])
    said, answered = b"", 0
    give_up = time.monotonic() + TIMEOUT
    while time.monotonic() < give_up:
        if select.select([terminal], [], [], 0.1)[0]:
            piece = read_terminal(terminal)
            if not piece:
                break
            said += piece
        elif asks(terminal, said[answered:]):
            os.write(terminal, types.encode() + b"\n")
            answered = len(said)
    os.close(terminal)  # hangs up on what still runs
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, said.decode().replace("\r\n", "\n")


def asks(terminal: int, said: bytes) -> bool:
    return said.rstrip(b" ").endswith(b":") and not (
        termios.tcgetattr(terminal)[3] & termios.ECHO)


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # its end
        return b""


def mail_log() -> str:
    return subprocess.run(
        ["journalctl", "--boot", "--facility=mail", "--no-pager", "-o",
         "short"], capture_output=True, text=True).stdout


def is_active(*units: str) -> bool:
    said = subprocess.run(["systemctl", "is-active", *units], text=True,
                          capture_output=True).stdout
    return set(said.split()) == {"active"}
