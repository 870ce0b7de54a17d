"""The state's disk is full, read-only, damaged, locked or gone: mail waits,
the log says what to do, nothing is lost and nothing goes twice.

The disk is a small one in memory, mounted for the test. Where that is not
permitted (some containers), the tests that need it are skipped.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.client import Emulator
from harness.daemon import Daemon
from harness.drafts import BOTH, Large, Part
from harness.message import message
from harness.site import Site
from harness.wait import wait_for

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
OTHER = "ffffffff-bbbb-cccc-dddd-eeeeeeeeeeee"
SECRET = "a secret"
FULL = "database or disk is full; make room on its disk"


class Disk:
    """A file system of half a megabyte."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.ballast = place / "ballast"

    def mount(self, *options: str) -> bool:
        words = ",".join(("size=512k", "mode=1777", *options))
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", words, "tmpfs", str(self.place)],
            capture_output=True).returncode == 0

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.place)], check=True)

    def remount(self, option: str) -> None:
        """ro or rw; nobody may be writing."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.place)],
                       check=True)

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def empty(self) -> None:
        self.ballast.unlink()


@pytest.fixture(scope="module")
def shared_m365(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        yield m365


@pytest.fixture
def m365(shared_m365: Emulator):
    shared_m365.reset()
    for client in (CLIENT, OTHER):
        shared_m365.app(TENANT, client, SECRET)
    return shared_m365


@pytest.fixture
def daemon(m365: Emulator, tmp_path: Path) -> Iterator[Daemon]:
    """Not started yet."""
    daemon = Daemon(tmp_path, {
        "login_endpoint": m365.url, "graph_endpoint": m365.url,
        "ca_file": m365.ca_file, "request_timeout": "10s"})
    yield daemon
    daemon.stop()


@pytest.fixture
def state(daemon: Daemon) -> Path:
    directory = Path(daemon.settings["state_directory"])
    directory.mkdir()
    return directory


@pytest.fixture
def disk(daemon: Daemon, state: Path) -> Iterator[Disk]:
    disk = Disk(state)
    if not disk.mount():
        pytest.skip("mounting is not permitted here")
    yield disk
    daemon.stop()
    disk.unmount()


def sign_in(daemon: Daemon, client: str = CLIENT) -> str:
    return daemon.auth(f"{TENANT}:{client}", SECRET)


def send(daemon: Daemon, number: int = 1, client: str = CLIENT):
    return daemon.submit(
        message("scan@example.com", "rcpt@example.org", b"%d\r\n" % number),
        identity=f"{TENANT}:{client}")


def refuses_to_start(daemon: Daemon) -> str:
    """Starts it in vain; returns its last line."""
    daemon.start()
    assert daemon.stop() == 78
    return daemon.log().splitlines()[-1]


# --- a full disk

def test_full_disk_defers_before_anything_is_posted(m365, daemon, disk):
    daemon.start()
    assert sign_in(daemon) == "OK"
    disk.fill()
    for _ in range(20):
        reply = send(daemon)
        assert (reply.status, reply.dsn) == ("deferred", "4.3.1")
        assert FULL in reply.text
    assert FULL in daemon.log()
    assert not m365.requests("sendMail")
    disk.empty()
    assert send(daemon).status == "sent"
    assert len(m365.mail()) == 1


def test_full_disk_signs_nobody_new_in(daemon, disk):
    """What is accepted must be deliverable after a restart."""
    daemon.start()
    assert sign_in(daemon) == "OK"
    disk.fill()
    assert sign_in(daemon, OTHER) == ""
    assert sign_in(daemon) == "OK"
    disk.empty()
    wait_for(lambda: sign_in(daemon, OTHER) == "OK", "room to be used")


def test_acceptance_that_cannot_be_kept_is_told(m365, daemon, disk):
    """Postfix hears of it; should that fail too, the log tells."""
    daemon.start()
    sign_in(daemon)
    m365.rules({"endpoint": "sendMail", "action": "stall", "accept": True})
    replies = []
    thread = threading.Thread(target=lambda: replies.append(send(daemon)))
    thread.start()
    m365.wait_stalled(1)
    disk.fill()
    m365.release()
    thread.join()
    assert replies[0].status == "sent"
    assert FULL in daemon.log()
    daemon.stop(9)
    disk.empty()
    daemon.start()
    assert send(daemon).status == "sent"
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()


def test_draft_that_cannot_be_kept_is_taken_back(m365, daemon, disk):
    m365.app(TENANT, CLIENT, SECRET, permissions=BOTH)
    daemon.start()
    sign_in(daemon)
    m365.rules({"endpoint": "messages", "action": "stall", "accept": True})
    large = Large([Part(1000)])
    replies = []
    thread = threading.Thread(
        target=lambda: replies.append(large.submit(daemon)))
    thread.start()
    m365.wait_stalled(1)
    disk.fill()
    m365.release()
    thread.join()
    assert (replies[0].status, replies[0].dsn) == ("deferred", "4.3.1")
    assert not m365.drafts()
    disk.empty()
    assert large.submit(daemon).status == "sent"
    assert not m365.drafts()


def test_attachment_that_cannot_be_kept_is_not_attached_twice(
        m365, daemon, disk):
    m365.app(TENANT, CLIENT, SECRET, permissions=BOTH)
    daemon.start()
    sign_in(daemon)
    large = Large([Part(1000)])
    m365.rules({"endpoint": "attachments", "action": "stall", "accept": True})
    thread = large.in_background(daemon)
    m365.wait_stalled(1)
    disk.fill()
    m365.release()
    thread.join()
    assert FULL in daemon.log()
    disk.empty()
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(mail) for mail in m365.mail()] == [True]


def test_start_on_a_full_disk(m365, daemon, disk):
    daemon.start()
    sign_in(daemon)
    daemon.stop()
    disk.fill()
    daemon.start()
    if daemon.process.poll() is not None:
        assert "make room on its disk" in daemon.log()
    else:
        assert send(daemon).status == "deferred"
    disk.empty()
    daemon.stop()
    daemon.start()
    assert send(daemon).status == "sent"
    assert len(m365.mail()) == 1


# --- a directory that cannot be written

def test_read_only_disk_stops_the_start(daemon, disk):
    daemon.start()
    sign_in(daemon)
    daemon.stop()
    disk.remount("ro")
    assert "read-only" in refuses_to_start(daemon)
    disk.remount("rw")
    daemon.start()
    assert send(daemon).status == "sent"


def make_directory(directory: Path) -> None:
    (directory / "state.db").unlink()
    (directory / "state.db").mkdir()


def make_link(directory: Path) -> None:
    (directory / "state.db").rename(directory / "elsewhere")
    (directory / "state.db").symlink_to("elsewhere")


@pytest.mark.parametrize("break_it", [
    shutil.rmtree, make_directory, make_link],
    ids=["missing", "a directory", "a link"])
def test_place_that_cannot_be_opened(daemon, state, break_it):
    daemon.start()
    daemon.stop()
    break_it(state)
    done = subprocess.run(daemon.command(), capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 78
    assert f"{state}/state.db: unable to open database file; the directory " \
        "must be there" in done.stderr


# --- a damaged file

def overwrite(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        opened.write(data)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def newer(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize("damage, text", [
    (lambda file: file.write_bytes(b"garbage" * 1000),
     "file is not a database; move it aside with \"msgraphd -M\""),
    (lambda file: overwrite(file, 0, os.urandom(100)),
     "file is not a database; move it aside"),
    (lambda file: overwrite(file, 4096, os.urandom(8192)),
     "malformed; move it aside"),
    (cut, "malformed; move it aside"),
    (newer, "has format 99, this program knows"),
], ids=["garbage", "head", "pages", "cut off", "newer"])
def test_damaged_state_stops_the_start(daemon, state, damage, text):
    daemon.start()
    sign_in(daemon)
    daemon.stop()
    file = state / "state.db"
    good = file.read_bytes()
    damage(file)
    damaged = file.read_bytes()
    assert text in refuses_to_start(daemon)
    assert file.read_bytes() == damaged  # for whoever wants to mend it
    file.write_bytes(good)
    daemon.start()
    assert send(daemon).status == "sent"


def test_damage_under_way_never_bounces(m365, daemon, state):
    """The file is overwritten below the running daemon's feet."""
    daemon.start()
    sign_in(daemon)
    file = state / "state.db"
    for number, name in enumerate(("state.db", "state.db-wal")):
        overwrite(state / name, 0, os.urandom(file.stat().st_size))
        for more in range(5):
            reply = send(daemon, 10 * number + more)
            assert reply.status in ("sent", "deferred"), reply
        assert daemon.process.poll() is None
    daemon.stop()
    assert "move it aside" in refuses_to_start(daemon)


