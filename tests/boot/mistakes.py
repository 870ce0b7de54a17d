"""What an admin's mistakes do to a booted host; see the script mistakes.

Each row of the output is one requirement: what was measured, and the limit. The
exit status is 1 when a limit was passed, and 133 to ask tests/fresh for a
reboot. With a second argument, only the reboot is made.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from host import (
    CLIENT, CONF, KEY, STATE, TENANT, auth, prepare, run, until, write_conf)

REBOOT = 133
failures = 0


def timed(call: Callable[[], object]) -> tuple[float, object]:
    began = time.monotonic()
    result = call()
    return time.monotonic() - began, result


def row(what: str, good: bool, text: str) -> None:
    global failures
    failures += not good
    print(f"  {'ok  ' if good else 'FAIL'} {what}: {text}", flush=True)


# --- mistakes

@dataclass
class Mistake:
    name: str
    make: Callable[[], None]
    mend: Callable[[], None]
    reason: str
    units: tuple[str, ...] = ("msgraphd",)


def lock() -> None:
    run("systemctl", "stop", "msgraphd", "msgraphd-auth.socket",
        "msgraphd-bounce.socket", "msgraphd-submit.socket",
        "msgraphd-admin.socket")
    global database
    database = sqlite3.connect(STATE, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    run("systemctl", "start", "msgraphd-auth.socket",
        "msgraphd-bounce.socket", "msgraphd-submit.socket",
        "msgraphd-admin.socket")


MISTAKES = [
    Mistake("a misspelt setting", lambda: write_conf("larg_messages = draft\n"),
            write_conf, f"{CONF}:5: ", ("msgraphd", "msgraph-milter")),
    Mistake("the vault key open to others", lambda: KEY.chmod(0o644),
            lambda: KEY.chmod(0o400), "has mode 0644"),
    Mistake("a key of root's", lambda: shutil.chown(KEY, "root"),
            lambda: shutil.chown(KEY, "msgraphd"), "vault.key: "),
    Mistake("a locked state", lock, lambda: database.close(), "locked"),
]


# --- what others see

def look_up() -> str:
    return run("postmap", "-q", "To: scan@example.com",
               "socketmap:unix:/var/spool/postfix/msgraph/bounce:mailbox"
               ).stdout + "|"


def submit() -> str:
    done = subprocess.run(
        ["runuser", "-u", "msgraph", "--",
         "/usr/libexec/msgraph/msgraph-agent", "--queue-id=4TEST",
         f"--identity={TENANT}@{CLIENT}", "--mailbox=scan@example.com",
         "--sender=scan@example.com", "--", "a@example.org"],
        input="From: scan@example.com\r\n\r\nx\r\n", capture_output=True,
        text=True)
    return f"{done.returncode} {done.stdout}"


def mail_log(since: str, *more: str) -> str:
    return run("journalctl", "--boot", "--facility=mail", f"--since={since}",
               "--no-pager", *more).stdout


def other_bounce(since: str) -> bool:
    """A message to nobody: its bounce has come to root."""
    return any("to=<root@" in line and "status=sent" in line
               for line in mail_log(since).splitlines())


def send_to_nobody() -> str:
    """The time from which on to look."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    subprocess.run(["sendmail", "-f", "root", "nobody-here"],
                   input="Subject: x\n\nx\n", text=True, check=True)
    return since


def unit_lines(since: float) -> list[str]:
    units = [f"--unit={name}" for name in (
        "msgraphd.service", "msgraph-milter.service", "msgraphd-auth.socket",
        "msgraphd-bounce.socket", "msgraphd-submit.socket",
        "msgraphd-admin.socket")]
    lines = run("journalctl", *units, f"--since=@{since:.3f}", "--no-pager",
                "--output=short-precise", "--quiet").stdout.splitlines()
    # what systemd 252 says in a container whose kernel lacks cgroup.kill
    return [line for line in lines if "kill control group" not in line]


# --- requirements

def check_fails(mistake: Mistake, verb: str) -> None:
    for unit in mistake.units:
        seconds, done = timed(lambda: run("systemctl", verb, unit))
        row(f"a. systemctl {verb} {unit}",
            done.returncode != 0 and seconds < 2,
            f"status {done.returncode} after {seconds:.2f} s")
        time.sleep(0.2)
        status = run("systemctl", "status", unit).stdout
        row("a. systemctl status has the reason at once",
            mistake.reason in status, mistake.reason)


