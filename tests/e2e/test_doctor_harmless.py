"""msgraphctl doctor does no harm: it ends in time whatever stalls, changes
nothing, sends nothing, shows no secret, and says so in the form of a monitoring
plugin."""

from __future__ import annotations

import contextlib
import email.utils
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import cert, doctor
from harness.doctor import own_site, set_option, site  # noqa: F401
from harness.site import Site, listen
from harness.tls_server import Server

CHECKS = Path(__file__).parents[2] / "agent/ctl/doctor/checks.c"


def names() -> list[str]:
    return re.findall(r'^    \{"([a-z-]+)",', CHECKS.read_text(), re.M)


# --- time

@contextlib.contextmanager
def stopped(site: Site):
    """Postfix takes connections, and does no more."""
    pids = site.postfix.processes()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def commands() -> list[bytes]:
    """Of all processes of this host, without procps."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes())
        except OSError:
            pass  # it has ended
    return found


def test_everything_stalls(site):
    """Each socket takes a connection, and nobody answers."""
    site.daemon.stop()
    site.milter.stop()
    held = [listen(path) for path in (
        site.auth_socket, site.bounce_socket, site.submit_socket,
        site.admin_socket, site.milter_socket)]
    held.append(entra := socket.create_server(("127.0.0.1", 0)))
    endpoint = f"https://localhost:{entra.getsockname()[1]}"
    site.settings.update(login_endpoint=endpoint, graph_endpoint=endpoint)
    site.write_conf()
    try:
        with stopped(site):
            began = time.monotonic()
            found = doctor.ask(site)
            took = time.monotonic() - began
            again = time.monotonic()
            queue = doctor.ask(site, "waiting")
    finally:
        for sock in held:
            sock.close()
        for path in (site.auth_socket, site.bounce_socket,
                     site.submit_socket, site.admin_socket,
                     site.milter_socket):
            path.unlink()
        site.settings.clear()
        site.write_conf()
        site.daemon.start()
        site.milter.start()
    assert took < 30
    assert found.status == "critical"
    assert {"msgraphd", "milter", "entra"} <= {
        finding.check for finding in found.wrong()}
    assert time.monotonic() - again < 30
    assert queue.status == "unknown"
    assert "did not end within its time" in queue.findings[-1].text
    assert queue.findings[-1].remedy == "try it alone: msgraphctl doctor waiting"
    assert not [command for command in commands()
                if b"postqueue" in command and str(site.root).encode()
                in command]


@pytest.mark.parametrize("seconds, status, text", [
    (120, "warning", "slow"), (-86400, "critical", "fast")])
def test_clock(site, seconds, status, text):
    server = Server(site.m365)
    date = email.utils.formatdate(time.time() + seconds, usegmt=True)

    def serve(conn) -> None:
        server.head(conn)
        conn.sendall(f"HTTP/1.1 404 Not Found\r\nDate: {date}\r\n"
                     "Content-Length: 0\r\n\r\n".encode())
    server.serve = serve
    site.configure(login_endpoint=server.url)
    found = doctor.ask(site, "clock")
    server.close()
    [finding] = found.wrong()
    assert (finding.check, finding.status) == ("clock", status)
    assert re.search(rf"clock is \d+ seconds {text}", finding.text)
    assert finding.remedy == "timedatectl set-ntp true"


@pytest.mark.parametrize("begin, end, cause", [
    ("20000101", "20010101", "certificate has expired"),
    ("20900101", "20910101", "certificate is not yet valid")])
def test_b8_clock_far_off(site, tmp_path, begin, end, cause):
    """Entra's certificate is not valid at the time that this host shows."""
    server = Server(site.m365)
    server.tls.load_cert_chain(
        cert.make_dated(tmp_path, site.m365.directory, begin, end))
    site.configure(login_endpoint=server.url)
    [finding] = doctor.ask(site, "entra").wrong()
    server.close()
    assert (finding.check, finding.status) == ("entra", "critical")
    assert cause in finding.text
    assert "this host's clock" in finding.remedy


# --- every kind of service

def test_every_service_is_sound():
    """The example's further ones, each as msgraphctl setup makes it."""
    with Site(services=("local", "port25", "certificate", "haproxy",
                        "oldtls")) as site:
        authority = site.postfix.paths.etc / "msgraph_clients_ca.pem"
        shutil.copy(site.postfix.cert, authority)
        found = doctor.ask(site)
    assert found.wrong() == [], found


