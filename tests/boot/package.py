"""What the Debian package does to a booted host; see the script package.

Each row of the output is one requirement. The exit status is 1 when one was not
met.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from pathlib import Path

from harness import document
from harness.smtp import Smtp, SmtpError
from host import (
    CLIENT, CONF, KEY, SECRET, STATE, TENANT, auth, prepare, run, until,
    write_conf)
from installed import (
    POSTFIX, SOCKETS, apt, are_active, arrives, check_bounce, check_installed,
    end, forget_set_up, hold, log, owner, reloads, row, send, set_up, succeeds,
    undo)

WORK = Path(sys.argv[1])
(DEB,) = (WORK / "one").glob("postfix-msgraph_*.deb")
BEFORE = WORK / "postfix.before"
DOCUMENT = "docs/packaging.md"


# --- steps

def install_first() -> None:
    """Beside the folder of the source, as docs/packaging.md says; apt asks
    nothing here."""
    Path("/etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "1";\n')
    began = time.monotonic()
    command = document.command(DOCUMENT, "apt install ../")
    succeeds(command, run("sh", "-c", f"cd {WORK}/one/source && {command}"))
    row("seconds", True, f"{time.monotonic() - began:.1f}")
    check_installed()
    row("Postfix's settings are untouched", run(
        "diff", "-r", str(POSTFIX), str(BEFORE)).returncode == 0)
    for page in ("msgraphd.8", "identities.5"):
        row(f"man page {page}",
            Path(f"/usr/share/man/man{page[-1]}/{page}.gz").exists())


def check_authorities() -> None:
    """Whatever changes them has msgraphd read them anew."""
    before = log("msgraphd").count("configuration reloaded")
    run("update-ca-certificates", check=True)
    row("new authorities reload msgraphd", until(
        lambda: log("msgraphd").count("configuration reloaded") > before, 10)
        is not None)


def check_plugins() -> None:
    """A new libsasl2 comes with plugins in our plugin's folder."""
    before = reloads()
    succeeds("libsasl2's plugins are new",
             apt("install", "--reinstall", "libsasl2-modules-db"))
    row("which reloads Postfix", until(
        lambda: reloads() > before, 10) is not None)


# by "systemd-analyze security"; the other release's systemd finds the same
EXPOSURE = {"msgraphd.service": 1.6, "msgraph-milter.service": 1.3}


def check_exposure() -> None:
    for unit, limit in EXPOSURE.items():
        said = run("systemd-analyze", "security", "--no-pager", unit).stdout
        found = re.search(r"exposure level for \S+ ([0-9.]+)", said)
        row(f"exposure of {unit}", found and float(found[1]) <= limit,
            found and found[1])


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
               "ActiveEnterTimestampMonotonic", *SOCKETS).stdout


def upgrade() -> None:
    """With a message in the queue, and clients that sign in all the time."""
    deb = newer("0.2.0-2")
    hold(True)
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
    hold(False)
    arrives("the message in the queue goes out", 2)


def is_installed() -> bool:
    return run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}",
               "postfix-msgraph").stdout.startswith("ii")


def remove() -> None:
    done = apt("remove", "postfix-msgraph")
    row("removal is refused", done.returncode != 0)
    row("all is still there", is_installed() and are_active())
    undo(done.stdout, BEFORE)
    words = document.command(DOCUMENT, "apt remove").split()
    succeeds("then it is removed", apt(words[1], "postfix-msgraph"))
    row("key, state and settings stay",
        KEY.exists() and STATE.exists() and CONF.exists())
    row("nothing runs", not run("pgrep", "-u", "msgraphd,msgraph").stdout)
    check_bounce()


def come_back() -> None:
    key = KEY.read_bytes()
    succeeds("installed again", apt("install", DEB))
    until(are_active, 20)
    set_up()
    forget_set_up()
    row("the key is the same", KEY.read_bytes() == key)
    row("clients sign in", until(lambda: auth().code == 235, 20) is not None)
    undo(apt("remove", "postfix-msgraph").stdout, BEFORE, by_hand=True)


def purge() -> None:
    run("dpkg-statoverride", "--add", "root", "msgraph", "0755",
        "/etc/msgraph", check=True)
    succeeds("installed again, with an override",
             apt("install", "--reinstall", DEB))
    command = document.command(DOCUMENT, "dpkg-reconfigure postfix-msgraph")
    Path("/etc/tmpfiles.d/msgraph.conf").unlink()
    succeeds(command, run(*command.split()))
    run("systemd-tmpfiles", "--create", check=False)
    run("systemd-tmpfiles", "--create", "msgraph.conf", check=True)
    row("dpkg-statoverride holds", owner("/etc/msgraph")
        == "755 root msgraph", owner("/etc/msgraph"))
    run("dpkg-statoverride", "--remove", "/etc/msgraph", check=True)
    words = document.command(DOCUMENT, "apt purge").split()
    succeeds("purged", apt(words[1], "postfix-msgraph"))
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


def run_autopkgtest() -> None:
    """By its own tool, which installs the package by itself."""
    succeeds("autopkgtest is there", apt("install", "autopkgtest"))
    command = document.command(DOCUMENT, "autopkgtest ")
    done = run("sh", "-c", f"cd {WORK}/one/source && {command}")
    for name in ("demo", "setup"):
        row(f"autopkgtest: {name}",
            re.search(rf"^{name} +PASS", done.stdout + done.stderr, re.M))
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-6000:])
    undo(apt("remove", "postfix-msgraph").stdout, BEFORE)
    succeeds("and removed again", apt("purge", "postfix-msgraph"))


install_first()
m365 = prepare()
try:
    write_conf()
    run("systemctl", "restart", "msgraphd", "msgraph-milter", check=True)
    set_up()
    send("the first message")
    arrives("a message is sent", 1)
    check_authorities()
    check_plugins()
    check_exposure()
    upgrade()
    remove()
    come_back()
    purge()
    run_autopkgtest()
finally:
    m365.stop()
sys.exit(end())
