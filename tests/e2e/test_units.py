"""The systemd units of the examples, and the users and folders that they need:
systemd finds nothing to complain of, and units, settings and each other agree.
"""

from __future__ import annotations

import configparser
import grp
import os
import re
import signal
import shlex
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from harness import example
from harness.process import BUILD
from harness.settings import seconds

UNITS = ["msgraphd.service", "msgraph-milter.service",
         "msgraphd-auth.socket", "msgraphd-bounce.socket",
         "msgraphd-submit.socket", "msgraphd-admin.socket"]


def unit(name: str) -> configparser.ConfigParser:
    """A systemd unit. Repeated keys keep their last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(example.read(f"systemd/{name}"))
    return parser


# --- systemd

@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="no systemd here")
def test_systemd_accepts_the_units(tmp_path):
    for name in UNITS:
        text = example.read(f"systemd/{name}").replace(
            "/usr/sbin/msgraph", f"{BUILD}/msgraph")
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no",
         *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines()
                  if "msgraph" in line]
    assert complaints == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="no systemd here")
@pytest.mark.parametrize("name, limit", [("msgraphd", 1.6),
                                         ("msgraph-milter", 1.3)])
def test_no_unit_opens_more_of_the_host(name, limit):
    """The number may fall. Whoever raises it says why in the unit."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         example.EXAMPLES / f"systemd/{name}.service"],
        capture_output=True, text=True)
    found = re.search(r"exposure level for \S+ ([0-9.]+)", done.stdout)
    assert float(found[1]) <= limit, done.stdout


@pytest.mark.parametrize("name, group", [
    ("auth", "msgraph"), ("submit", "msgraph"), ("bounce", "msgraph"),
    ("admin", "msgraph-admin")])
def test_socket_units_stand_where_the_settings_say(name, group, defaults):
    sock = unit(f"msgraphd-{name}.socket")["Socket"]
    assert sock["ListenStream"] == defaults[f"{name}_socket"]
    assert sock["FileDescriptorName"] == name
    assert sock["Service"] == "msgraphd.service"
    assert (sock["SocketUser"], sock["SocketGroup"], sock["SocketMode"]) == (
        "root", group, "0660")
    pulled_in = "Wants" if name == "admin" else "Requires"
    for key in ("Sockets", pulled_in, "Also"):
        assert f"msgraphd-{name}.socket" in words_of("msgraphd.service", key)


def test_msgraphctl_is_no_condition_for_mail():
    """A host without group msgraph-admin, and a socket that somebody has
    masked: systemd would not even try to start the service."""
    assert not any("admin" in word for key in ("Requires", "BindsTo", "PartOf")
                   for word in words_of("msgraphd.service", key))


