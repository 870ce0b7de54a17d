"""msgraph-milter as a process: start, options, reload, stop."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness.milter import PROGRAM, Milter, running, stamp
from harness.wait import wait_for

USER = ("11111111-2222-3333-4444-555555555555@"
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
WHOLE = [("From", "a@example.com"),
         ("Date", "Sat, 1 Jan 2000 00:00:00 +0000"),
         ("Message-ID", "<1@example.com>")]


@pytest.fixture
def milter():
    yield from running()


@pytest.fixture
def directory():
    """Socket names have 107 bytes, pytest's own directories are long."""
    path = Path(tempfile.mkdtemp(prefix="milter"))
    yield path
    shutil.rmtree(path)


# --- signals ---


def test_reload_spares_messages_under_way(milter):
    with milter.mta() as old, milter.mta() as new:
        old.mail("<e@example.com>", USER)
        old.rcpt("r@example.org")
        milter.configure(mailbox_from="envelope")
        milter.process.send_signal(signal.SIGUSR1)
        milter.wait_log("reloaded")
        answer = new.message(WHOLE, "<e@example.com>", USER)
        assert stamp(answer) == "e@example.com"
        assert stamp(old.content(WHOLE)) == "a@example.com"


def test_reload_of_a_broken_file_changes_nothing(milter):
    milter.conf.write_text("mailbox_from = envelope\nlog_level = loud\n")
    milter.process.send_signal(signal.SIGUSR1)
    milter.wait_log(r"error: not reloaded: .*msgraph\.conf:2: .*loud")
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert stamp(answer) == "a@example.com"


def test_reload_refuses_what_a_start_refuses(milter):
    """Else the mistake would show up with the next start alone."""
    milter.configure(mailbox_from="envelope",
                     milter_socket="unix:msgraph/milter")
    milter.process.send_signal(signal.SIGUSR1)
    milter.wait_log(
        r"error: not reloaded: .*milter_socket: the path must start with /")
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert stamp(answer) == "a@example.com"


def test_reload_does_not_move_the_socket(milter):
    milter.configure(milter_socket=f"unix:{milter.socket}2")
    milter.process.send_signal(signal.SIGUSR1)
    milter.wait_log("warning: milter_socket changes with a restart")
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


def test_stop_lets_messages_end(milter):
    with milter.mta() as old, milter.mta() as new:
        old.mail("<e@example.com>", USER)
        old.rcpt("r@example.org")
        milter.process.send_signal(signal.SIGTERM)
        answer = wait_for(lambda: refused_for_stop(new), "no more messages")
        assert answer.text.startswith("451 4.3.2 ")
        assert stamp(old.content(WHOLE)) == "a@example.com"
        assert milter.process.wait(timeout=20) == 0
    assert milter.log().splitlines()[-1].endswith("]: stopped")


def refused_for_stop(mta):
    answer = mta.mail("<e@example.com>", USER)
    mta.abort()
    return answer if answer.action == "reply" else None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("user", [USER, None])
def test_stop_does_not_wait_for_idle_connections(milter, number, user):
    """Not for five seconds, at any rate: less is for busy machines."""
    with milter.mta() as mta:
        assert mta.mail("<e@example.com>", user).action != "none"
        if user is not None:
            mta.rcpt("r@example.org")
            mta.content(WHOLE)
        started = time.monotonic()
        assert milter.stop(number) == 0
        assert time.monotonic() - started < 4


def test_stop_after_a_refusal(milter):
    with milter.mta() as mta:
        mta.mail("<>", USER)
        mta.rcpt("r@example.org")
        assert mta.content([]).text.startswith("550 ")
        started = time.monotonic()
        assert milter.stop() == 0
        assert time.monotonic() - started < 4


# --- start ---


def run(*args: object) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *map(str, args)], text=True, timeout=20,
                          capture_output=True, check=False)


def test_socket_is_for_owner_and_group(milter):
    mode = os.stat(milter.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_stale_socket_is_replaced(directory):
    milter = Milter(directory).ask_stand_in().start()
    milter.stop(signal.SIGKILL)
    assert os.path.exists(milter.socket)
    milter.log_file.unlink()
    milter.start()
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"
    assert milter.stop() == 0
    milter.close()


def test_live_socket_is_not_taken_over(milter):
    result = run("-c", milter.conf)
    assert result.returncode == 1
    assert f"another process answers on {milter.socket}" in result.stderr
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


def test_file_in_the_place_of_the_socket(directory):
    milter = Milter(directory)
    Path(milter.socket).write_text("precious")
    result = run("-c", milter.conf)
    assert result.returncode == 1
    assert f"{milter.socket} exists and is not a socket" in result.stderr
    assert Path(milter.socket).read_text() == "precious"


@pytest.mark.parametrize("setting, message", [
    ("milter_socket = unix:/nonexistent/milter",
     "listen on unix:/nonexistent/milter: No such file or directory; the folder "
     "must be there and be open to group msgraph: run systemd-tmpfiles "
     "--create msgraph.conf"),
    ("milter_socket = msgraph/milter",
     "msgraph.conf:1: milter_socket: it must be unix:/path"),
    ("mailbox_from = header\nmailbox_form = header",
     'msgraph.conf:2: unknown setting "mailbox_form"'),
    ("mailbox_from = nobody", "msgraph.conf:1: mailbox_from: "),
])
def test_wrong_configuration(directory, setting, message):
    conf = directory / "msgraph.conf"
    conf.write_text(f"{setting}\n")
    result = run("-c", conf)
    assert result.returncode == 1
    assert message in result.stderr
    assert result.stdout == ""


def test_check_of_the_settings(directory):
    conf = Milter(directory, mailbox_from="envelope").conf
    checked = run("-t", "-c", conf)
    assert checked.returncode == 0 and checked.stderr == ""
    assert "mailbox_from = envelope\n" in checked.stdout
    missing = run("-t", "-c", directory / "none.conf")
    assert missing.returncode == 1
    assert f"open {directory}/none.conf: " in missing.stderr


def test_envelope_decides_where_told_so(directory):
    milter = Milter(directory, mailbox_from="envelope").ask_stand_in().start()
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert stamp(answer) == "e@example.com"
        answer = mta.message(WHOLE, "<>", USER)
        assert stamp(answer) == "a@example.com"
    assert milter.stop() == 0
    milter.close()
