"""What msgraphctl test-login asks of msgraphd, whose peer goes or which is stopped
meanwhile. With the sanitized programs of "make check" a leak, or memory that is
used after its end, ends msgraphd with another status than 0."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import time
from pathlib import Path

import pytest

from e2e.test_identities_gate import APP, NAME, make  # noqa: F401
from harness.daemon import Daemon, read_all
from harness.daemon_alone import SECRET, m365, shared_m365  # noqa: F401

# name, secret, service: see WIRE_AUTH_TRY
ASKS = [(NAME, "wrong", "msgraphctl"), ("own", "", "msgraphctl-entry"),
        (NAME, "wrong too", "smtp")]


@pytest.fixture(name="daemon")
def daemon_with_an_entry(make, tmp_path):  # noqa: F811
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o400)
    return make(f"own {APP} secret_file={secret} clients=192.0.2.1 "
                f"senders=any\ntheirs {APP}\n")


def ask(daemon: Daemon, *parts: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(daemon.settings["auth_socket"])
    sock.sendall(b"".join(len(part).to_bytes(2, "big") + part.encode()
                          for part in (*parts, "")))
    return sock


def test_only_root_may_try(daemon, monkeypatch):
    """For smtpd, which asks for strangers, it is a sign-in as any other."""
    path = Path(daemon.settings["auth_socket"])
    path.parent.chmod(0o711)
    path.chmod(0o666)
    monkeypatch.chdir(path.parent)
    daemon.settings["auth_socket"] = path.name
    for user, is_told in (("root", True), ("postfix", False)):
        os.seteuid(pwd.getpwnam(user).pw_uid)
        try:
            with ask(daemon, "own", "", "msgraphctl-entry") as sock:
                answer = read_all(sock)
        finally:
            os.seteuid(0)
        assert (b"application=" in answer) == is_told, answer
        assert answer[2:4] == (b"OK" if is_told else b"NO")


def stop(daemon: Daemon) -> None:
    assert daemon.stop(signal.SIGTERM) == 0, daemon.log()[-2000:]


@pytest.mark.parametrize("milliseconds", [0, 2, 10])
def test_peer_that_hangs_up(daemon, milliseconds):
    """Before there is a connection to Entra, and while there is."""
    for n in range(60):
        name, secret, service = ASKS[n % len(ASKS)]
        with ask(daemon, name, secret + str(n) if secret else "", service):
            time.sleep(milliseconds / 1000)
    stop(daemon)


def test_stopped_meanwhile(daemon, m365):  # noqa: F811
    m365.rules({"endpoint": "token", "delay": 1, "times": -1})
    peers = [ask(daemon, *parts) for parts in ASKS for _ in range(5)]
    daemon.wait(lambda: m365.requests("token"))
    stop(daemon)
    for peer in peers:
        peer.close()
