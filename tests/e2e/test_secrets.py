"""Where secrets and tokens must not be, and who may ask for them."""

from __future__ import annotations

import base64
import os
import pwd
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from harness import leaks
from harness.authsocket import counted
from harness.message import message
from harness.wait import wait_for

RECIPIENTS = ["a@example.org"]
PLANTED = "planted~secret+with/odd=characters"


# --- the search itself

@pytest.mark.parametrize("text", [
    PLANTED, "planted%7Esecret%2Bwith%2Fodd%3Dcharacters"])
def test_search_finds_what_is_planted_in_a_file(tmp_path, text):
    (tmp_path / "file").write_text(f"...{text}...")
    assert leaks.in_files([PLANTED], tmp_path)


@pytest.mark.parametrize("before", ["", "x", "xx", "user\0"])
def test_search_finds_base64(tmp_path, before):
    encoded = base64.b64encode((before + PLANTED + "\0after").encode())
    (tmp_path / "file").write_bytes(encoded)
    assert leaks.in_files([PLANTED], tmp_path)
    assert not leaks.in_files([PLANTED + "more"], tmp_path)


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_search_finds_what_is_planted_in_a_process(where):
    argument = [PLANTED] if where == "argument" else []
    environment = {"X": PLANTED} if where == "environment" else {}
    child = subprocess.Popen(["/bin/sh", "-c", "read line", *argument],
                             stdin=subprocess.PIPE, env=environment)
    try:
        # for a moment after exec the kernel shows neither
        wait_for(lambda: any(f"/{child.pid}/" in place for place in
                             leaks.in_processes([PLANTED])), "a hit")
    finally:
        child.communicate()


# --- secrets and tokens of a site that works at level debug

@pytest.fixture
def busy(site, app, mailbox):
    """A client that was refused, signed in, has sent, and sends. Yields all
    that nobody may find, and lets the delivery end."""
    with site.connect() as client:
        wrong = f"wrong~{app.secret[:20]}"
        assert client.auth_login(app.user, wrong).code == 535
        assert client.auth_plain(app.user, wrong).code == 535
    first = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    site.postfix.wait_status(first, "sent")
    site.m365.expire_tokens()
    site.m365.rules({"endpoint": "sendMail", "action": "stall", "skip": 1,
                     "accept": True})
    queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    site.m365.wait_stalled()
    tokens = {request.header("Authorization").removeprefix("Bearer ")
              for request in site.m365.requests("sendMail")}
    assert len(tokens) == 2
    yield [app.secret, wrong, *tokens]
    site.m365.release()
    site.postfix.wait_status(queue_id, "sent")


def test_nothing_on_disk_holds_a_secret(site, busy):
    assert leaks.in_files(busy, site.root) == []


def test_nothing_on_disk_holds_a_secret_after_the_end(site, busy):
    """The state is written back and closed, as a backup would find it."""
    site.m365.release()
    site.postfix.wait_empty_queue()
    site.daemon.stop()
    assert (site.state / "state.db").stat().st_size > 0
    assert leaks.in_files(busy, site.root) == []
    site.daemon.start()


def test_nothing_that_ps_shows_is_a_secret(site, busy):
    """The agent runs at this moment, and smtpd has checked the secret."""
    assert leaks.in_processes(busy) == []


def test_logs_say_who_all_the_same(site, app, busy):
    """Level debug was on: the search above did look at something."""
    logs = "".join(log.read_text() for log in site.logs())
    assert logs.count(app.identity) > 3
    assert "client-request-id" in site.daemon.log()


# --- secrets in what others say

def in_base64(secret: str) -> str:
    return base64.b64encode(f"client:{secret}".encode()).decode()


REPEATED = {
    "whole": str,
    "percent-encoded": lambda secret: quote(secret, safe="").replace(
        "~", "%7E"),
    "in base64": in_base64,
    "in part": lambda secret: secret[3:15] + "...",
}


def parts(secret: str) -> list[str]:
    return [secret, secret[3:15]]


