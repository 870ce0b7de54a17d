"""A host as README sets it up, with the emulator as Entra and Graph; see the
script mistakes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from emulator.client import Emulator
from harness.smtp import Answer, Smtp, SmtpError

CONF = Path("/etc/msgraph/msgraph.conf")
KEY = Path("/etc/msgraph/vault.key")
STATE = Path("/var/lib/msgraph/state.db")
TENANT, CLIENT = ("11111111-2222-3333-4444-555555555555",
                  "66666666-7777-8888-9999-aaaaaaaaaaaa")
SECRET = "booted~secret"


def run(*command: str, check: bool = False) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True,
                          check=check)


def until(condition: Callable[[], object], seconds: float) -> float | None:
    """How long it took, or None."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.1)
    return time.monotonic() - began


def wait_postfix() -> None:
    """Until it listens on our port, after a start."""
    def listens() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", 8025)) == 0
    until(listens, 30)


def prepare() -> Emulator:
    """The emulator, with one application, and its authority where msgraphd
    may read it."""
    folder = Path("/root/m365")
    folder.mkdir(exist_ok=True)
    emulator = Emulator(folder)
    emulator.start()
    emulator.app(TENANT, CLIENT, SECRET)
    shutil.copy(emulator.ca_file, "/etc/msgraph/ca.pem")
    Path("/etc/msgraph/ca.pem").chmod(0o644)
    global m365
    m365 = emulator
    # after a reboot
    if "\n8025 " in Path("/etc/postfix/master.cf").read_text():
        wait_postfix()
    return emulator


def write_conf(more: str = "", **settings: str) -> None:
    ours = {"login_endpoint": m365.url, "graph_endpoint": m365.url,
            "ca_file": "/etc/msgraph/ca.pem", "allowed_tenants": "any",
            **settings}
    CONF.write_text("".join(f"{name} = {value}\n"
                            for name, value in ours.items()) + more)


def auth(user: str = f"{TENANT}@{CLIENT}", secret: str = SECRET) -> Answer:
    """The answer; without a milter STARTTLS has it already."""
    try:
        with Smtp(8025) as client:
            return client.auth_plain(user, secret)
    except SmtpError as error:
        return error.answer


m365: Emulator
