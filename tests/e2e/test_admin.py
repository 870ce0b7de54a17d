"""msgraphd's admin socket: who may ask, what is answered, and what no question
does: neither a secret comes over it, nor does mail wait for an answer."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from harness import leaks
from harness.daemon import Daemon, records
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, USER, daemon, m365, open_folder, send,
    settings_for, shared_m365)

APPLICATION = f"{TENANT}/{CLIENT}"
REQUESTS = ("status", "applications", "throttles", "events", "identities")
OWN = "the-relays~own+secret/of=this-test"


def only(daemon, request: str, kind: str) -> dict[str, str]:  # noqa: F811
    found = [record for record in daemon.admin(request)
             if record["record"] == kind]
    assert len(found) == 1, found
    return found[0]


def is_now(seconds: str) -> bool:
    return abs(int(seconds) - time.time()) < 60


# --- who may ask

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(sys.argv[1])
    try:
        sock.sendall(b"request=status\\n\\n")
        print(sock.makefile("rb").read().endswith(b"status=ok\\n\\n"))
    except OSError:
        print(False)
"""


def group() -> int:
    return grp.getgrnam("msgraph-admin").gr_gid


@pytest.mark.parametrize("user, groups, answered", [
    (0, lambda: (0, []), True),
    ("nobody", lambda: (group(), []), True),
    ("nobody", lambda: (65534, [group()]), True),
    ("nobody", lambda: (65534, [*range(3000, 3100), group()]), True),
    ("nobody", lambda: (65534, []), False),
    ("nobody", lambda: (65534, [*range(3000, 3100)]), False),
    ("msgraph", lambda: (grp.getgrnam("msgraph").gr_gid, []), False),
    ("postfix", lambda: (grp.getgrnam("msgraph").gr_gid, []), False),
])
def test_who_may_ask(daemon, open_folder, user, groups,  # noqa: F811
                     answered):
    first, others = groups()
    daemon.stop()
    daemon.settings["admin_socket"] = str(open_folder / "admin")
    daemon.start()
    done = subprocess.run(
        [sys.executable, "-c", ASK, daemon.settings["admin_socket"]],
        user=user, group=first, extra_groups=others, capture_output=True,
        text=True, check=True, cwd="/")
    assert done.stdout == f"{answered}\n"
    uid = user if user == 0 else pwd.getpwnam(user).pw_uid
    assert (f"admin socket: uid {uid} may not use it, only group "
            "msgraph-admin and root" in daemon.log()) is not answered


CROWD = """
import socket, sys
socks = []
for _ in range(int(sys.argv[2])):
    socks.append(socket.socket(socket.AF_UNIX))
    socks[-1].connect(sys.argv[1])
    try:
        socks[-1].sendall(b"request=sta")
    except OSError:
        pass
print("all", flush=True)
sys.stdin.read()
"""