@pytest.fixture
def no_grace(site):
    site.configure(access_denied_grace="0s")
    yield
    site.configure(access_denied_grace="1d")


@pytest.mark.parametrize("form", REPEATED)
@pytest.mark.parametrize("where", ["error_description", "error"])
def test_words_of_entra_that_repeat_the_secret(site, mailbox, no_grace, form,
                                               where):
    """At a sign-in, in the status of mail that waits, in a bounce."""
    app = site.new_app()
    words = REPEATED[form](app.secret)
    said = {"error": "invalid_client", "error_codes": [7000215]}
    if where == "error":
        said |= {"error": words, "error_description": ""}
    else:
        said |= {"error_description": f"AADSTS7000215: Not {words}."}
    with site.connect() as client:
        client.login(app.user, app.secret)
        site.m365.expire_tokens()
        site.m365.rules({"endpoint": "token", "times": -1, "status": 401,
                         "body": said})
        queue_id = client.send(mailbox, RECIPIENTS, message(mailbox))
        status = "bounced" if where == "error_description" else "deferred"
        line = site.postfix.wait_status(queue_id, status)
        assert "Entra's words are left out" in line
        assert ("AADSTS7000215" in line)
    wrong = f"{app.secret[:20]}~another"
    site.m365.clear_rules()
    said["error_description"] = f"Not {REPEATED[form](wrong)}."
    site.m365.rules({"endpoint": "token", "times": -1, "status": 401,
                     "body": said})
    with site.connect() as client:
        assert client.auth_plain(app.user, wrong).code in (454, 535)
    assert app.identity in site.daemon.log()
    assert leaks.in_files(parts(app.secret) + parts(wrong), site.root) == []


@pytest.mark.parametrize("where", ["code", "message", "request-id"])
@pytest.mark.parametrize("form", ["whole", "percent-encoded", "in base64"])
def test_words_of_graph_that_repeat_the_token(site, app, mailbox, form, where):
    first = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    site.postfix.wait_status(first, "sent")
    token = site.m365.requests("sendMail")[0].header(
        "Authorization").removeprefix("Bearer ")
    part = token[100:140]  # the beginning is the same in all
    words = REPEATED[form](part)
    site.m365.rules({"endpoint": "sendMail", "status": 403, "body": {"error": {
        "code": "Odd", "message": "No.", "innerError": {}, where: words}},
        "headers": {"request-id": words if where == "request-id" else "1"}})
    queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    line = site.postfix.wait_status(queue_id, "deferred")
    assert "not one that is known here: HTTP 403" in line
    assert leaks.in_files([part, part[10:30]], site.root) == []


TYPED = "Xy8Q~k3+Vb/0pL=tR7.wZ_2mN-c9"


@pytest.mark.parametrize("name, realm", [
    (TYPED, ""), ("user", TYPED), (TYPED, "example.com"),
    (f"{PLANTED[:8]}@{TYPED}", ""), ("1" * 8 + f":{TYPED}", ""),
    (TYPED + "." * 900, ""), (TYPED[:5], TYPED[5:])])
def test_secret_in_the_field_for_the_name(site, name, realm):
    """As the saslauthd client of libsasl2 hands it over: what is behind the
    last '@' as the realm."""
    before = len(site.daemon.log())
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(site.auth_socket))
        sock.sendall(b"".join(counted(part.encode()) for part in (
            name, "x", "smtp", realm)))
        assert sock.recv(1000)[2:].startswith(b"NO")
    said = site.daemon.log()[before:]
    assert "reason=credential, status=refused (a user name of " in said
    assert leaks.in_files([TYPED, TYPED[3:15]], site.root) == []
    assert TYPED[5:10] not in said


# --- what guards them

def test_state_and_key_are_closed(site, busy):
    owner = pwd.getpwnam("msgraphd").pw_uid
    for path in (site.state, *site.state.iterdir(), site.key):
        info = path.stat()
        assert info.st_uid == owner, path
        assert stat.S_IMODE(info.st_mode) & 0o077 == 0, path
    assert stat.S_IMODE(site.key.stat().st_mode) == 0o400
    assert len(site.key.read_bytes()) == 32


