"""What systemd hears of msgraph-milter: signs of life as long as libmilter answers,
however much it has to do, and none when it does not."""

from __future__ import annotations

import os
import re
import resource
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.freeze import frozen
from harness.milter import Milter
from harness.ports import free_ports
from harness.wait import wait_for

SECOND = 1_000_000  # as WATCHDOG_USEC counts
CONNECTIONS = 1000
USER = (b"11111111-2222-3333-4444-555555555555@"
        b"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")


class Watched:
    """A milter that systemd watches, which the test is."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "notify"))
        self.socket.settimeout(30)
        self.milter = Milter(directory, **settings).ask_stand_in()

    def start(self, **more: str) -> Watched:
        self.milter.start(env={
            **os.environ, "NOTIFY_SOCKET": self.socket.getsockname(), **more})
        return self

    def pings(self, count: int) -> None:
        """Waits for so many."""
        while count > 0:
            count -= self.socket.recv(100) == b"WATCHDOG=1"

    def forget(self) -> None:
        """What has been said up to now."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(100):
                pass
        except BlockingIOError:
            pass
        self.socket.settimeout(30)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.milter.process.pid}/fd"))

    def threads(self) -> dict[int, str]:
        folder = Path(f"/proc/{self.milter.process.pid}/task")
        return {int(task.name): (task / "comm").read_text().strip()
                for task in folder.iterdir()}

    def close(self) -> None:
        if self.milter.process.poll() is None:
            assert self.milter.stop() == 0, self.milter.log()
        self.milter.close()
        self.socket.close()


@pytest.fixture
def watched():
    with tempfile.TemporaryDirectory(prefix="milter") as directory:
        watched = Watched(Path(directory))
        yield watched
        watched.close()


def test_signs_of_life(watched):
    watched.start(WATCHDOG_USEC=str(SECOND)).pings(3)
    # nobody but systemd hears of it
    assert len(watched.milter.log().splitlines()) == 1, watched.milter.log()


def test_many_connections(watched):
    """They are no fault: those that say nothing, those that have begun, and those
    that wait for a msgraphd that does not answer."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        min(most, 4 * CONNECTIONS), most))
    watched.start(WATCHDOG_USEC=str(4 * SECOND))
    watched.milter.policy.stalls = True
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            if number % 2 == 0:
                silent = stack.enter_context(socket.socket(socket.AF_UNIX))
                silent.connect(watched.milter.socket)
                continue
            mta = stack.enter_context(watched.milter.mta())
            if number % 5 == 0:
                mta.send(b"D", b"M{mail_addr}\0a@example.com\0"
                               b"{auth_authen}\0" + USER + b"\0")
                mta.send(b"M", b"<a@example.com>\0")
        wait_for(lambda: watched.descriptors() > CONNECTIONS, "all of them")
        assert len(watched.milter.policy.questions) > CONNECTIONS // 20
        watched.forget()
        watched.pings(2)
        watched.milter.policy.release()
    assert "does not answer" not in watched.milter.log()


def test_libmilter_stands_still(watched):
    watched.start(WATCHDOG_USEC=str(SECOND)).pings(1)
    libmilters = [thread for thread, name in watched.threads().items()
                  if name != "watchdog" and
                  thread != watched.milter.process.pid]
    assert len(libmilters) > 1
    with frozen(libmilters):
        watched.milter.wait_log("does not answer itself on .* no answer in t")
        watched.forget()
        mark = len(watched.milter.log())
        wait_for(lambda: len(re.findall(
            "does not answer", watched.milter.log()[mark:])) > 2, "questions")
        with pytest.raises(BlockingIOError):
            watched.socket.setblocking(False)
            watched.socket.recv(100)
        watched.socket.settimeout(30)
    watched.pings(2)


@pytest.mark.parametrize("more", [{}, {
    "WATCHDOG_USEC": str(SECOND), "WATCHDOG_PID": "1"}])
def test_nobody_watches(watched, more):
    """Only who is named in WATCHDOG_PID is."""
    watched.start(**more)
    assert watched.socket.recv(100) == b"READY=1\nSTATUS="
    assert "watchdog" not in watched.threads().values()


def test_a_socket_of_another_kind(watched):
    """That is not asked."""
    watched.milter.configure(milter_socket=f"inet:{free_ports(1)[0]}@127.0.0.1")
    watched.start(WATCHDOG_USEC=str(SECOND)).pings(2)