def test_lost_state_only_waits_for_the_client(m365, daemon, state):
    """Nobody refused anything, so time does not make it a bounce."""
    daemon.settings["access_denied_grace"] = "0s"
    daemon.start()
    sign_in(daemon)
    daemon.stop()
    for file in state.iterdir():
        file.unlink()
    daemon.start()
    reply = send(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert reply.text == \
        "no secret of this application is stored; it must sign in again"
    assert sign_in(daemon) == "OK"
    assert send(daemon).status == "sent"


# --- a locked one

def locked(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    return database


def test_locked_state_stops_the_start(daemon, state):
    daemon.start()
    daemon.stop()
    database = locked(state / "state.db")
    assert "locked; is another msgraphd running on it?" in \
        refuses_to_start(daemon)
    database.close()
    daemon.start()
    assert sign_in(daemon) == "OK"


def test_lock_that_goes_in_time_is_waited_for(daemon, state):
    """As at a restart, where the last msgraphd is still leaving."""
    daemon.start()
    daemon.stop()
    database = locked(state / "state.db")
    thread = threading.Thread(target=daemon.start)
    thread.start()
    wait_for(lambda: daemon.process is not None and
             opened(daemon.process.pid, state / "state.db"),
             "the state to be opened")
    database.close()
    thread.join()
    assert sign_in(daemon) == "OK"


def opened(pid: int, file: Path) -> bool:
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
        return any(os.path.realpath(link) == str(file) for link in links)
    except OSError:
        return False


def test_running_daemon_lets_nobody_in(daemon, state):
    daemon.start()
    database = sqlite3.connect(state / "state.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        database.execute("SELECT * FROM credential").fetchall()
    database.close()


# --- with Postfix around it

@pytest.fixture
def trouble(site: Site) -> Iterator[Callable[[], None]]:
    """The site, whose state msgraphd cannot read when it starts again."""
    def start() -> None:
        site.daemon.stop()
        site.state.chmod(0o500)
        site.key.parent.chmod(0o500)
        (site.state / "state.db").chmod(0o000)
        site.daemon.spawn()
        site.daemon.popen.wait(30)
    yield start
    site.state.chmod(0o700)
    site.key.parent.chmod(0o750)
    (site.state / "state.db").chmod(0o600)
    site.daemon.stop()
    site.daemon.start()


def test_relay_without_state_loses_nothing(site, app, mailbox, trouble):
    """msgraphd does not start: who comes is told to come again, and what was
    taken waits."""
    with site.connect() as client:
        client.login(app.user, app.secret)
        with site.postfix.queueing():
            queue_id = site.send(app, mailbox, ["a@example.org"],
                                 message(mailbox))
            site.postfix.wait_deferred(queue_id)
            trouble()
        assert "state.db" in site.daemon.log().splitlines()[-1]
        assert client.command(f"MAIL FROM:<{mailbox}>").code == 451
    assert "connect to" in site.postfix.wait_status(queue_id, "deferred")
    with site.connect() as client:
        assert client.auth_plain(app.user, app.secret).code == 454
    site.state.chmod(0o700)
    (site.state / "state.db").chmod(0o600)
    site.daemon.stop()
    site.daemon.start()
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")
    assert len(site.m365.mail()) == 1


def test_relay_on_a_full_disk(site, app, mailbox):
    """Mail is taken (the queue has a disk of its own), waits, and goes."""
    disk = Disk(site.state)
    site.daemon.stop()
    if not disk.mount():
        site.daemon.start()
        pytest.skip("mounting is not permitted here")
    try:
        site.daemon.start()
        with site.connect() as client:
            client.login(app.user, app.secret)
            disk.fill()
            queue_id = client.send(
                mailbox, ["a@example.org"], message(mailbox))
        line = site.postfix.wait_status(queue_id, "deferred")
        assert "dsn=4.3.1" in line and FULL in line
        disk.empty()
        site.postfix.flush(queue_id)
        site.postfix.wait_status(queue_id, "sent")
        assert len(site.m365.mail()) == 1
    finally:
        site.daemon.stop()
        disk.unmount()
        site.daemon.start()