def test_no_core_files(site):
    limits = Path(f"/proc/{site.daemon.pid}/limits").read_text()
    (line,) = [l for l in limits.splitlines() if "core file" in l]
    assert line.split()[4:6] == ["0", "0"]


KNOCK = """\
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(20)
try:
    sock.connect(sys.argv[1])
    sock.sendall(bytes.fromhex(sys.argv[2]))
    print("answer" if sock.recv(100) else "closed")
except PermissionError:
    print("forbidden")
except (BrokenPipeError, ConnectionResetError):
    print("closed")
"""

# Who may ask, by uid, even where the folder's mode would let others in.
CALLERS = [
    ("auth", "postfix", "answer"), ("auth", "root", "answer"),
    ("auth", "msgraph", "closed"), ("auth", "nobody", "forbidden"),
    ("submit", "msgraph", "answer"), ("submit", "root", "answer"),
    ("submit", "postfix", "closed"), ("submit", "nobody", "forbidden"),
]


@pytest.mark.parametrize("name, user, expected", CALLERS)
def test_who_may_use_a_socket(site, name, user, expected):
    """The auth request has a malformed name, which is refused at once; the
    submit request is an empty record, which is deferred at once."""
    path, request = {
        "auth": (site.auth_socket, "0001" "78" "0001" "78" "0000" "0000"),
        "submit": (site.submit_socket, b"queue-id=x\n\n".hex())}[name]
    done = subprocess.run(
        [sys.executable, "-c", KNOCK, str(path), request],
        user=user, group=pwd.getpwnam(user).pw_gid,
        extra_groups=os.getgrouplist(user, pwd.getpwnam(user).pw_gid),
        capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize("user", ["msgraph", "postfix", "nobody"])
def test_nobody_else_can_take_the_auth_socket_away(site, user):
    """Whoever could would be asked in its place, with secrets."""
    done = subprocess.run(
        ["mv", str(site.auth_socket), f"{site.auth_socket}.old"],
        user=user, group=pwd.getpwnam(user).pw_gid,
        extra_groups=os.getgrouplist(user, pwd.getpwnam(user).pw_gid),
        capture_output=True, text=True)
    assert done.returncode != 0
    assert site.auth_socket.is_socket()


# --- the vault key

@pytest.fixture
def key(site):
    """The key, put back afterwards, whatever was done to it."""
    right = site.key.read_bytes()
    yield site.key
    site.key.unlink(missing_ok=True)
    site.key.write_bytes(right)
    site.key.chmod(0o400)
    os.chown(site.key, pwd.getpwnam("msgraphd").pw_uid, -1)


@pytest.mark.parametrize("change", ["missing", "wrong", "short"])
def test_without_its_key_the_state_stays(site, app, mailbox, key, change):
    """msgraphd says so and ends; with the right key, what waits is sent."""
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": -1})
    queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    site.postfix.wait_deferred(queue_id)
    site.m365.clear_rules()
    site.daemon.stop()
    right = key.read_bytes()
    state = (site.state / "state.db").read_bytes()
    if change == "missing":
        key.unlink()
    else:
        key.write_bytes(b"k" * 32 if change == "wrong" else right[:31])
    start = len(site.daemon.log())
    site.daemon.spawn()
    wait_for(lambda: not site.daemon.is_running(), "msgraphd to give up")
    assert site.daemon.stop() not in (0, None)
    said = site.daemon.log()[start:]
    assert "vault key" in said
    assert str(site.state if change == "wrong" else site.key) in said
    assert (site.state / "state.db").read_bytes() == state
    assert key.exists() == (change != "missing")
    key.unlink(missing_ok=True)
    key.write_bytes(right)
    key.chmod(0o400)
    os.chown(key, pwd.getpwnam("msgraphd").pw_uid, -1)
    site.daemon.start()
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")


def test_first_start_makes_a_key(site):
    """The shared site began without one."""
    assert len(set(site.key.read_bytes())) > 8
