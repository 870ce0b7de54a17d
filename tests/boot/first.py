"""README's installation, word for word, on a booted host beside a stock
Postfix: what an admin types until the first message is sent, and how long it
takes. Nothing of the host is told about the emulator: it has Microsoft's names
and an authority that the system trusts.

Each row of the output is one requirement. The exit status is 1 when one was not
met.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import sys
import time
from pathlib import Path

from emulator.client import Emulator
from harness import cert, document
from host import CLIENT, SECRET, TENANT, run
from installed import POSTFIX, apt, end, row, settings, succeeds

WORK = Path(sys.argv[1])
BEFORE = WORK / "postfix.before"
ADDRESS = "127.0.0.2"
HOSTS = ("login.microsoftonline.com", "graph.microsoft.com",
         "outlook.office.com", "outlook.office365.com")
RELAY = "relay.example.com"
ANSWERS = {r"\[Y/n\] $": "y", r"(^|\n)Secret: $": SECRET}


def typed(command: str) -> tuple[int, str]:
    """Types a command at a terminal, and answers what it asks there. Exit
    status and output."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(WORK / "one")
        os.execvp("sh", ["sh", "-c", command])
    said = asked = ""
    while True:
        try:
            got = os.read(terminal, 4096).decode(errors="replace")
        except OSError:     # the end, at a terminal
            got = ""
        if not got:
            break
        said += got
        asked += got
        for question, answer in ANSWERS.items():
            if re.search(question, asked):
                os.write(terminal, f"{answer}\n".encode())
                asked = ""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def commands() -> list[str]:
    """What README has an admin type, in order."""
    words = {"<tenant>": TENANT, "<client>": CLIENT}
    return [re.sub("<tenant>|<client>", lambda match: words[match[0]], line)
            for line in document.lines(
                document.section("README.md", "Install"))]


def make_world() -> Emulator:
    """Microsoft, and a certificate for the relay."""
    folder = Path("/root/microsoft")
    m365 = Emulator(folder, "--bind", ADDRESS, "--port", "443",
                    "--graph-base", "https://graph.microsoft.com",
                    *(word for name in HOSTS for word in ("--name", name)))
    m365.start()
    m365.app(TENANT, CLIENT, SECRET)
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write(f"{ADDRESS} {' '.join(HOSTS)}\n")
    shutil.copy(m365.ca_file,
                "/usr/local/share/ca-certificates/microsoft.crt")
    run("update-ca-certificates", check=True)
    own = folder / "relay"
    own.mkdir()
    cert.make_dated(own, folder, "20260101", "20360101", RELAY)
    shutil.copy(own / "crt", "/etc/ssl/relay.pem")
    shutil.copy(own / "key", "/etc/ssl/private/relay.key")
    return m365


m365 = make_world()
try:
    began = time.monotonic()
    for count, command in enumerate(commands(), 1):
        started = time.monotonic()
        status, said = typed(command)
        row(f"{command}: {time.monotonic() - started:.1f} s", status == 0,
            "" if status == 0 else said)
        row("the secret is not shown", SECRET not in said)
        if "test-send" in command:
            row("the first message is sent", len(m365.mail()) == 1)
            row(f"{count} commands until then, "
                f"{time.monotonic() - began:.0f} s", count <= 4)
finally:
    m365.stop()
status, said = typed("msgraphctl setup --undo")
row("msgraphctl setup --undo", status == 0, "" if status == 0 else said)
for what in ("-n", "-M", "-P"):
    changed = set(settings(what, BEFORE)) ^ set(settings(what, POSTFIX))
    row(f"postconf {what} is as before", not changed, changed or "")
succeeds("purged", apt("purge", "postfix-msgraph"))
sys.exit(end())
