"""msgraphd alone: whoever has no valid credentials, and an Entra that hangs, delay
nobody else."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, USER, daemon, m365, send, shared_m365,
    token_requests)


def restart(daemon: Daemon, **settings: str) -> None:
    daemon.stop()
    daemon.settings |= settings
    daemon.start()


@contextmanager
def in_threads(jobs: list) -> Iterator[None]:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()


def test_entra_that_hangs_delays_no_delivery(m365, daemon):
    """More sign-ins than one pool has connections."""
    restart(daemon, auth_cache_ttl="0s")
    assert daemon.auth(USER, SECRET) == "OK"
    users = [f"{TENANT}:{uuid.uuid4()}" for _ in range(300)]
    for user in users:
        m365.app(TENANT, user[37:], SECRET)
        assert daemon.auth(user, SECRET) == "OK"
    m365.rules({"endpoint": "token", "action": "stall", "times": -1})
    with in_threads([lambda user=user: daemon.auth(user, SECRET)
                     for user in users]):
        m365.wait_requests("token", 301 + 250)
        began = time.monotonic()
        assert send(daemon, identity=USER).status == "sent"
        assert time.monotonic() - began < 2
        m365.call("POST", "/release")