def test_members_that_stall_keep_nobody_out(m365, daemon,  # noqa: F811
                                            open_folder):
    """They are dropped after a while; what each costs meanwhile is bounded."""
    daemon.stop()
    daemon.settings["admin_socket"] = path = str(open_folder / "admin")
    daemon.start()
    files = Path(f"/proc/{daemon.process.pid}/fd")
    before = len(os.listdir(files))
    with subprocess.Popen(
            [sys.executable, "-c", CROWD, path, "300"], user="nobody",
            group=group(), extra_groups=[], text=True, cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
        assert crowd.stdout.readline() == "all\n"
        assert only(daemon, "status", "status")["pid"]
        assert daemon.auth(USER, SECRET) == "OK"
        assert len(os.listdir(files)) - before <= 32 + 4
        crowd.stdin.close()


# --- what is answered

def test_status(m365, daemon):  # noqa: F811
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(USER, "wrong").startswith("NO ")
    assert daemon.auth("not ours", "x").startswith("NO ")
    assert send(daemon, identity=USER).status == "sent"
    m365.rules({"endpoint": "sendMail", "status": 503})
    assert send(daemon, identity=USER).status == "deferred"
    status = only(daemon, "status", "status")
    counts = {name: status[name] for name in (
        "sent", "deferred", "bounced", "in-flight", "signed-in", "refused",
        "put-off", "failing", "entries")}
    assert counts == {
        "sent": "1", "deferred": "1", "bounced": "0", "in-flight": "0",
        "signed-in": "1", "refused": "2", "put-off": "0", "failing": "0",
        "entries": "0"}
    assert status["settings"] == str(daemon.conf)
    assert status["pid"] == str(daemon.process.pid)
    assert is_now(status["started"]) and is_now(status["now"])


def test_an_application(m365, daemon):  # noqa: F811
    assert daemon.admin("applications") == [{"record": "end", "status": "ok"}]
    assert daemon.auth(USER, SECRET) == "OK"
    row = only(daemon, "applications", "application")
    assert "sent" not in row
    assert send(daemon, identity=USER).status == "sent"
    row = only(daemon, "applications", "application")
    assert {name for name, value in row.items()
            if value.isdigit() and is_now(value)} == {
                "signed-in", "sent", "accepted"}
    assert int(row["token-until"]) > time.time() + 60
    assert row["stored"] == "yes"
    assert "failing" not in row
    daemon.stop()
    daemon.start()
    again = only(daemon, "applications", "application")
    assert {"signed-in", "sent"}.isdisjoint(again)
    assert again["accepted"] == row["accepted"]
    assert again["token-until"] == row["token-until"]


def test_an_application_that_is_refused(m365, daemon):  # noqa: F811
    assert daemon.auth(USER, SECRET) == "OK"
    m365.app(TENANT, CLIENT, "another one")
    m365.expire_tokens()
    assert send(daemon, identity=USER).status == "deferred"
    row = only(daemon, "applications", "application")
    assert is_now(row["failing-since"])
    assert "AADSTS7000215" in row["failing"]
    event = next(record for record in daemon.admin("events")
                 if record["what"] == "deferred")
    assert "4TESTqueue: mailbox=<scan@example.com>" in event["text"]
    assert "make a new secret" in event["remedy"]
    assert only(daemon, "status", "status")["failing"] == "1"
    assert daemon.auth(USER, "another one") == "OK"
    assert "failing" not in only(daemon, "applications", "application")
    assert only(daemon, "status", "status")["failing"] == "0"


def test_events_are_counted_and_the_latest_comes_first(
        m365, daemon):  # noqa: F811
    m365.rules({"endpoint": "sendMail", "status": 503, "times": 3})
    daemon.auth(USER, SECRET)
    for _ in range(3):
        send(daemon, identity=USER)
    for name in ("a", "b"):
        daemon.auth(f"{uuid.uuid4()}:{uuid.uuid4()}", name)
    events = daemon.admin("events")
    assert [(event["what"], event["count"]) for event in events[:2]] == [
        ("refused", "2"), ("deferred", "3")]


def test_what_is_throttled(m365, daemon):  # noqa: F811
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "status": 429,
                "headers": {"Retry-After": "300"}})
    assert send(daemon, identity=USER).status == "deferred"
    throttle = only(daemon, "throttles", "throttle")
    assert (throttle["scope"], throttle["application"]) == (
        "application", APPLICATION)
    assert 200 < int(throttle["until"]) - time.time() < 360


@pytest.fixture
def table(m365, tmp_path):  # noqa: F811
    """A msgraphd with a table: two entries of one application."""
    (tmp_path / "own").write_text(OWN)
    (tmp_path / "own").chmod(0o400)
    (tmp_path / "identities").write_text(
        f"erp application={APPLICATION} senders=@example.com "
        "expires=2030-02-01\n"
        "# a comment\n"
        f"printers application={APPLICATION} secret_file={tmp_path}/own\n"
        "    clients=192.0.2.0/24 { senders = a@example.com, @b.example }\n")
    with Daemon(tmp_path, settings_for(m365)) as running:
        yield running


def test_identities(table):
    entries = table.admin("identities")[:-1]
    file = table.settings["identity_maps"]
    assert [(e["entry"], e["file"], e["line"], e["attributes"])
            for e in entries] == [
        ("erp", file, "1", "senders=@example.com expires=2030-02-01"),
        ("printers", file, "3",
         f"secret_file={table.directory}/own clients=192.0.2.0/24 "
         "{ senders = a@example.com, @b.example }")]
    (table.directory / "identities").write_text("nonsense\n")
    table.process.send_signal(1)
    Daemon.wait(lambda: "fault" in only(table, "status", "status"))
    assert len(table.admin("identities")) == 3


def test_attributes_that_are_too_long(table):
    """They are cut, and not left out: an entry would look open to all."""
    senders = ", ".join(f"scan{n}@example.com" for n in range(200))
    (table.directory / "identities").write_text(
        f"erp application={APPLICATION} expires=2030-02-01\n"
        f"    {{ senders = {senders} }}\n")
    table.process.send_signal(1)
    Daemon.wait(lambda: len(table.admin("identities")) == 2)
    [entry] = table.admin("identities")[:-1]
    shown = entry["attributes"]
    assert (len(shown), shown[-3:], entry["cut"]) == (2000, "...", "yes")
    assert f"{{ senders = {senders}"[:1800] in shown