@pytest.mark.parametrize("options", [{"chroot": False}, {"local_users": True}],
                         ids=str)
def test_other_kinds_of_relays_are_sound(options):
    with Site(**options) as site:
        found = doctor.ask(site)
    assert found.wrong() == [], found


# --- no harm

def files(site: Site) -> dict[str, tuple[int, int]]:
    """What may not change: everything but logs, and what runs."""
    found = {}
    for path in site.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix != ".log" \
                and "pid" not in path.parts and "state" not in path.parts:
            stat = path.stat()
            found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found


def status(site: Site) -> dict[str, object]:
    """What msgraphd counts, and its last events."""
    said = json.loads(subprocess.run(
        [site.build / "msgraphctl", "-c", site.conf, "status", "-j"],
        check=True, capture_output=True, text=True).stdout)
    return {name: said[name] for name in ("counts", "events")}


def test_changes_and_sends_nothing(site):
    doctor.ask(site)
    site.m365.reset()
    before, counts = files(site), status(site)
    assert doctor.ask(site).status == "ok"
    assert status(site) == counts
    assert files(site) == before
    assert site.postfix.queue() == []
    assert site.m365.requests("token") == []
    assert site.m365.requests("sendMail") == []


def test_shows_no_secret(site):
    password = site.root / "etc" / "proxy"
    password.write_text("user:hush-hush\n")
    password.chmod(0o400)
    shutil.chown(password, "msgraphd")
    site.configure(proxy="http://127.0.0.1:3",
                   proxy_password_file=str(password))
    found = doctor.ask(site)
    assert "port 3" in str(found)
    assert "hush" not in found.output


# --- the form

def test_plugin_line_when_all_is_right(site):
    done = doctor.run(site)
    assert done.returncode == 0
    assert re.fullmatch(r"MSGRAPH OK - nothing is wrong \(\d+ ok\)\n",
                        done.stdout)


def test_plugin_line_when_not(site):
    set_option("smtpd_tls_auth_only", "no")(site)
    doctor.cool(site)
    done = doctor.run(site, "secrecy", "services")
    assert done.returncode == 1
    first, head, row, remedy = done.stdout.splitlines()
    assert re.match(r"MSGRAPH WARNING - secrecy: .* \(1 warning, \d ok\)$",
                    first)
    assert head.split() == ["CHECK", "STATUS", "TEXT"]
    assert row.startswith("secrecy  warning  ")
    assert remedy.strip().startswith("remedy: postconf -P ")


def test_all_of_them(site):
    found = doctor.ask(site)
    assert list(dict.fromkeys(
        finding.check for finding in found.findings)) == names()
    done = doctor.run(site, "-a")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == \
        names()


def test_one_runs_what_it_comes_after(site):
    assert [finding.check for finding in doctor.ask(site, "ports").findings] \
        == ["postfix", "running", "services", "ports"]


def test_each_comes_after_what_stands_before_it():
    seen: set[str] = set()
    rows = re.findall(r'^    \{"([a-z-]+)",\s+"([a-z -]*)",',
                      CHECKS.read_text(), re.M)
    assert [name for name, _ in rows] == names()
    for name, after in rows:
        assert set(after.split()) <= seen, name
        seen.add(name)


@pytest.mark.parametrize("name, text", [
    ("nothing", "nothing"), ("no|thing\x1b[2J\xe9", "no/thing?[2J\xe9")])
def test_unknown_check(site, name, text):
    done = doctor.run(site, name)
    assert done.returncode == 3
    assert done.stdout == (f"MSGRAPH UNKNOWN - there is no check \"{text}\"; "
                           "msgraphctl(8) lists them\n")
    found = doctor.ask(site, name)
    assert (found.status, found.findings) == ("unknown", [])


@pytest.mark.parametrize("args, says", [
    ([], "MSGRAPH UNKNOWN - run this as root"),
    (["-j"], '"text": "run this as root')])
def test_not_root(site, args, says):
    program = shutil.copy(site.build / "msgraphctl", site.root)
    done = subprocess.run(
        ["runuser", "-u", "nobody", "--", program, "doctor", *args],
        capture_output=True, text=True)
    assert done.returncode == 3
    assert says in done.stdout
    if args:
        assert json.loads(done.stdout)["summary"][0]["status"] == "unknown"
