"""A msgraphd that cannot start, as systemd runs it: the first attempt fails, the
next stands by, answers everybody at once, and goes on by itself when the
mistake is mended. The test plays systemd; tests/boot has the real one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.client import Emulator
from harness import activate
from harness.daemon import Daemon
from harness.wait import wait_for

NAMES = ("auth", "bounce", "submit", "admin")


class Unit:
    """msgraphd.service and its sockets."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon = daemon
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        self.notify.settimeout(10)
        self.listening = {}
        for name in NAMES:
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(daemon.settings[f"{name}_socket"])
            sock.listen(16)
            self.listening[name] = sock
        daemon.env |= {"NOTIFY_SOCKET": str(folder / "notify"),
                       "RUNTIME_DIRECTORY": str(self.runtime)}

    def spawn(self) -> None:
        fds = [sock.fileno() for sock in self.listening.values()]
        with self.daemon.log_file.open("ab") as log:
            self.daemon.process = subprocess.Popen(
                [sys.executable, activate.__file__, ":".join(NAMES),
                 ",".join(map(str, fds)), *self.daemon.command()],
                stderr=log, env=self.daemon.env, pass_fds=fds)

    def fail(self) -> str:
        """An attempt that must not stand by: what it writes."""
        mark = len(self.daemon.log())
        self.spawn()
        assert self.daemon.process.wait(10) == 78
        self.daemon.process = None
        said = self.daemon.log()[mark:]
        if "NOTIFY_SOCKET" in self.daemon.env:
            told = self.told()
            assert list(told) == ["STATUS"]
            assert told["STATUS"].startswith("cannot start: ")
            assert told["STATUS"].partition(": ")[2] in said
        return said

    def told(self) -> dict[str, str]:
        """The next that systemd hears."""
        text = self.notify.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def stand_by(self) -> str:
        """The status that systemd shows of one that stands by."""
        self.fail()
        self.spawn()
        told = self.told()
        assert told["READY"] == "1"
        return told["STATUS"]

    def close(self) -> None:
        self.daemon.stop()
        for sock in (self.notify, *self.listening.values()):
            sock.close()


@pytest.fixture
def unit(m365: Emulator, tmp_path: Path) -> Iterator[Unit]:
    daemon = Daemon(tmp_path, {
        "login_endpoint": m365.url, "graph_endpoint": m365.url,
        "ca_file": m365.ca_file})
    (tmp_path / "state").mkdir()
    daemon.log_file.touch()
    daemon.write_conf()
    unit = Unit(daemon, tmp_path)
    yield unit
    unit.close()


# --- mistakes: each is made, and mended

def misspell(unit: Unit) -> None:
    with unit.daemon.conf.open("a") as file:
        file.write("larg_messages = draft\n")


def spell(unit: Unit) -> None:
    unit.daemon.write_conf()


def make_key(unit: Unit, mode: int) -> None:
    key = Path(unit.daemon.settings["vault_key_file"])
    key.write_bytes(bytes(32))
    key.chmod(mode)


def lock_out(unit: Unit) -> None:
    make_key(unit, 0o644)


def let_in(unit: Unit) -> None:
    Path(unit.daemon.settings["vault_key_file"]).chmod(0o400)


def lose_state(unit: Unit) -> None:
    shutil.rmtree(unit.daemon.settings["state_directory"])


def find_state(unit: Unit) -> None:
    Path(unit.daemon.settings["state_directory"]).mkdir()


def hold_state(unit: Unit) -> None:
    make_key(unit, 0o400)
    unit.database = sqlite3.connect(
        Path(unit.daemon.settings["state_directory"]) / "state.db",
        isolation_level=None)
    unit.database.execute("BEGIN EXCLUSIVE")


def let_state_go(unit: Unit) -> None:
    unit.database.rollback()
    unit.database.close()


def spoil_socket(unit: Unit) -> None:
    """The last that is taken over: the others were served already."""
    sock = unit.listening["submit"]
    unit.listening["submit"] = socket.socket(socket.AF_UNIX)
    sock.close()


def lose_ca(unit: Unit) -> None:
    unit.daemon.conf.write_text(
        unit.daemon.conf.read_text().replace("ca_file = ", "ca_file = /no"))


MISTAKES = [
    pytest.param(lose_ca, spell, "open ca_file /no", id="ca_file"),
    pytest.param(misspell, spell, "larg_messages", id="setting"),
    pytest.param(lock_out, let_in, "has mode 0644", id="key"),
    pytest.param(lose_state, find_state, "/state", id="state"),
    pytest.param(hold_state, let_state_go, "locked", id="locked"),
]


