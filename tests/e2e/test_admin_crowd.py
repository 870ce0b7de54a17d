"""msgraphd's admin socket with ten thousand applications: an answer goes out in
pieces, between which everybody else is served."""

from __future__ import annotations

import socket
import sqlite3
import time
import uuid

import pytest

from harness.daemon_alone import (  # noqa: F401
    SECRET, USER, daemon, m365, shared_m365)

APPLICATIONS = 10_000
STALLED = 40


@pytest.fixture
def crowded(daemon):  # noqa: F811
    """A state of many applications. Their secrets cannot be opened."""
    daemon.auth(USER, SECRET)
    daemon.stop()
    now = int(time.time())
    with sqlite3.connect(daemon.directory / "state/state.db") as state:
        state.executemany(
            "INSERT INTO credential VALUES (?, x'00', NULL, ?, ?, ?)",
            [(f"{uuid.uuid4()}/{uuid.uuid4()}", now, now, now)
             for _ in range(APPLICATIONS)])
    state.close()
    return daemon.start()


def test_many_applications(crowded):
    began = time.monotonic()
    with crowded.watched() as silence:
        rows = crowded.admin("applications")
    took = time.monotonic() - began
    assert len(rows) == APPLICATIONS + 2
    assert len({row["application"] for row in rows[:-1]}) == APPLICATIONS + 1
    print(f"{took:.2f} s in all, others waited {silence.longest * 1000:.0f} ms")
    # a piece is some milliseconds; the machine may be busy
    assert silence.longest < 0.25


def test_peers_that_read_nothing(crowded):
    """They cost a piece of the answer each, and nobody waits for them."""
    before = crowded.peak_memory()
    socks = []
    for _ in range(STALLED):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(crowded.settings["admin_socket"])
        sock.sendall(b"request=applications\n\n")
        socks.append(sock)
    with crowded.watched() as silence:
        assert len(crowded.admin("applications")) == APPLICATIONS + 2
    for sock in socks:
        sock.close()
    assert crowded.peak_memory() - before < 8 * 1024
    assert silence.longest < 0.5
