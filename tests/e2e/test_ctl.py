"""msgraphctl against a live msgraphd: what it prints, for whom, and with which
exit status."""

from __future__ import annotations

import grp
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from harness.daemon import BUILD, Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, USER, daemon, m365, open_folder, send,
    shared_m365)
from harness.milter import running
from lint.test_ctl import FROZEN

APPLICATION = f"{TENANT}/{CLIENT}"
VERSION = re.search(r'MSGRAPH_VERSION "(.*)"', (
    Path(__file__).resolve().parents[2] / "lib/base/version.h"
).read_text())[1]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def ctl(daemon, *args: str, **how) -> subprocess.CompletedProcess:  # noqa
    return subprocess.run(
        [str(BUILD / "msgraphctl"), "-c", str(daemon.conf), *args],
        capture_output=True, text=True, timeout=60, **how)


def tables(daemon, *args: str) -> dict[str, list[dict]]:  # noqa: F811
    done = ctl(daemon, *args)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture
def milter(daemon):  # noqa: F811
    for milter in running():
        daemon.settings["milter_socket"] = f"unix:{milter.socket}"
        daemon.write_conf()
        yield milter


@pytest.fixture
def busy(m365, daemon, milter):  # noqa: F811
    """There is a row for each table but those of the table of identities."""
    own = daemon.directory / "own"
    own.write_text("the relay's own")
    own.chmod(0o400)
    (daemon.directory / "identities").write_text(
        f"printers application={TENANT}/{CLIENT} secret_file={own} "
        "clients=192.0.2.1 senders=any\n")
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: len(daemon.admin("identities")) == 2)
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    m365.rules({"endpoint": "sendMail", "status": 429,
                "headers": {"Retry-After": "300"}})
    send(daemon, identity=USER)
    assert send(daemon, identity=USER, entry="printers").status == "deferred"
    return daemon


# --- status

def test_status(busy, milter):
    found = tables(busy, "status", "-j")
    assert {name: " ".join(rows[0]) for name, rows in found.items()
            if rows} == {name: columns for name, columns in
                         FROZEN["status"].items() if name != "failing"}
    assert [(row["name"], row["status"]) for row in found["daemons"]] == [
        ("msgraphd", "ok"), ("msgraph-milter", "ok")]
    for row, pid in zip(found["daemons"],
                        (busy.process.pid, milter.process.pid)):
        assert (row["version"], row["pid"]) == (VERSION, pid)
        started = datetime.fromisoformat(row["started"].rstrip("Z") + "+00:00")
        assert abs(time.time() - started.timestamp() - row["uptime"]) < 3
        assert 0 <= row["uptime"] < 60
    [counts] = found["counts"]
    assert (counts["sent"], counts["deferred"], counts["signed_in"]) == (
        1, 2, 1)
    application, entry = found["applications"]
    assert (application["application"], application["entry"],
            application["status"], application["stored"]) == (
        APPLICATION, "", "ok", "yes")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                        application["sent"])
    assert (entry["entry"], entry["signed_in"]) == ("printers", None)
    assert found["throttled"][0]["scope"] == "application"
    assert found["events"][0]["what"] == "deferred"
    assert "nothing: mail goes once" in found["events"][0]["remedy"]


def test_status_of_what_fails(m365, busy):  # noqa: F811
    (busy.directory / "own").unlink()
    m365.app(TENANT, CLIENT, "another")
    m365.expire_tokens()
    m365.rules()
    busy.stop()
    busy.start()
    found = tables(busy, "status", "-j")
    assert [row["status"] for row in found["applications"]] == [
        "ok", "critical"]
    assert found["credentials"][0]["credential_fault"].startswith("open ")
    text = ctl(busy, "status").stdout
    assert "\033" not in text  # colours are for terminals
    for table in ("NAME", "SENT", "ENTRY", "LAST"):
        assert re.search(rf"(?m)^{table}  ", text)


def test_status_of_a_milter_that_says_nothing(daemon, tmp_path):  # noqa: F811
    """It takes connections, and that is all."""
    daemon.settings["milter_socket"] = f"unix:{tmp_path}/milter"
    daemon.write_conf()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "milter"))
        sock.listen(8)
        [_, row] = tables(daemon, "status", "-j")["daemons"]
    assert (row["status"], row["pid"]) == ("critical", os.getpid())
    assert "no answer in time" in row["note"]


def test_status_without_a_daemon(daemon):  # noqa: F811
    daemon.stop()
    done = ctl(daemon, "status", "-j")
    assert (done.returncode, done.stderr) == (69, "")
    [msgraphd, milter] = json.loads(done.stdout)["daemons"]
    assert (msgraphd["status"], milter["status"]) == ("critical", "critical")
    assert "is it running?" in msgraphd["note"]
    for command in (["identities"], ["forget", APPLICATION]):
        done = ctl(daemon, *command)
        assert (done.returncode, done.stdout) == (69, "")
        assert "is it running?" in done.stderr


