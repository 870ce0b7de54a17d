"""msgraphctl doctor about what the whole host shares: its users, the names of other
hosts, and room. They are changed in the namespace of tests/with-users, which all
processes of a test run are in, so this file runs by itself."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import cert, doctor
from harness.doctor import Breakage, own_site, set_main, site  # noqa: F401
from harness.site import Site
from harness.tls_server import Server

pytestmark = pytest.mark.skipif(
    "MSGRAPH_OWN_USERS" not in os.environ,
    reason="users and names are this machine's own")


def in_place(path: str, old: str, new: str):
    """The file is mounted: it stays the same one."""
    def make(_: Site) -> None:
        text, count = re.subn(old, new, Path(path).read_text(), flags=re.M)
        assert count == 1, (path, old)
        Path(path).write_text(text)
    return make


USERS = [
    Breakage("B6 postfix not in group", in_place(
        "/etc/group", "^(msgraph:.*)postfix$", r"\1"), "users", "critical",
        "postfix is not in group msgraph", "gpasswd -a postfix msgraph",
        in_place("/etc/group", "^(msgraph:.*)$", r"\1postfix")),
    Breakage("B24 user msgraph missing", in_place(
        "/etc/passwd", "^msgraph:", "gone:"), "users", "critical",
        "no user msgraph", "systemd-sysusers", in_place(
            "/etc/passwd", "^gone:", "msgraph:")),
    Breakage("user msgraph is a person's", in_place(
        "/etc/passwd", r"^(msgraph:[^:]*:\d+:)", r"\g<1>7"), "users",
        "critical", "group of user msgraph is not msgraph",
        "usermod -g msgraph msgraph", in_place(
            "/etc/passwd", r"^(msgraph:[^:]*:\d+:)7", r"\1")),
]


def test_hosts_of_uploads(site, tmp_path):  # noqa: F811
    """Graph answers, and the hosts that it would name do not."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost graph.microsoft.com "
                     "outlook.office.com outlook.office365.com\n")
    server = Server(site.m365)
    server.tls.load_cert_chain(cert.make_dated(
        tmp_path, site.m365.directory, "20200101", "20900101",
        "graph.microsoft.com"))
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    try:
        site.configure(graph_endpoint=server.url.replace(
            "localhost", "graph.microsoft.com"))
        found = doctor.ask(site, "uploads")
    finally:
        subprocess.run(["umount", "/etc/hosts"], check=True)
        server.close()
    one, two = found.wrong()
    assert one.check == two.check == "uploads" and found.status == "warning"
    assert "https://outlook.office.com): Failed to connect" in one.text
    assert "let outlook.office365.com port 443 through" in two.remedy


def test_a_queue_without_our_sockets(site):  # noqa: F811
    """The remedy puts them there."""
    queue = site.root / "elsewhere"
    queue.mkdir()
    queue.chmod(0o755)
    set_main("queue_directory", str(queue))(site)
    checks = ("milters", "auth", "bounces")
    remedies = {f.remedy for f in doctor.ask(site, *checks).wrong()}
    assert len(remedies) == 1
    doctor.type_in(site, remedies.pop().partition(", and the same")[0])
    try:
        found = doctor.ask(site, *checks)
    finally:
        subprocess.run(["umount", queue / "msgraph"], check=True)
    assert found.wrong() == [], found


# --- room

def mount(place, *options: str):
    def make(site: Site) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options),
                        "tmpfs", str(place(site))], check=True)
    return make


def unmount(place):
    return lambda site: subprocess.run(["umount", str(place(site))],
                                       check=True)


def tmp(_: Site) -> Path:
    return Path("/var/tmp")


def queue(site: Site) -> Path:
    return site.postfix.paths.queue


def state(site: Site) -> Path:
    return site.state


ROOM = [
    Breakage("B12c /var/tmp full", mount(tmp, "size=64k", "mode=1777"),
             "room", "critical", "agent works.*/var/tmp has room for 0 MB",
             "make room", unmount(tmp)),
    Breakage("no inodes", mount(tmp, "nr_inodes=50", "mode=1777"), "room",
             "critical", "/var/tmp has room for .* and [0-9]{2} files",
             "make room", unmount(tmp)),
    Breakage("B12a state's disk", mount(
        state, "size=12m", "mode=0700", "uid=msgraphd"), "room", "warning",
        "state_directory .* has room for 1[12] MB", "make room",
        unmount(state)),
]


def test_b12b_queue_full(site):  # noqa: F811
    """Without the rest: what lies below the mount is gone."""
    mount(queue, "size=24m", "mode=755")(site)
    try:
        [finding] = doctor.ask(site, "room").wrong()
    finally:
        unmount(queue)(site)
    assert (finding.check, finding.status) == ("room", "critical")
    assert re.search("queue_directory .* has room for 24 MB and .* files, and "
                     "needs 52 MB", finding.text)
    assert "make room" in finding.remedy


@pytest.mark.parametrize("row", USERS + ROOM, ids=str)
def test_broken(site, row):  # noqa: F811
    doctor.follow(site, row)
