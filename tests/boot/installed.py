"""A host with the package on it: rows of output, apt, a message, and what the
package's removal says to type."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import host
from harness.message import message
from harness.smtp import Smtp
from host import CLIENT, KEY, SECRET, TENANT, run, until, wait_postfix

POSTFIX = Path("/etc/postfix")
EXAMPLES = Path("/usr/share/doc/postfix-msgraph/examples")
CTL = Path("/usr/sbin/msgraphctl")
UNITS = sorted(path.name for path in Path("conf-examples/systemd").iterdir())
SOCKETS = [name for name in UNITS if name.endswith(".socket")]
FOLDERS = {"/var/spool/postfix/msgraph": "3770 root msgraph",
           "/run/msgraph": "3770 root msgraph",
           "/etc/msgraph": "750 root msgraph",
           "/etc/msgraph/msgraph.conf": "644 root root",
           "/etc/msgraph/vault.key": "400 msgraphd root",
           "/var/lib/msgraph": "700 msgraphd msgraph"}
failures = 0


def row(what: str, good: object, text: object = "") -> None:
    global failures
    failures += not good
    print(f"  {'ok  ' if good else 'FAIL'} {what}"
          + (f": {text}" if text else ""), flush=True)


def end() -> int:
    """The exit status."""
    if failures:
        print(f"{failures} requirements were not met")
    return failures > 0


def apt(*words: object) -> subprocess.CompletedProcess:
    """apt-get without anybody who could answer a question."""
    return subprocess.run(
        ["apt-get", "-q", "-y", *map(str, words)], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def succeeds(what: str, done: subprocess.CompletedProcess) -> None:
    good = done.returncode == 0
    row(what, good, "" if good else done.stdout)


def last_line(done: subprocess.CompletedProcess) -> str:
    return "".join(done.stderr.splitlines()[-1:])


def owner(path: str) -> str:
    return run("stat", "-c", "%a %U %G", path).stdout.strip()


def are_active() -> bool:
    return run("systemctl", "is-active", *UNITS).stdout.split() == [
        "active"] * len(UNITS)


def log(unit: str) -> str:
    return run("journalctl", "--boot", "--no-pager", f"--unit={unit}").stdout


def reloads() -> int:
    """Of Postfix."""
    return sum("reload -- version" in line for line in mail_log())


def mail_log() -> list[str]:
    return run("journalctl", "--boot", "--facility=mail", "--no-pager"
               ).stdout.splitlines()


def check_installed() -> None:
    row("units are active", until(are_active, 20) is not None,
        run("systemctl", "is-active", *UNITS).stdout.split())
    enabled = run("systemctl", "is-enabled", *UNITS).stdout.split()
    row("units are enabled", set(enabled) == {"enabled"})
    row("postfix is in the group", "msgraph" in run(
        "id", "-nG", "postfix").stdout.split())
    until(KEY.exists, 10)
    for path, wanted in FOLDERS.items():
        row(path, owner(path) == wanted, owner(path))


# --- Postfix

def set_up() -> None:
    done = run(str(CTL), "setup", "--tenant", TENANT, "--bounces")
    row("msgraphctl setup", done.returncode == 0, last_line(done))
    wait_postfix()


def forget_set_up() -> None:
    """As if somebody had done it by hand, or on another host."""
    (POSTFIX / "msgraph_setup.undo").unlink()


# --- mail

def send(subject: str, user: str = f"{TENANT}@{CLIENT}",
         secret: str = SECRET, body: bytes = b"x\r\n") -> None:
    with Smtp(8025) as client:
        client.auth_plain(user, secret)
        client.transact("scan@example.com", ["you@example.org"], message(
            "scan@example.com", "you@example.org", subject=subject,
            body=body))


def arrives(what: str, count: int) -> None:
    """So many messages have come by now, and no more."""
    took = until(lambda: len(host.m365.mail()) >= count, 30)
    row(what, took is not None and len(host.m365.mail()) == count,
        f"{len(host.m365.mail())} messages")


def check_bounce() -> None:
    before = len(mail_log())
    subprocess.run(["sendmail", "-f", "root", "nobody-here"], text=True,
                   input="Subject: x\n\nx\n", check=True)
    row("a bounce of other mail arrives", until(lambda: any(
        "to=<root@" in line and "status=sent" in line
        for line in mail_log()[before:]), 20) is not None)


def hold(is_on: bool) -> None:
    """Whether mail for us waits in the queue. What a qmgr finds there that is
    about to end, because of the reload, waits on: so it is told again."""
    if is_on:
        run("postconf", "-e", "defer_transports=msgraph", check=True)
    else:
        run("postconf", "-X", "defer_transports", check=True)
    run("postfix", "reload", check=True)
    if not is_on:
        until(lambda: not run("postqueue", "-f").returncode and '"deferred"'
              not in run("postqueue", "-j").stdout, 30)


# --- removal

def settings(what: str, folder: Path) -> list[str]:
    """What postconf prints of a folder, or of its copy."""
    said = run("postconf", "-c", str(folder), what).stdout
    return sorted(said.replace(str(folder), str(POSTFIX)).splitlines())


def undo(refused: str, before: Path, by_hand: bool = False) -> None:
    """What the refusal says, typed; before is Postfix's folder without us."""
    first = re.findall(r"^    (msgraphctl .*)$", refused, re.M)
    commands = re.findall(r"^    (post\w+ .*)$", refused, re.M)
    row("it names the commands", len(commands) >= 3, commands)
    row("msgraphctl is named where it has set up Postfix",
        len(first) == (not by_hand), first)
    for command in first or commands:
        done = run("sh", "-c", command)
        row(command, done.returncode == 0, last_line(done))
    left = [line for line in run("postconf", "-M").stdout.splitlines()
            if "msgraph" in line]
    row("nothing of ours is left in master.cf", not left, left)
    for what in ("-n", "-M", "-P") if first else ("-M",):
        changed = set(settings(what, before)) ^ set(settings(what, POSTFIX))
        row(f"postconf {what} is as before", not changed, changed or "")