def check_answers(mistake: Mistake) -> None:
    for what, call, wanted in (
            ("AUTH", lambda: auth().code, lambda got: got == 454),
            ("look-up of a bounce", look_up, lambda got: got == "|"),
            ("submission", submit, lambda got: got.startswith("75 4.3.5 ")
             and mistake.reason in got)):
        seconds, got = timed(call)
        row(f"b. {what}", wanted(got) and seconds < 2,
            f"{str(got).strip()} after {seconds:.2f} s")
    since = send_to_nobody()
    took = until(lambda: other_bounce(since), 10)
    row("b. a bounce of other mail", took is not None,
        "none" if took is None else f"delivered after {took:.1f} s")


def check_status(mistake: Mistake) -> None:
    def status_line(unit: str) -> str:
        return next((line.strip() for line in run(
            "systemctl", "status", unit).stdout.splitlines()
            if "Status:" in line), "")

    for unit in mistake.units:
        until(lambda: mistake.reason in status_line(unit), 10)
        line = status_line(unit)
        row(f"a. status line of {unit}", mistake.reason in line, line)


def check_mended() -> None:
    took = until(lambda: auth().code == 235, 15)
    row("c. whole by itself", took is not None and took < 10,
        "not" if took is None else f"235 after {took:.1f} s")


def check_journal(began: float) -> None:
    """The lines until both stand by, and none in the next minute, with clients
    about."""
    until(lambda: len([line for line in unit_lines(began)
                       if "standing by, " in line]) == 2, 10)
    first = unit_lines(began)
    quiet = time.time()
    while time.time() < quiet + 60:
        auth()
        time.sleep(5)
    later = unit_lines(quiet)
    hour = len(first) + 60 * len(later)
    # both units have failed once, and stand by
    row("d. lines in the journal", hour <= 2 * 20,
        f"{len(first)} of two units at first, {len(later)} in the next minute")
    for line in first + later:
        print("       |", line[:150])


def check(mistake: Mistake) -> None:
    print(f"{mistake.name}:")
    began = time.time()
    mistake.make()
    check_fails(mistake, "restart")
    check_status(mistake)
    check_answers(mistake)
    if mistake is MISTAKES[0]:
        check_journal(began)
    mistake.mend()
    check_mended()
    run("systemctl", "reset-failed")


def check_whole() -> None:
    print("nothing wrong:")
    row("AUTH", auth().code == 235, "235")
    for unit in ("msgraphd", "msgraph-milter"):
        show = run("systemctl", "show", "-p", "StatusText", "-p",
                   "ActiveState", unit).stdout.split("\n")
        row(f"systemctl show {unit}", "ActiveState=active" in show
            and "cannot start" not in " ".join(show), " ".join(show).strip())
    # not failed: it has not been running
    run("systemctl", "stop", "msgraphd", "msgraph-milter")
    done = run("systemctl", "enable", "--now", "msgraphd", "msgraph-milter")
    row("systemctl enable --now", done.returncode == 0,
        f"status {done.returncode}")


def before_reboot(marker: Path) -> None:
    check_whole()
    for mistake in MISTAKES if not sys.argv[2:] else []:
        check(mistake)
    # one message waits for the next boot, to nobody: it bounces
    run("systemctl", "stop", "postfix.service", "postfix@-.service")
    send_to_nobody()
    assert any(Path("/var/spool/postfix/maildrop").iterdir())
    MISTAKES[0].make()
    marker.touch()


def after_reboot() -> None:
    print("a reboot with a misspelt setting:")
    started = max(
        int(stamp) for unit in ("postfix.service", "postfix@-.service")
        if (stamp := run("systemctl", "show", "--timestamp=unix", "--value",
                         "-p", "ActiveEnterTimestamp", unit
                         ).stdout.strip().lstrip("@")))
    until(lambda: other_bounce("-1h"), 20)
    line = next((line for line in mail_log("-1h", "--output=short-unix"
                                           ).splitlines()
                 if "to=<root@" in line and "status=sent" in line), "0")
    done = float(line.split()[0])
    row("e. mail that waited bounces to its sender",
        0 < done and done - started < 10,
        f"{done - started:.1f} s after Postfix started")
    if not done:
        print(mail_log("-1h"))
    check_status(MISTAKES[0])
    check_answers(MISTAKES[0])
    MISTAKES[0].mend()
    check_mended()


database: sqlite3.Connection
marker = Path(sys.argv[1])
is_second = marker.exists()
m365 = prepare()
try:
    if is_second:
        after_reboot()
    else:
        write_conf()
        run("systemctl", "restart", "msgraphd", "msgraph-milter", check=True)
        before_reboot(marker)
finally:
    m365.stop()
if failures:
    print(f"{failures} limits were passed")
    sys.exit(1)
sys.exit(0 if is_second else REBOOT)
