"""Ways to break a host and to mend it again; see breakages.py."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import host
from harness import cert
from harness.tls_server import Server
from host import auth, run, until, wait_postfix, write_conf

MASTER, MAIN, ROUTE, SASL = (Path("/etc/postfix") / name for name in (
    "master.cf", "main.cf", "msgraph_route", "sasl/msgraph.conf"))
SPOOL = Path("/var/spool/postfix/msgraph")
SOCKETS = [f"msgraphd-{name}.socket" for name in ("auth", "bounce", "submit")]
OURS = ["msgraphd", "msgraph-milter"]
TABLE = Path("/etc/msgraph/identities")
PLUGIN = next(Path("/usr/lib").glob("*/sasl2/libentra.so"), None)

saved: dict[Path, tuple[bytes, os.stat_result]] = {}


def save(path: Path) -> None:
    if path not in saved:
        saved[path] = (path.read_bytes(), path.stat())


def edit(path: Path, old: str, new: str) -> None:
    save(path)
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def away(path: Path) -> None:
    save(path)
    path.unlink()


def restore() -> None:
    for path, (text, stat) in saved.items():
        path.unlink(missing_ok=True)
        path.write_bytes(text)
        os.chown(path, stat.st_uid, stat.st_gid)
        path.chmod(stat.st_mode & 0o7777)
    saved.clear()


def restart_postfix() -> None:
    run("systemctl", "restart", "postfix")
    wait_postfix()


def postfix(*breakage: Callable[[], object]) -> Callable[[], None]:
    def make() -> None:
        for step in breakage:
            step()
        restart_postfix()
    return make


def systemctl(*words: str) -> None:
    run("systemctl", *words)


def postconf(*words: str) -> None:
    save(MASTER)
    save(MAIN)
    run("postconf", *words, check=True)


def settings(**values: str) -> Callable[[], None]:
    def make() -> None:
        write_conf(**values)
        # what was asked before is remembered
        systemctl("restart", "msgraphd")
    return make


def age(begin: str, end: str) -> Callable[[], None]:
    """Entra's certificate holds from begin to end (YYYYMMDD): to a host whose
    clock is wrong, a good one looks like that."""
    def make() -> None:
        server = Server(host.m365)
        server.tls.load_cert_chain(cert.make_dated(
            Path(tempfile.mkdtemp()), host.m365.directory, begin, end))
        settings(login_endpoint=server.url)()
    return make


def write_table(text: str) -> None:
    """The table of identities, which a host has not by itself."""
    TABLE.write_text(text)
    TABLE.chmod(0o644)


def fill(place: str, size: str, copy: bool = False) -> None:
    """Mounts a small disk, with what was there, and fills it."""
    before = "/root/before"
    shutil.rmtree(before, ignore_errors=True)
    if copy:
        run("cp", "-a", place, before, check=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs",
        place, check=True)
    if copy:
        run("cp", "-a", f"{before}/.", place, check=True)


def fill_state() -> None:
    systemctl("stop", *OURS, *SOCKETS)
    fill("/var/lib/msgraph", "1m", copy=True)
    systemctl("start", *SOCKETS, *OURS)
    until(lambda: auth().code == 235, 15)
    run("dd", "if=/dev/zero", "of=/var/lib/msgraph/full", "bs=4k")


def empty_state() -> None:
    Path("/var/lib/msgraph/full").unlink()


def fill_queue() -> None:
    systemctl("stop", "postfix", *OURS, *SOCKETS)
    fill("/var/spool/postfix", "24m", copy=True)
    systemctl("start", *SOCKETS, *OURS)
    restart_postfix()
    run("dd", "if=/dev/zero", "of=/var/spool/postfix/full", "bs=4k")


def unmount(place: str) -> None:
    systemctl("stop", "postfix", *OURS, *SOCKETS)
    run("umount", place)


def in_postfix(*command: str) -> None:
    """In the namespace that its unit may have."""
    master = Path("/var/spool/postfix/pid/master.pid").read_text().strip()
    run("nsenter", f"--target={master}", "--mount", *command, check=True)


def fill_tmp() -> None:
    in_postfix("mount", "-t", "tmpfs", "-o", "size=64k,mode=1777", "tmpfs",
               "/var/tmp")


def lose_folder() -> None:
    systemctl("stop", *OURS, *SOCKETS)
    shutil.rmtree(SPOOL)
    systemctl("start", *SOCKETS, *OURS)
    time.sleep(2)


def lose_group() -> None:
    save(Path("/etc/group"))
    save(Path("/etc/gshadow"))
    run("gpasswd", "-d", "postfix", "msgraph", check=True)


def add_transport() -> None:
    """For what is in the queue with the mistyped name."""
    line = " ".join(run("postconf", "-M", "msgraph/unix").stdout.split())
    run("postconf", "-M",
        "msgrap/unix=" + line.replace("msgraph", "msgrap", 1))