def test_programs_run_as_their_users():
    for name, user in (("msgraphd", "msgraphd"),
                       ("msgraph-milter", "msgraph")):
        service = unit(f"{name}.service")["Service"]
        assert (service["User"], service["Group"]) == (user, "msgraph")
        assert service["NoNewPrivileges"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["LimitCORE"] == "0"


def test_services_are_tried_for_ever():
    """A mistake that takes an hour to mend must not outlast its mending: at
    a start limit systemd gives up service and sockets for good."""
    for name in ("msgraphd", "msgraph-milter"):
        service = unit(f"{name}.service")
        assert service["Unit"]["StartLimitIntervalSec"] == "0"
        assert service["Service"]["Restart"] == "always"
    for name in ("auth", "submit", "bounce", "admin"):
        sock = unit(f"msgraphd-{name}.socket")["Socket"]
        assert sock["TriggerLimitIntervalSec"] == "0"


@pytest.mark.parametrize("name", ["msgraphd", "msgraph-milter"])
def test_a_start_that_fails_stands_by(name):
    """The attempt after one that failed knows of it: the file that was left is
    still there, and no older than the program takes it for."""
    service = unit(f"{name}.service")["Service"]
    assert service["Type"] == "notify"
    assert service["RuntimeDirectory"] == name
    assert service["RuntimeDirectoryPreserve"] == "restart"
    source = (example.ROOT / "lib/local/standby.c").read_text()
    limit = int(re.search(r"MARKER_SECONDS (\d+)", source)[1])
    assert 5 * int(service["RestartSec"]) <= limit


def test_watchdog():
    """It waits for a disk as long as the kernel does, and systemd hears from it
    more often than that."""
    service = unit("msgraphd.service")["Service"]
    limit = seconds(service["WatchdogSec"].removesuffix("in"))
    source = (example.ROOT / "agent/daemon/housekeeping.c").read_text()
    often = int(re.search(r"LOOK_SECONDS (\d+)", source)[1])
    assert limit > 6 * 30 and limit >= 4 * often
    assert unit("msgraph-milter.service")["Service"]["WatchdogSec"] == "5min"


def test_nothing_that_can_fail_stands_before_msgraphd():
    assert unit("msgraphd.service")["Service"]["ExecStartPre"].startswith("-+")


def command(name: str, key: str) -> list[str]:
    """The words of a service's command, as the tests can run it."""
    text = re.search(rf"(?m)^{key}=[-+]*((?:.*\\\n)*.*)$",
                     example.read(f"systemd/{name}.service"))[1]
    return shlex.split(text.replace("\\\n", " "))


RELOADS = [("msgraphd", "HUP"), ("msgraph-milter", "USR1")]


@pytest.mark.parametrize("name, number", RELOADS)
@pytest.mark.parametrize("conf, is_told", [
    ("", True), ("cloud = global\n", True), ("clowd = global\n", False)])
def test_reload(name, number, conf, is_told, tmp_path):
    """With no program but the shell and ours (a minimal system has no
    /bin/kill), and only for settings that are sound: else systemctl says
    that it failed, and the text says why."""
    file = tmp_path / "msgraph.conf"
    file.write_text(conf)
    words = command(name, "ExecReload")
    words[-1] = example.replace(words[-1], f"/usr/sbin/{name} -t",
                                f"{BUILD}/{name} -c {file} -t")
    told = tmp_path / "told"
    main = subprocess.Popen(
        ["sh", "-c", f"trap 'echo >{told}; exit 3' {number}; echo ready; "
         "while :; do sleep 0.1; done"], stdout=subprocess.PIPE,
        # a shell cannot trap what was ignored when it started
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
    main.stdout.readline()
    done = subprocess.run(words, capture_output=True, text=True, env={
        "MAINPID": str(main.pid), "PATH": "/nonexistent"})
    if done.returncode != 0:
        main.terminate()
    status = main.wait(30)
    assert (done.returncode == 0, status == 3, told.exists()) == (
        is_told, is_told, is_told), done.stderr
    assert ("clowd" in done.stderr) is not is_told
    assert done.stdout == ""


def words_of(name: str, key: str) -> list[str]:
    """All values of a key, which may stand there repeatedly."""
    return " ".join(re.findall(rf"(?m)^{key}=(.*)$",
                               example.read(f"systemd/{name}"))).split()


@pytest.mark.parametrize("name", UNITS)
def test_folders_of_the_sockets_are_there_first(name):
    assert "systemd-tmpfiles-setup.service" in words_of(name, "After")


def test_postfix_waits_for_no_network():
    """The milter is there before Postfix, and holds nothing up: it waits for
    nothing itself. What msgraphd waits for, Postfix does not."""
    assert words_of("msgraph-milter.service", "Before") == [
        "postfix.service", "postfix@-.service"]
    assert words_of("msgraph-milter.service", "After") == [
        "systemd-tmpfiles-setup.service"]
    for name in UNITS:
        if name != "msgraph-milter.service":
            assert words_of(name, "Before") == []


def test_the_daemon_is_bounded():
    """And never below what it may need itself: a thread for each connection
    that libcurl is let make."""
    service = unit("msgraphd.service")["Service"]
    assert service["MemorySwapMax"] == "0"
    assert service["MemoryMax"] == "512M"
    sources = (example.ROOT / "agent/daemon").rglob("http.c")
    source = next(sources).read_text()
    connections = int(re.search(r"CONNECTIONS_MAX (\d+)", source)[1])
    assert int(service["TasksMax"]) > connections


def test_stop_may_take_as_long_as_msgraphd_waits(defaults):
    limit = int(unit("msgraphd.service")["Service"]["TimeoutStopSec"])
    assert limit >= seconds(defaults["request_timeout"]) + 10


def test_state_directory_is_the_daemons(defaults):
    service = unit("msgraphd.service")["Service"]
    assert defaults["state_directory"] == (
        f"/var/lib/{service['StateDirectory']}")
    assert service["StateDirectoryMode"] == "0700"


def key_maker(etc: Path, state: Path) -> list[str]:
    """ExecStartPre of msgraphd.service, with other places."""
    *words, text = command("msgraphd", "ExecStartPre")
    assert "$" not in text and "%" not in text  # systemd would expand them
    text = example.replace(text, "/etc/msgraph", str(etc))
    return [*words, example.replace(text, "/var/lib/msgraph", str(state))]


def test_first_start_makes_the_key_and_no_other_start_does(tmp_path):
    etc, state = tmp_path / "etc", tmp_path / "state"
    etc.mkdir()
    state.mkdir()
    command = [word.replace("chown msgraphd", "chown root")
               for word in key_maker(etc, state)]
    subprocess.run(command, check=True)
    key = etc / "vault.key"
    first = key.read_bytes()
    assert len(first) == 32
    assert key.stat().st_mode & 0o777 == 0o400
    subprocess.run(command, check=True)
    assert key.read_bytes() == first
    key.unlink()
    (state / "state.db").write_text("sealed with the key that is gone")
    subprocess.run(command, check=True)
    assert list(etc.iterdir()) == []


def test_key_outlives_a_power_cut(tmp_path):
    """What is sealed with it is lost without it: the file is on disk before it
    has its name, and the name before msgraphd starts."""
    etc, bin_ = tmp_path / "etc", tmp_path / "bin"
    etc.mkdir()
    bin_.mkdir()
    log = tmp_path / "log"
    (bin_ / "sync").write_text(f'#!/bin/sh\necho "$*:" * >>{log}\n')
    (bin_ / "sync").chmod(0o755)
    subprocess.run(
        [word.replace("chown msgraphd", "chown root")
         for word in key_maker(etc, tmp_path / "state")], check=True,
        env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"})
    assert log.read_text().splitlines() == [
        "vault.new: vault.new", ".: vault.key"]


# --- users and folders

@pytest.fixture
def root(tmp_path) -> Path:
    """A system of its own for systemd-sysusers and systemd-tmpfiles."""
    for kind in ("sysusers.d", "tmpfiles.d"):
        folder = tmp_path / "usr" / "lib" / kind
        folder.mkdir(parents=True)
        shutil.copy(example.EXAMPLES / kind / "msgraph.conf", folder)
    etc = tmp_path / "etc"
    etc.mkdir()
    (tmp_path / "var/spool/postfix").mkdir(parents=True)
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n"
                                "postfix:x:102:105::/:/usr/sbin/nologin\n")
    (etc / "group").write_text("root:x:0:\npostfix:x:105:\n")
    return tmp_path


@pytest.mark.skipif(not shutil.which("systemd-sysusers"),
                    reason="no systemd here")
def test_users_and_folders(root):
    subprocess.run(["systemd-sysusers", f"--root={root}"], check=True,
                   capture_output=True)
    users = {line.split(":")[0]: line.split(":") for line in
             (root / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0]: line.split(":") for line in
              (root / "etc/group").read_text().splitlines()}
    gid = groups["msgraph"][2]
    assert users["msgraph"][3] == users["msgraphd"][3] == gid
    assert users["msgraph"][2] != users["msgraphd"][2]
    assert users["msgraph"][6] == users["msgraphd"][6] == "/usr/sbin/nologin"
    assert groups["msgraph"][3] == "postfix"
    assert groups["msgraph-admin"][3] == ""
    subprocess.run(["systemd-tmpfiles", f"--root={root}", "--create"],
                   check=True, capture_output=True)
    for name, mode in (("var/spool/postfix/msgraph", 0o3770),
                       ("run/msgraph", 0o3770), ("etc/msgraph", 0o750)):
        info = (root / name).stat()
        assert info.st_mode & 0o7777 == mode, name
        assert (info.st_uid, info.st_gid) == (0, int(gid)), name
    assert acl(root / "run/msgraph") == {
        "owner": 7, "group": 7, "others": 0, "mask": 7,
        grp.getgrnam("msgraph-admin").gr_gid: 1}


def acl(path: Path) -> dict[str | int, int]:
    """The permissions of a folder's access list, of other groups by number
    (posix_acl_xattr.h of the kernel)."""
    names = {1: "owner", 4: "group", 16: "mask", 32: "others"}
    entries = struct.iter_unpack(
        "<HHI", os.getxattr(path, "system.posix_acl_access")[4:])
    return {names.get(tag, number): mode for tag, mode, number in entries}
