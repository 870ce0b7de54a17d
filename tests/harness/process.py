"""One of our programs as a process: its user, its log file, its end."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .wait import wait_for

BUILD = Path(os.environ.get(
    "MSGRAPH_BUILD", Path(__file__).resolve().parents[2] / "build"))

# A stop that takes longer than this hangs.
STOP_SECONDS = 30


class UsersMissing(Exception):
    """The users of the package are not there."""


def check_users() -> None:
    """The programs know each other by these names (SO_PEERCRED)."""
    try:
        for name in ("msgraph", "msgraphd"):
            pwd.getpwnam(name)
        member = "postfix" in grp.getgrnam("msgraph").gr_mem
    except KeyError:
        member = False
    if not member:
        raise UsersMissing("the users msgraph and msgraphd do not exist, or "
                           "postfix is not in group msgraph: run the tests "
                           "with tests/with-users in front")


class Process:
    """A program that stays in the foreground."""

    def __init__(self, name: str, command: list[str], user: str,
                 log_file: Path, is_ready: Callable[[], bool]) -> None:
        self.name = name
        self.command = command
        self.user = user
        self.log_file = log_file
        self.is_ready = is_ready
        self.popen: subprocess.Popen[bytes] | None = None

    def spawn(self, command: list[str] | None = None,
              pass_fds: tuple[int, ...] = ()) -> None:
        """Starts it and does not wait until it is ready."""
        user = pwd.getpwnam(self.user)
        groups = [group.gr_gid for group in grp.getgrall()
                  if self.user in group.gr_mem]
        with self.log_file.open("ab") as log:
            self.popen = subprocess.Popen(
                command or self.command, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd="/", user=user.pw_uid,
                group=user.pw_gid, extra_groups=groups, pass_fds=pass_fds)

    def start(self) -> None:
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        wait_for(lambda: self.is_ready() or not self.is_running(),
                 lambda: f"{self.name} to start:\n{self.log()}")
        assert self.is_running(), f"{self.name} ended:\n{self.log()}"

    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    @property
    def pid(self) -> int:
        assert self.popen is not None, f"{self.name} does not run"
        return self.popen.pid

    def stop(self, number: int = signal.SIGTERM) -> int | None:
        """Sends the signal and returns the exit status; None if it was not
        running."""
        if self.popen is None:
            return None
        popen, self.popen = self.popen, None
        if popen.poll() is None:
            popen.send_signal(number)
        try:
            return popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()
            raise AssertionError(f"{self.name} did not stop") from None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload(self, number: int = signal.SIGHUP) -> None:
        """Sends the signal and waits until the log says that it is done."""
        start = len(self.log())
        os.kill(self.pid, number)
        wait_for(lambda: "reloaded" in self.log()[start:],
                 f"{self.name} to reload")

    def log(self) -> str:
        try:
            return self.log_file.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def peak_memory(self) -> int:
        """The most memory it has had so far, in bytes."""
        return peak_memory(self.pid)


def put(source: Path, target: Path) -> None:
    """Installs a program or plugin as a file of its own, beside the present
    one, and renames it: to write into one that is mapped kills the processes
    that have it, and one that runs refuses to be written."""
    beside = target.with_name(target.name + ".new")
    shutil.copy(source, beside)
    beside.rename(target)


def peak_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no VmHWM")


def activated(helper: Path, command: list[str],
              sockets: dict[str, int]) -> list[str]:
    """The command as systemd would run it with these sockets (name: fd),
    which the caller passes on. helper is activate.py, where the program's
    user can read it."""
    numbers = [str(fd) for fd in sockets.values()]
    return [sys.executable, str(helper), ":".join(sockets),
            ",".join(numbers), *command]
