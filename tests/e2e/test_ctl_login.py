"""msgraphctl test-login: what an admin is told of a sign-in before a device tries
it, with a secret and with an entry's own credential."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from harness.identities import secret_file
from harness.process import BUILD
from harness.site import App, Site
from harness.wait import wait_for

CTL = str(BUILD / "msgraphctl")


def try_login(site: Site, name: str, secret: str | None = None,
              *more: str) -> subprocess.CompletedProcess:
    words = ["-s", "-"] if secret is not None else []
    return subprocess.run(
        [CTL, "-c", str(site.conf), "test-login", *more, *words, name],
        input=secret, capture_output=True, text=True, timeout=90)


def steps(done: subprocess.CompletedProcess) -> dict[str, tuple[str, str]]:
    rows = [line.split(None, 2) for line in done.stdout.splitlines()]
    return {name: (status, text) for name, status, text in rows}


@pytest.mark.parametrize("permissions, status, exit_status, words", [
    ([], "ok", 0, "no permission for mail in Entra"),
    (["User.Read.All"], "ok", 0, "User.Read.All; no permission for mail"),
    (["Mail.Send"], "warning", 1, "may send as every mailbox"),
    (["Mail.ReadWrite"], "warning", 1, "read and change every mailbox"),
    (["Mail.SendX"], "ok", 0, "Mail.SendX; no permission"),
])
def test_what_the_token_lets_it_do(site, permissions, status, exit_status,
                                   words):
    app = site.new_app(permissions=permissions)
    done = try_login(site, app.user, app.secret)
    told = steps(done)
    assert told["application"] == ("ok", app.identity)
    assert told["token"][0] == "ok" and app.client in told["token"][1]
    assert told["permission"][0] == status
    assert words in told["permission"][1]
    assert done.returncode == exit_status, done


@pytest.mark.parametrize("wrong, words", [
    ("secret", "AADSTS7000215"), ("application", "AADSTS700016"),
    ("name", "no delimiter between tenant and client"),
    ("entry", "has no entry of that name")])
def test_a_refusal_is_told_in_entra_s_words(site, app, wrong, words):
    name = {"application": f"{app.tenant}@{app.tenant}",
            "name": "some one", "entry": "nobody@lookup"}.get(wrong, app.user)
    done = try_login(site, name,
                     "wrong" if wrong == "secret" else app.secret)
    status, text = steps(done)["sign-in"]
    assert (status, done.returncode) == ("critical", 2)
    assert "535" in text and words in text, text


def test_entra_down(site, app):
    site.m365.rules({"endpoint": "token", "status": 503, "times": 1})
    done = try_login(site, app.user, app.secret)
    status, text = steps(done)["sign-in"]
    assert (status, done.returncode) == ("unknown", 3)
    assert "454" in text and "503" in text


def test_nothing_is_stored_or_accepted(site, app):
    """A device with this secret must ask Entra by itself, and mail of one that
    has never signed in waits."""
    assert "token" in steps(try_login(site, app.user, app.secret))
    status = json.loads(subprocess.run(
        [CTL, "-c", str(site.conf), "status", "-j"], capture_output=True,
        text=True, timeout=60).stdout)
    assert status["daemons"]
    assert app.identity not in json.dumps(status["applications"])
    asked = len([r for r in site.m365.requests("token")
                 if r.client == app.client])
    with site.connect() as client:
        client.login(app.user, app.secret)
    assert len([r for r in site.m365.requests("token")
                if r.client == app.client]) == asked + 1


def test_a_wrong_trial_does_no_harm_to_who_is_known(site, app, mailbox):
    with site.connect() as client:
        client.login(app.user, app.secret)
        assert try_login(site, app.user, "wrong").returncode == 2
        queue_id = client.send(mailbox, ["a@example.org"],
                               b"From: " + mailbox.encode() + b"\r\n\r\nx\r\n")
    site.postfix.wait_status(queue_id, "sent")


def test_the_gate_is_asked_too(site, app):
    site.configure(allowed_tenants="11111111-2222-3333-4444-555555555555")
    try:
        done = try_login(site, app.user, app.secret)
    finally:
        site.configure(allowed_tenants="any")
    status, text = steps(done)["sign-in"]
    assert status == "critical" and "takes no applications of tenant" in text
    assert not [r for r in site.m365.requests("token")
                if r.client == app.client]


# --- an entry's own credential

@pytest.fixture
def entry(site, app):
    site.identify(f"own application={app.identity} senders=@example.com "
                  f"secret_file={secret_file(site, app)} clients=192.0.2.0/24\n"
                  f"off application={app.identity} disabled=yes senders=any "
                  f"secret_file={secret_file(site, app)} clients=192.0.3.0/24\n"
                  f"theirs application={app.identity}\n")
    yield app
    site.identify("")


def test_an_entry_is_tried_with_a_new_token(site, entry: App):
    for _ in range(2):
        before = len(site.m365.requests("token"))
        done = try_login(site, "own")
        assert steps(done)["token"][0] == "ok"
        assert steps(done)["application"] == (
            "ok", f"{entry.identity}, entry own")
        assert len(site.m365.requests("token")) == before + 1


@pytest.mark.parametrize("name, words", [
    ("off", "is disabled"), ("theirs", "has no credential of its own"),
    ("nobody", 'has no entry "nobody"')])
def test_entries_that_cannot_be_tried(site, entry, name, words):
    done = try_login(site, name)
    assert done.returncode == 2
    assert words in steps(done)["sign-in"][1]


def test_an_entry_whose_secret_is_wrong(site, entry: App):
    secret_file(site, App(entry.tenant, entry.client, "wrong"))
    status, text = steps(try_login(site, "own"))["sign-in"]
    assert status == "critical" and "AADSTS7000215" in text


# --- the program

def test_json(site, app):
    done = try_login(site, app.user, app.secret, "-j")
    told = json.loads(done.stdout)["steps"]
    assert [row["step"] for row in told] == [
        "application", "token", "permission"]


class Terminal:
    """msgraphctl on a terminal."""

    def __init__(self, *args: str) -> None:
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(CTL, [CTL, *args])

    def wait(self, text: bytes, times: int = 1) -> None:
        while self.shown.count(text) < times:
            self.shown += os.read(self.fd, 1000)

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def end(self) -> int:
        """Its exit status."""
        try:
            while data := os.read(self.fd, 1000):
                self.shown += data
        except OSError:  # the other side is closed
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.shows = bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)
        os.close(self.fd)
        return status


def test_the_secret_is_asked_for_and_not_shown(site, app):
    """Also after a signal that it has survived. The emulator's applications have
    Mail.Send: a warning."""
    terminal = Terminal("-c", str(site.conf), "test-login", app.user)
    terminal.wait(b"Secret: ")
    terminal.type(b"abc\x1a")  # SIGTSTP stops no process without a shell
    terminal.wait(b"Secret: ", 2)
    terminal.type(app.secret.encode() + b"\n")
    assert terminal.end() == 1, terminal.shown
    assert terminal.shows
    assert app.secret.encode() not in terminal.shown
    assert app.identity.encode() in terminal.shown


@pytest.mark.parametrize("key, number", [(b"\x03", signal.SIGINT),
                                         (b"\x1c", signal.SIGQUIT)])
def test_key_that_ends_it_leaves_a_terminal_that_shows(site, app, key, number):
    """At once, and not at the end of a line."""
    terminal = Terminal("-c", str(site.conf), "test-login", app.user)
    terminal.wait(b"Secret: ")
    terminal.type(b"abc" + key)
    assert terminal.end() == -number
    assert terminal.shows


def test_nobody_looks_into_its_memory(site, app):
    """No core file, whoever takes it, and no debugger of the same user."""
    with subprocess.Popen(
            [str(site.install("msgraphctl")), "-c", str(site.conf),
             "test-login", "-s", "-", app.user], user="nobody",
            group="nogroup", extra_groups=[], stdin=subprocess.PIPE) as process:
        environ = Path(f"/proc/{process.pid}/environ")
        wait_for(lambda: environ.stat().st_uid == 0,
                 "a process that root alone may look into", timeout=10)
        process.kill()


@pytest.mark.parametrize("secret, words", [
    ("", "holds no secret"), ("x" * 1025, "longer than 1024")])
def test_secrets_that_are_none(site, app, secret, words):
    done = try_login(site, app.user, secret)
    assert done.returncode == 66 and words in done.stderr


def test_msgraphd_not_running(site, app):
    site.daemon.stop()
    done = try_login(site, app.user, app.secret)
    assert done.returncode == 69
    assert "systemctl status msgraphd" in done.stderr


def test_who_is_not_root_is_told_so(site, app):
    done = subprocess.run(
        [str(site.install("msgraphctl")), "-c", str(site.conf), "test-login",
         "-s", "-", app.user],
        input=app.secret, capture_output=True, text=True, timeout=90,
        user="nobody", group="nogroup", extra_groups=[])
    assert done.returncode == 69 and "are you root?" in done.stderr, done


def test_no_token_leaves_msgraphd(site, app):
    """A token of the emulator's has three parts, as Entra's have."""
    done = try_login(site, app.user, app.secret)
    said = done.stdout + done.stderr
    assert app.secret not in said
    assert not re.search(r"[\w-]{20,}\.[\w-]{20,}\.[\w-]*", said)


def test_smtpd_may_not_try(site, entry: App):
    """It may use the socket, and hears what a client would: the name of an entry
    is no user name, and Entra is not asked."""
    before = len(site.m365.requests("token"))
    done = subprocess.run(
        [str(site.install("msgraphctl")), "-c", str(site.conf), "test-login",
         "own"],
        capture_output=True, text=True, timeout=90,
        user="postfix", group="postfix", extra_groups=["msgraph"])
    assert "535" in done.stdout and entry.identity not in done.stdout
    assert len(site.m365.requests("token")) == before
