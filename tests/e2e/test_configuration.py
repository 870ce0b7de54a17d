"""Mistakes in msgraph.conf: each program names file, line and what is wrong,
and none of them costs mail."""

from __future__ import annotations

import signal
import subprocess

import pytest

from harness.message import message
from harness.process import BUILD

MISTAKES = {
    "unknown name": ("log_level = info\nlogin = x\n", 2, "login"),
    "given twice": ("log_level = info\n\nlog_level = debug\n", 3,
                    "log_level"),
    "no choice": ("# first\nlog_level = loud\n", 2, "log_level"),
    "no duration": ("auth_cache_ttl = soon\n", 1, "auth_cache_ttl"),
    "out of range": ("connect_timeout = 2d\n", 1, "connect_timeout"),
    "negative": ("connect_timeout = -1\n", 1, "connect_timeout"),
    "too large": ("connect_timeout = 99999999999999999999\n", 1,
                  "connect_timeout"),
    "no https": ("graph_endpoint = http://localhost\n", 1,
                 "graph_endpoint"),
    "a path behind": ("graph_endpoint = https://localhost/v1.0\n", 1,
                      "graph_endpoint"),
    "relative path": ("state_directory = state\n", 1, "state_directory"),
    "long path": (f"submit_socket = /{'x' * 200}\n", 1, "submit_socket"),
    "no milter socket": ("milter_socket = bogus:/x\n", 1, "milter_socket"),
    "no equals sign": ("log_level info\n", 1, ""),
    "no name": ("= info\n", 1, ""),
    "line too long": (f"proxy = {'x' * 3000}\n", 1, ""),
}

AGENT = ["--queue-id=4ABC", "--identity=x", "--mailbox=scan@example.com",
         "--sender=scan@example.com", "--", "a@example.org"]
PROGRAMS = {
    "msgraphd": [], "msgraphd -t": ["-t"],
    "msgraph-milter": [], "msgraph-milter -t": ["-t"],
    "msgraph-agent": AGENT,
}


def private(folder) -> str:
    """What keeps a program that missed the mistake away from the system. It
    comes last, so that the mistake is met first."""
    return f"""
auth_socket = {folder}/auth
bounce_socket = {folder}/bounce
submit_socket = {folder}/submit
state_directory = {folder}
vault_key_file = {folder}/vault.key
milter_socket = unix:{folder}/milter
"""


def run(program: str, conf, *args: str) -> subprocess.CompletedProcess:
    name = program.split()[0]
    return subprocess.run(
        [str(BUILD / name), "-c", str(conf), *PROGRAMS.get(program, []),
         *args],
        input="", capture_output=True, text=True, timeout=30)


def complaint(program: str, done: subprocess.CompletedProcess) -> str:
    """What the program says, after checking how it says it: the agent for
    pipe(8), which takes the status from the first byte of all output."""
    if program == "msgraph-agent":
        assert done.returncode == 75
        assert done.stdout.startswith("4.3.5 ")
        assert done.stderr == ""
        return done.stdout
    assert done.returncode not in (0, 75)
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("program, mistake", [
    (program, mistake) for program in PROGRAMS for mistake in MISTAKES])
def test_mistake_is_named(tmp_path, program, mistake):
    text, line, name = MISTAKES[mistake]
    conf = tmp_path / "msgraph.conf"
    conf.write_text(text + private(tmp_path))
    said = complaint(program, run(program, conf))
    assert f"{conf}" in said
    assert str(line) in said.replace(str(conf), "")
    assert name in said.replace(str(conf), "")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("kind", ["missing", "a folder"])
def test_file_that_cannot_be_read(tmp_path, program, kind):
    conf = tmp_path / "msgraph.conf"
    if kind == "a folder":
        conf.mkdir()
    assert str(conf) in complaint(program, run(program, conf))


