"""What the Debian package does to a booted host; see the script package.

Each row of the output is one requirement. The exit status is 1 when one was not
met.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness.message import message
from harness.smtp import Smtp, SmtpError
from host import (
    CLIENT, CONF, KEY, SECRET, STATE, TENANT, auth, prepare, run, until,
    wait_postfix, write_conf)

WORK = Path(sys.argv[1])
(DEB,) = (WORK / "one").glob("postfix-msgraph_*.deb")
POSTFIX = Path("/etc/postfix")
UNITS = ("msgraphd.service", "msgraph-milter.service", "msgraphd-auth.socket",
         "msgraphd-bounce.socket", "msgraphd-submit.socket")
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


# --- steps

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


def install_first() -> None:
    began = time.monotonic()
    succeeds("apt-get install", apt("install", DEB))
    row("seconds", True, f"{time.monotonic() - began:.1f}")
    check_installed()
    row("Postfix's settings are untouched", run(
        "diff", "-r", POSTFIX, WORK / "postfix.before").returncode == 0)
    for page in ("msgraphd.8", "identities.5"):
        row(f"man page {page}",
            Path(f"/usr/share/man/man{page[-1]}/{page}.gz").exists())


def configure() -> None:
    done = run("msgraphctl", "setup", "--bounces")
    row("msgraphctl setup", done.returncode == 0, last_line(done))
    wait_postfix()


def send(subject: str) -> None:
    with Smtp(8025) as client:
        client.auth_plain(f"{TENANT}@{CLIENT}", SECRET)
        client.transact("scan@example.com", ["you@example.org"], message(
            "scan@example.com", "you@example.org", subject=subject,
            body=b"x\r\n"))


def arrives(what: str, count: int) -> None:
    took = until(lambda: len(m365.mail()) >= count, 30)
    row(what, took is not None and len(m365.mail()) == count,
        f"{len(m365.mail())} messages")


def check_authorities() -> None:
    """Whatever changes them has msgraphd read them anew."""
    before = log("msgraphd").count("configuration reloaded")
    run("update-ca-certificates", check=True)
    row("new authorities reload msgraphd", until(
        lambda: log("msgraphd").count("configuration reloaded") > before, 10)
        is not None)


def newer(version: str) -> Path:
    """The same package under a newer version."""
    folder = WORK / "newer"
    run("dpkg-deb", "-R", str(DEB), str(folder), check=True)
    control = folder / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*", f"Version: {version}",
                              control.read_text(), flags=re.M))
    deb = WORK / f"postfix-msgraph_{version}.deb"
    run("dpkg-deb", "-b", str(folder), str(deb), check=True)
    return deb


def entered() -> str:
    """When each socket began to listen."""
    return run("systemctl", "show", "--value", "-p",
               "ActiveEnterTimestampMonotonic", *UNITS[2:]).stdout


def upgrade() -> None:
    """With a message in the queue, and clients that sign in all the time."""
    deb = newer("0.2.0-2")
    run("postconf", "-e", "defer_transports=msgraph", check=True)
    run("postfix", "reload", check=True)
    send("before the upgrade")
    key, answers, over = KEY.read_bytes(), [], threading.Event()
    sockets = entered()

    def sign_in() -> None:
        while not over.is_set():
            try:
                with Smtp(8025) as client:
                    answers.append(client.auth_plain(
                        f"{TENANT}@{CLIENT}", SECRET).code)
            except SmtpError as error:
                put_off.append(error.answer.code)

    def pid() -> str:
        return run("systemctl", "show", "--value", "-p", "MainPID",
                   "msgraphd").stdout

    old, put_off = pid(), []
    clients = threading.Thread(target=sign_in)
    clients.start()
    try:
        succeeds("an upgrade", apt("install", deb))
    finally:
        over.set()
        clients.join()
    row("msgraphd is the new one", old != pid())
    row("the sockets stayed", entered() == sockets)
    row("nobody was refused at AUTH meanwhile", set(answers) == {235},
        f"{len(answers)} sign-ins, {sorted(set(answers))}")
    # while there is no milter
    row("nobody was refused for good before AUTH", set(put_off) <= {454},
        f"{len(put_off)} told to come back")
    row("key and state stay", KEY.read_bytes() == key and STATE.exists())
    run("postconf", "-X", "defer_transports", check=True)
    run("postfix", "reload", check=True)
    run("postqueue", "-f")
    arrives("the message in the queue goes out", 2)


def undo(refused: str) -> None:
    """What the refusal says, typed."""
    commands = re.findall(r"^    (post\w+ .*)$", refused, re.M)
    row("it names the commands", len(commands) >= 3, commands)
    for command in commands:
        done = run("sh", "-c", command)
        row(command, done.returncode == 0, last_line(done))
    left = [line for line in run("postconf", "-M").stdout.splitlines()
            if "msgraph" in line]
    row("nothing of ours is left in master.cf", not left, left)
    row("Postfix's own services stay", set(names_of_services(
        WORK / "postfix.before")) == set(names_of_services(POSTFIX)))


def names_of_services(folder: Path) -> list[str]:
    return [line.split()[0] for line in run(
        "postconf", "-c", str(folder), "-M").stdout.splitlines()]


def is_installed() -> bool:
    return run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}",
               "postfix-msgraph").stdout.startswith("ii")


def remove() -> None:
    done = apt("remove", "postfix-msgraph")
    row("removal is refused", done.returncode != 0)
    row("all is still there", is_installed() and are_active())
    undo(done.stdout)
    succeeds("then it is removed", apt("remove", "postfix-msgraph"))
    row("key, state and settings stay",
        KEY.exists() and STATE.exists() and CONF.exists())
    row("nothing runs", not run("pgrep", "-u", "msgraphd,msgraph").stdout)
    check_bounce()


def check_bounce() -> None:
    subprocess.run(["sendmail", "-f", "root", "nobody-here"], text=True,
                   input="Subject: x\n\nx\n", check=True)
    row("a bounce of other mail arrives", until(lambda: any(
        "to=<root@" in line and "status=sent" in line for line in run(
            "journalctl", "--boot", "--facility=mail", "--no-pager"
            ).stdout.splitlines()), 20) is not None)


def come_back() -> None:
    key = KEY.read_bytes()
    succeeds("installed again", apt("install", DEB))
    until(are_active, 20)
    configure()
    row("the key is the same", KEY.read_bytes() == key)
    row("clients sign in", until(lambda: auth().code == 235, 20) is not None)
    undo(apt("remove", "postfix-msgraph").stdout)


def purge() -> None:
    run("dpkg-statoverride", "--add", "root", "msgraph", "0755",
        "/etc/msgraph", check=True)
    succeeds("installed again, with an override",
             apt("install", "--reinstall", DEB))
    run("systemd-tmpfiles", "--create", check=False)
    run("systemd-tmpfiles", "--create", "msgraph.conf", check=True)
    row("dpkg-statoverride holds", owner("/etc/msgraph")
        == "755 root msgraph", owner("/etc/msgraph"))
    run("dpkg-statoverride", "--remove", "/etc/msgraph", check=True)
    succeeds("purged", apt("purge", "postfix-msgraph"))
    left = sorted(str(path) for top in ("/etc", "/var/lib", "/var/spool",
                                        "/run", "/usr")
                  for path in Path(top).rglob("*msgraph*")
                  if not re.search("/dpkg/|/postfix/p(id|rivate|ublic)/",
                                   str(path)))
    kept = {"/etc/msgraph", "/etc/postfix/msgraph_route",
            "/etc/postfix/sasl/msgraph.conf"}
    row("what the package made is gone", set(left) == kept, [
        *left, run("ls", "-lA", "/run/msgraph").stdout])
    row("what the admin made is there",
        os.listdir("/etc/msgraph") == ["ca.pem"], os.listdir("/etc/msgraph"))


def install_without_postfix() -> None:
    """Postfix installed and not configured."""
    shutil.move(POSTFIX / "main.cf", WORK)
    succeeds("installed where Postfix has no main.cf", apt("install", DEB))
    check_installed()
    succeeds("and removed again", apt("purge", "postfix-msgraph"))
    shutil.move(WORK / "main.cf", POSTFIX)


install_first()
m365 = prepare()
try:
    write_conf()
    run("systemctl", "restart", "msgraphd", "msgraph-milter", check=True)
    configure()
    send("the first message")
    arrives("a message is sent", 1)
    check_authorities()
    demo = run("sh", "debian/tests/demo")
    row("autopkgtest: demo", demo.returncode == 0,
        "" if demo.returncode == 0 else demo.stdout + demo.stderr)
    upgrade()
    remove()
    come_back()
    purge()
    install_without_postfix()
finally:
    m365.stop()
if failures:
    print(f"{failures} requirements were not met")
    sys.exit(1)