def test_entries(m365, table):  # noqa: F811
    """Each entry is a row, and the application has none of its own."""
    m365.app(TENANT, CLIENT, SECRET, OWN)
    assert table.auth(USER, SECRET) == "OK"
    assert send(table, identity=USER, entry="printers").status == "sent"
    erp, printers = table.admin("applications")[:-1]
    assert (erp["entry"], erp["stored"], erp["expires"]) == (
        "erp", "yes", "1896134400")
    assert is_now(erp["signed-in"]) and "sent" not in erp
    assert (printers["entry"], printers["credential"]) == (
        "printers", f"secret_file {table.directory}/own")
    assert is_now(printers["sent"]) and "signed-in" not in printers
    assert int(printers["token-until"]) > time.time()
    (table.directory / "own").unlink()
    printers = table.admin("applications")[1]
    assert printers["credential-fault"].startswith("open secret_file ")


# --- forget

def test_forget(m365, daemon):  # noqa: F811
    daemon.auth(USER, SECRET)
    daemon.auth(USER, "wrong")
    send(daemon, identity=USER)
    assert daemon.admin("forget", APPLICATION)[0] == {
        "record": "forgotten", "application": APPLICATION, "stored": "yes",
        "token": "yes", "accepted": "yes", "refusals": "1"}
    assert (f"audit: application={APPLICATION}, action=forgotten, uid=0 "
            "(stored secret: yes)" in daemon.log())
    asked = len(m365.requests("token"))
    waits = send(daemon, identity=USER)
    assert (waits.status, waits.dsn) == ("deferred", "4.7.8")
    row = only(daemon, "applications", "application")
    assert row["stored"] == "no" and "must sign in again" in row["failing"]
    assert len(m365.requests("token")) == asked
    # also for the state, and the answer to a second question
    assert daemon.admin("forget", APPLICATION)[0] == {
        "record": "forgotten", "application": APPLICATION, "stored": "no",
        "token": "no", "accepted": "no", "refusals": "0"}
    daemon.stop()
    daemon.start()
    assert send(daemon, identity=USER).status == "deferred"
    assert daemon.auth(USER, SECRET) == "OK"
    assert send(daemon, identity=USER).status == "sent"


def test_forget_while_entra_is_asked(m365, daemon):  # noqa: F811
    """Its answer does not bring back what was dropped."""
    daemon.auth(USER, SECRET)
    m365.expire_tokens()
    m365.rules({"endpoint": "token", "action": "stall", "accept": True})
    replies = []
    thread = threading.Thread(target=lambda: replies.append(
        send(daemon, identity=USER)))
    thread.start()
    m365.wait_stalled()
    assert daemon.admin("forget", APPLICATION)[0]["stored"] == "yes"
    m365.release()
    thread.join()
    assert (replies[0].status, replies[0].dsn) == ("deferred", "4.7.8")
    assert daemon.admin("forget", APPLICATION)[0]["stored"] == "no"


# --- what no question does

@pytest.mark.parametrize("raw", [
    b"\n", b"request\n\n", b"request=status\n\nmore", b"\0\0\0\0\n\n",
    b"request=" + b"x" * 5000 + b"\n\n", b"GET / HTTP/1.1\r\n\r\n",
    b"request=forget\napplication=%n%n/../x\n\n", b"request=nonsense\n\n",
    "request=\u00e4\n\n".encode()])
def test_nonsense(daemon, raw):  # noqa: F811
    answer = daemon.admin_raw(raw)
    assert answer == b"" or records(answer)[-1]["status"] == "failed"
    assert daemon.admin("status")[-1]["status"] == "ok"


def test_no_secret_and_no_token(m365, table):  # noqa: F811
    m365.app(TENANT, CLIENT, SECRET, OWN)
    wrong = f"wrong~{SECRET}"
    table.auth(USER, SECRET)
    table.auth(USER, wrong)
    table.auth(SECRET, SECRET)
    send(table, identity=USER)
    send(table, identity=USER, entry="printers")
    tokens = {request.header("Authorization").removeprefix("Bearer ")
              for request in m365.requests("sendMail")}
    assert len(tokens) == 2
    said = b"".join(table.admin_raw(f"request={name}\n\n".encode())
                    for name in REQUESTS)
    said += table.admin_raw(
        f"request=forget\napplication={APPLICATION}\n\n".encode())
    assert said.count(CLIENT.encode()) == 5
    (table.directory / "said").write_bytes(said)
    assert leaks.in_files([SECRET, wrong, OWN, *tokens],
                          table.directory / "said") == []