@pytest.mark.parametrize("destination", ["syslog", "stderr"])
def test_start_that_fails_says_why(tmp_path, destination):
    """Once, wherever the log goes."""
    conf = tmp_path / "msgraph.conf"
    conf.write_text(private(tmp_path) + f"log_destination = {destination}\n")
    (tmp_path / "vault.key").write_bytes(bytes(31))
    (tmp_path / "vault.key").chmod(0o400)
    done = run("msgraphd", conf)
    assert done.returncode == 78
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "has 31 bytes instead of 32" in line


# --- in a site that runs

PUSHED = {
    "no choice": "encode_8bit = loud\n",
    "out of range": "request_timeout = 2d\n",
    "given twice": "log_level = info\n",
    "no form": "words\n",
    # as a newer release has it
    "unknown name": "fallback_mailbox = x@y\n",
}


@pytest.fixture
def broken(site, request):
    """msgraph.conf with a mistake in its last line; written anew after."""
    pushed = getattr(request, "param", "no choice")
    text = site.conf.read_text() + PUSHED[pushed]
    site.conf.write_text(text)
    yield text.count("\n")
    site.write_conf()
    site.daemon.reload()


@pytest.fixture
def without_copy(site):
    """As before the first start of msgraphd since the boot."""
    copy = site.run / "submit.conf"
    aside = copy.rename(site.run / "aside")
    yield
    aside.rename(copy)


@pytest.mark.parametrize("broken", PUSHED, indirect=True)
def test_mistake_in_the_file_stops_no_mail(site, app, mailbox, broken):
    """Before any reload, and in silence: the message is nobody's to warn."""
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    assert "warning" not in site.postfix.wait_status(queue_id, "sent")


def test_settings_count_when_msgraphd_has_read_them(site, app, mailbox):
    text = site.conf.read_text()
    try:
        site.conf.write_text(text + "max_recipients = 1\n")
        for calls in (1, 2):
            mark = len(site.m365.requests("sendMail"))
            queue_id = site.send(app, mailbox,
                                 ["a@example.org", "b@example.org"],
                                 message(mailbox))
            site.postfix.wait_status(queue_id, "sent")
            assert len(site.m365.requests("sendMail")) - mark == calls
            site.daemon.reload()
    finally:
        site.write_conf()
        site.daemon.reload()


def test_copy_that_msgraphd_cannot_write(site, app, mailbox):
    """It says so, and the agent reads the file itself."""
    copy = site.run / "submit.conf"
    copy.unlink()
    copy.mkdir()
    try:
        site.daemon.reload()
        assert f"write {copy}: " in site.daemon.log()
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        site.postfix.wait_status(queue_id, "sent")
    finally:
        copy.rmdir()
        site.daemon.reload()


def test_mail_waits_until_the_file_is_right(site, app, mailbox, broken,
                                            without_copy):
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    line = site.postfix.wait_status(queue_id, "deferred")
    assert "dsn=4.3.5" in line
    assert str(site.conf) in line and "loud" in line
    assert str(broken) in line
    site.write_conf()
    site.postfix.flush(queue_id)
    site.postfix.wait_status(queue_id, "sent")


def test_reload_of_a_broken_file_keeps_the_settings(site, app, mailbox,
                                                    broken):
    site.daemon.reload()
    assert "loud" in site.daemon.log()
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")


@pytest.fixture
def newer(site):
    """msgraph.conf as a newer release has it: a name that nobody knows here,
    and another setting changed."""
    site.conf.write_text(site.conf.read_text() + "fallback_mailbox = x@y\n")
    yield
    site.write_conf()
    site.daemon.reload()


def test_reload_of_a_newer_file_counts_but_for_its_news(
        site, app, mailbox, newer):
    text = site.conf.read_text()
    site.conf.write_text(text.replace("log_level = debug", "log_level = info"))
    site.daemon.reload()
    said = site.daemon.log()
    assert 'unknown setting "fallback_mailbox"; ' in said
    assert "an error for the next start" in said
    assert "not reloaded" not in said.rpartition("unknown setting")[2]
    site.milter.reload(signal.SIGUSR1)
    assert 'unknown setting "fallback_mailbox"; ' in site.milter.log()
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
