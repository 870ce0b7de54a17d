"""msgraphd alone with a socketmap and what takes memory: ten thousand entries, as
many names that do not exist, and answers that do not end."""

from __future__ import annotations

import socket

import pytest

from e2e.test_identities_gate import (  # noqa: F401
    APP, NAME, make, policy, raw_auth)
from e2e.test_maps_socketmap import (  # noqa: F401
    daemon_with_map, socketmap_server)
from harness.daemon import Daemon
from harness.daemon_alone import m365, shared_m365  # noqa: F401
from harness.socketmap import endless, netstring


def test_made_up_names_push_out_nothing(begin, names):
    names.rows = {"used": f"{APP} rate_limit=1/d"}
    daemon = begin(log_level="info")
    end = {"stage": "end", "user": f"{NAME}.used", "mailbox": "a@x"}
    assert policy(daemon, **end).status == "ok"
    for n in range(10_000):
        raw_auth(daemon, f"made-up-{n}@lookup")
    names.kill()
    assert policy(daemon, user=f"{NAME}.used").dsn == "4.7.1"
    assert names.keys().count("used") == 1
    assert daemon.peak_memory() < 60_000
    assert daemon.log().count("made-up") < 100


LONG = {"10 MB": netstring(b"OK " + b"x" * 10_000_000), "endless": endless,
        "16 KB": netstring("OK " + "x" * 16_000)}


@pytest.mark.parametrize("row", LONG)
def test_long_answers_take_no_room(begin, names, row):
    names.raw = LONG[row]
    daemon = begin()
    before = daemon.peak_memory()
    for n in range(20):
        assert raw_auth(daemon, f"e{n}@lookup") == ""
    assert daemon.peak_memory() - before < 2_000


def may_send(daemon: Daemon, user: str, recipient: str) -> bool:
    """As policy(), in little time: nothing is written."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(daemon.settings["submit_socket"])
        sock.sendall(f"request=policy\nstage=recipient\nuser={user}\n"
                     f"recipient={recipient}\n\n".encode())
        return sock.recv(4096).startswith(b"status=ok\n")


def test_ten_thousand_entries(begin, names):
    names.rows = {f"e{n}": f"{APP} recipients=scan{n}@example.com"
                  for n in range(10_000)}
    daemon = begin(log_level="info")
    for n in range(10_000):
        assert may_send(daemon, f"{NAME}.e{n}", f"scan{n}@example.com")
    assert not may_send(daemon, f"{NAME}.e0", "scan1@example.com")
    names.kill()
    for n in range(0, 10_000, 100):
        assert may_send(daemon, f"{NAME}.e{n}", f"scan{n}@example.com")
    print(f"{daemon.peak_memory()} kB")
    assert daemon.peak_memory() < 100_000