@pytest.mark.parametrize("make, mend, reason", MISTAKES)
def test_nobody_waits_for_a_mistake(unit, make, mend, reason):
    make(unit)
    said = unit.fail()
    assert reason in said and len(said.splitlines()) == 1
    unit.spawn()
    told = unit.told()
    assert told["READY"] == "1"
    assert reason in told["STATUS"]
    began = time.monotonic()
    pid = unit.daemon.process.pid
    assert unit.daemon.auth("name", "secret") == ""
    assert unit.daemon.bounce("To: a@example.com") == ["NOTFOUND "]
    reply = unit.daemon.submit(b"Subject: x\r\n\r\n")
    assert (reply.status, reply.dsn) == ("deferred", "4.3.5")
    assert reason in reply.text
    [end] = unit.daemon.admin("status")
    assert end["status"] == "failed" and reason in end["text"]
    assert told["WATCHDOG"] == "1"
    assert time.monotonic() - began < 2
    mend(unit)
    wait_for(lambda: "started, " in unit.daemon.log(), "the start", 10)
    while (told := unit.told()).get("STATUS") != "":
        assert reason in told["STATUS"]
    assert told["READY"] == "1"
    assert unit.daemon.process.pid == pid
    assert unit.daemon.auth("name", "secret").startswith("NO ")
    lines = unit.daemon.log().splitlines()
    assert sum(reason in line for line in lines) == 2


def test_line_is_in_the_status(unit):
    misspell(unit)
    lines = unit.daemon.conf.read_text().count("\n")
    assert f"{unit.daemon.conf}:{lines}: " in unit.stand_by()


def test_reload_tries_at_once(unit):
    misspell(unit)
    unit.stand_by()
    spell(unit)
    began = time.monotonic()
    unit.daemon.process.send_signal(signal.SIGHUP)
    assert unit.told() == {"READY": "1", "STATUS": ""}
    assert time.monotonic() - began < 4


def test_stop_is_obeyed(unit):
    misspell(unit)
    unit.stand_by()
    assert unit.daemon.stop() == 0


def test_another_mistake_is_told_once(unit):
    misspell(unit)
    unit.stand_by()
    unit.daemon.conf.write_text("cloud = mars\n")
    for _ in range(2):
        while "mars" not in (told := unit.told())["STATUS"]:
            pass
        assert told["READY"] == "1"
    log = unit.daemon.log()
    # the file that cannot be read does not say where the log goes
    assert log.count("mars") == 1


def test_sockets_outlive_a_start_that_took_some(unit):
    spoil_socket(unit)
    assert "submit" in unit.stand_by()
    assert unit.daemon.auth("name", "secret") == ""
    assert unit.told()["READY"] == "1"  # it has tried again
    assert unit.daemon.auth("name", "secret") == ""
    assert unit.daemon.bounce("To: a@example.com") == ["NOTFOUND "]


def test_restart_later_fails_visibly(unit):
    """Not so soon that it could be systemd's own next attempt."""
    misspell(unit)
    unit.stand_by()
    unit.daemon.stop()
    unit.fail()
    marker = unit.runtime / "failed"
    os.utime(marker, (time.time() - 11, time.time() - 11))
    unit.fail()


@pytest.mark.parametrize("missing", ["NOTIFY_SOCKET", "RUNTIME_DIRECTORY"])
def test_without_systemd_it_exits(unit, missing):
    misspell(unit)
    del unit.daemon.env[missing]
    for _ in range(2):
        unit.fail()


def test_start_is_told(unit):
    unit.spawn()
    assert unit.told() == {"READY": "1", "STATUS": ""}
    [line] = [line for line in unit.daemon.log().splitlines()
              if "started" in line]
    for name in NAMES:
        assert f"{name}_socket={unit.daemon.settings[f'{name}_socket']}" in line


def test_what_systemd_is_told_while_it_runs(unit, m365):
    """In time for the watchdog, and what is new alone."""
    tenant, client = (str(uuid.uuid4()) for _ in range(2))
    m365.app(tenant, client, "a secret")
    (unit.daemon.directory / "identities").touch()
    unit.daemon.env["WATCHDOG_USEC"] = "20000000"
    unit.spawn()
    told = [unit.told() for _ in range(4)]
    assert told[:3] == [
        {"READY": "1", "STATUS": ""}, {"WATCHDOG": "1"},
        {"STATUS": "sent 0, deferred 0, bounced 0, 0 in flight"}]
    assert told[3] == {"WATCHDOG": "1"}
    assert unit.daemon.auth(f"{tenant}:{client}", "a secret") == "OK"
    m365.app(tenant, client, "another secret")
    m365.expire_tokens()
    unit.daemon.submit(b"Subject: x\r\n\r\n", identity=f"{tenant}:{client}")
    while (status := unit.told().get("STATUS")) is None:
        pass
    assert status.startswith(
        "sent 0, deferred 1, bounced 0, 0 in flight; application "
        f"{tenant}/{client}: no token since 20")
    assert "AADSTS7000215" in status