def test_watch(daemon):  # noqa: F811
    """Again and again, and of what is new."""
    with subprocess.Popen(
            [str(BUILD / "msgraphctl"), "-c", str(daemon.conf), "status",
             "--watch", "-j"], stdout=subprocess.PIPE, text=True) as watch:
        decoder, text, seen = json.JSONDecoder(), "", []
        daemon.auth(USER, "wrong")
        while len(seen) < 3:
            text += watch.stdout.readline()
            if text.endswith("\n}\n"):
                document, _ = decoder.raw_decode(text)
                seen.append(document["counts"][0]["refused"])
                text = ""
                daemon.auth(USER, f"wrong {len(seen)}")
        watch.terminate()
    assert seen[0] < seen[1] < seen[2]


def test_watch_on_a_terminal(daemon):  # noqa: F811
    """In the same place, with colours."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
            [str(BUILD / "msgraphctl"), "-c", str(daemon.conf), "status",
             "-w"], stdout=theirs) as watch:
        os.close(theirs)
        shown = b""
        while shown.count(b"\033[H\033[2J") < 3:
            shown += os.read(ours, 4096)
        watch.terminate()
    os.close(ours)
    assert re.search(rb"msgraphd +\033\[32mok\033\[0m", shown)


@pytest.mark.parametrize("is_member", [True, False])
def test_members_of_the_group(daemon, open_folder, is_member):  # noqa: F811
    daemon.stop()
    daemon.settings["admin_socket"] = str(open_folder / "admin")
    daemon.start()
    program, conf = (shutil.copy(file, open_folder) for file in (
        BUILD / "msgraphctl", daemon.conf))
    groups = [grp.getgrnam("msgraph-admin").gr_gid] if is_member else []
    done = subprocess.run(
        [program, "-c", conf, "identities"], user="nobody",
        group=65534, extra_groups=groups, capture_output=True, text=True,
        cwd="/")
    assert done.returncode == (0 if is_member else 69)
    assert ("group msgraph-admin" in done.stderr) is not is_member
    done = subprocess.run(
        [program, "-c", conf, "status", "-j"], user="nobody", group=65534,
        extra_groups=groups, capture_output=True, text=True, cwd="/")
    assert json.loads(done.stdout)["daemons"][0]["status"] == (
        "ok" if is_member else "unknown")


# --- identities, forget

def test_identities(busy):
    [row] = tables(busy, "identities", "-j")["identities"]
    assert row["entry"] == "printers" and row["line"] == 1
    (busy.directory / "identities").write_text("nonsense\n")
    busy.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: tables(busy, "identities", "-j")["faults"])
    found = tables(busy, "identities", "-j")
    assert {name: " ".join(rows[0]) for name, rows in found.items()} == \
        FROZEN["identities"]
    assert found["faults"][0]["fault"].startswith(
        f"{busy.directory}/identities:1: ")


@pytest.mark.parametrize("name", [
    APPLICATION, USER, f"{TENANT}@{CLIENT}", f"{TENANT}@{CLIENT}.printers"])
def test_forget(daemon, name):  # noqa: F811
    daemon.auth(USER, SECRET)
    [row] = tables(daemon, "forget", "-j", name)["forgotten"]
    assert " ".join(row) == FROZEN["forget"]["forgotten"]
    assert (row["application"], row["stored"], row["token"]) == (
        APPLICATION, "yes", "yes")
    assert "waits until a client signs in" in row["next"]
    assert send(daemon, identity=USER).dsn == "4.7.8"


@pytest.mark.parametrize("args", [
    ["forget"], ["forget", "nonsense"], ["forget", APPLICATION, "more"],
    ["status", "operand"], ["status", "--no"], ["stat"]])
def test_wrong_usage(daemon, args):  # noqa: F811
    done = ctl(daemon, *args)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [
    ["-h"], ["status"], ["status", "-jw"], ["identities", "-j"],
    ["forget", APPLICATION], ["username", TENANT, CLIENT],
    ["entra-script", "-m", "a@b", "Name"], ["setup", "-h"],
    ["test-login", "-s", "/etc/hostname", USER]])
def test_output_that_cannot_be_written(daemon, args):  # noqa: F811
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(BUILD / "msgraphctl"), "-c", str(daemon.conf), *args],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74
    assert "cannot write the output" in done.stderr


# --- what is no msgraphd

@pytest.mark.parametrize("answer, text", [
    (b"", "hung up"),
    (b"record=status\nversion=1\n\n", "was cut"),
    (b"record=end\nstatus=ok\n\nmore", "was cut"),
    (b"record=end\nstatus=ok\n", "was cut"),
    (b"nonsense", "was cut"), (b"\0" * 100, "was cut"),
    (b"record=end\nstatus=failed\ntext=not now\n\n", "not now"),
])
def test_an_answer_that_is_none(daemon, tmp_path, answer, text):  # noqa: F811
    daemon.stop()
    Path(daemon.settings["admin_socket"]).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(daemon.settings["admin_socket"])
        sock.listen(1)

        def serve() -> None:
            peer, _ = sock.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(answer)
        thread = threading.Thread(target=serve)
        thread.start()
        done = ctl(daemon, "identities")
        thread.join()
    assert (done.returncode, done.stdout) == (69, "")
    assert text in done.stderr


SERVE = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.bind(sys.argv[1])
    sock.listen(1)
    sock.settimeout(30)
    print("ready", flush=True)
    peer, _ = sock.accept()
    with peer:
        heard = peer.recv(4096)
        print(heard)
        if heard:
            peer.sendall(b"record=end\\nstatus=ok\\n\\n")
"""


@pytest.mark.parametrize("user, is_ours", [("nobody", False),
                                           ("msgraph", False),
                                           ("msgraphd", True), (0, True)])
@pytest.mark.parametrize("name, args", [
    ("admin_socket", ["forget", APPLICATION]),
    ("auth_socket", ["test-login", "-s", "-", USER])])
def test_a_socket_of_somebody_else(daemon, open_folder, user,  # noqa: F811
                                   is_ours, name, args):
    """It is told nothing, least of all a secret, and not believed."""
    os.chmod(open_folder, 0o777)
    daemon.stop()
    daemon.settings[name] = str(open_folder / "socket")
    daemon.start()  # which leaves its settings for others
    daemon.stop()
    (open_folder / "socket").unlink(missing_ok=True)
    with subprocess.Popen(
            [sys.executable, "-c", SERVE, daemon.settings[name]],
            user=user, stdout=subprocess.PIPE, text=True, cwd="/") as server:
        assert server.stdout.readline() == "ready\n"
        done = ctl(daemon, *args, input=SECRET)
        heard = server.stdout.read()
    assert (done.returncode == 69) is not is_ours
    assert ("find out who made it" in done.stderr) is not is_ours
    assert (CLIENT in heard) is is_ours
    assert (SECRET in heard) is (is_ours and name == "auth_socket")


# --- entra-script

def ctl_version() -> str:
    return subprocess.run([str(BUILD / "msgraphctl"), "-V"], text=True,
                          capture_output=True, check=True).stdout.split()[-1]


@pytest.mark.parametrize("golden, args", [
    ("secret.ps1", ["-m", "scan@example.com", "-m", "o'neil@example.com", "-t",
                    TENANT, "Office printers' relay"]),
    ("certificate.ps1", ["-C", str(GOLDEN / "certificate.pem"), "--mailbox",
                         "scan@example.com", "Scanners"]),
])
def test_entra_script(golden, args):
    done = subprocess.run([str(BUILD / "msgraphctl"), "entra-script", *args],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    version = ctl_version()
    assert done.stdout == (GOLDEN / golden).read_text().replace(
        "@VERSION@", version)
    key = (GOLDEN / "certificate.pem").read_text().splitlines()[1]
    assert key not in done.stdout


@pytest.mark.parametrize("name", ["K\xf6ln", "\xd2; Remove-Item x #",
                                  "\u2019 \U0001f600", "o'neil \"$x`n"])
def test_entra_script_is_the_same_in_any_code_page(name):
    """Windows PowerShell 5.1 takes a script for Windows-1252."""
    done = subprocess.run(
        [str(BUILD / "msgraphctl"), "entra-script", "-m", "a@b", name],
        capture_output=True, check=True)
    text = done.stdout.decode("ascii")
    value = re.search(r"(?m)^\$name = (.*)$", text)[1]
    units = re.findall(r"'((?:[^']|'')*)'|\[char\]0x([0-9a-f]{4})", value)
    assert "".join(chr(int(unit, 16)) if unit else part.replace("''", "'")
                   for part, unit in units).encode(
        "utf-16", "surrogatepass").decode("utf-16") == name


@pytest.mark.parametrize("args, text", [
    (["Name"], "needs --mailbox"),
    (["-m", "scan@example.com"], "needs one name"),
    (["-m", "scan@example.com", "a", "b"], "needs one name"),
    (["-m", "scan", "Name"], "a mailbox is an address"),
    (["-m", "a@b@c", "Name"], "a mailbox is an address"),
    (["-m", "a@b c", "Name"], "a mailbox is an address"),
    (["-m", "$(x)@b", "Name"], "a mailbox is an address"),
    (["-m", "a@b", "x" * 51], "a name has"),
    (["-m", "a@b", ""], "a name has"),
    (["-m", "a@b", "a\nb"], "a name has"),
    (["-m", "a@b", "-t", "x; y", "Name"], "a tenant is"),
    (["-m", "a@b", "-s", "-C", "/dev/null", "Name"], "exclude each other"),
    (["-m", "a@b", "-C", "/dev/null", "Name"], "no certificate"),
    (["-m", "a@b", "-C", "/nonexistent", "Name"], "No such file"),
    (["-m", "a@b", "-C", "/tmp", "Name"], "no certificate"),
    (["-m", "a@b", "\U0001f600" * 26], "a name has"),
    (["-m", "\xf6@b", "Name"], "a mailbox is an address"),
])
def test_entra_script_refuses(args, text):
    done = subprocess.run([str(BUILD / "msgraphctl"), "entra-script", *args],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (64, "")
    assert text in done.stderr
