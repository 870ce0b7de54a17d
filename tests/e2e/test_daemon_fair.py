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
from harness.hammer import Hammer, guesses, made_up


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


# --- whoever has no valid credentials

def test_right_secret_among_made_up_tenants(m365, daemon):
    """A first sign-in: nobody can tell it from the others beforehand."""
    m365.rules({"endpoint": "token", "delay": 0.5, "times": -1})
    with Hammer(90, guesses(daemon)):
        m365.wait_requests("token", 60)
        for _ in range(3):
            user = f"{TENANT}:{uuid.uuid4()}"
            m365.app(TENANT, user[37:], SECRET)
            began = time.monotonic()
            assert daemon.auth(user, SECRET) == "OK"
            assert time.monotonic() - began < 10


def test_want_of_room_is_logged_once(m365, daemon):
    restart(daemon, request_timeout="30s")
    m365.rules({"endpoint": "token", "action": "stall", "times": -1})
    users = [made_up() for _ in range(40)]
    with in_threads([lambda user=user: daemon.auth(user, "x")
                     for user in users]):
        Daemon.wait(lambda: "too many sign-ins wait" in daemon.log())
        m365.call("POST", "/release")
    assert daemon.log().count("too many sign-ins wait") == 1
    assert len(m365.requests("token")) <= 32 * 2  # one that breaks: twice


def test_wrong_secrets_delay_neither_owner_nor_mail(m365, daemon):
    restart(daemon, auth_cache_ttl="0s")
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "delay": 0.3, "times": -1})
    with Hammer(90, guesses(daemon, lambda: USER)) as hammer:
        Daemon.wait(lambda: len(hammer.answers) > 100)
        for _ in range(3):
            began = time.monotonic()
            assert daemon.auth(USER, SECRET) == "OK"
            assert time.monotonic() - began < 2
        m365.expire_tokens()
        began = time.monotonic()
        assert send(daemon, identity=USER).status == "sent"
        assert time.monotonic() - began < 3


def test_guesses_are_few_questions(m365, daemon):
    """Of one application; another one is asked about as before."""
    daemon.auth(USER, SECRET)
    with Hammer(8, guesses(daemon, lambda: USER)) as hammer:
        Daemon.wait(lambda: hammer.answers.count("") > 200)
        before = token_requests(m365)
        began = time.monotonic()
        Daemon.wait(lambda: time.monotonic() - began > 6)
        assert 1 <= token_requests(m365) - before <= 2
        assert daemon.auth(made_up(), "x").startswith("NO")
    assert before <= 12
    assert "too many wrong secrets within a minute" in daemon.log()


def test_known_and_unknown_are_answered_alike(m365, daemon):
    """A wrong secret, while all places are taken and while none is. Entra
    itself would answer all the while."""
    restart(daemon, request_timeout="30s")
    daemon.auth(USER, SECRET)
    other = f"{TENANT}:{uuid.uuid4()}"
    m365.app(TENANT, other[37:], SECRET)
    for user in (USER, other):
        assert daemon.auth(user, "wrong").startswith("NO AADSTS7000215")
    m365.rules({"endpoint": "token", "action": "stall", "times": 32})
    users = [made_up() for _ in range(32)]
    answers: list[str] = []
    with in_threads([lambda user=user: daemon.auth(user, "x")
                     for user in users]):
        m365.wait_stalled(32)
        with in_threads([lambda user=user: answers.append(
                daemon.auth(user, "another")) for user in (USER, other)]):
            pass
        m365.call("POST", "/release")
    assert answers == ["", ""]


def test_throttled_unverified_one_holds_up_no_known_one(m365, daemon):
    """Nor is a made-up name written down, or its tenant's known one held."""
    assert daemon.auth(USER, SECRET) == "OK"
    m365.expire_tokens()
    m365.rules({"endpoint": "token", "status": 429, "body": "Too Many",
                "headers": {"Retry-After": "300"}, "times": 2})
    unverified = [f"{TENANT}:{uuid.uuid4()}" for _ in range(3)]
    for user in unverified:
        assert daemon.auth(user, "x") == ""
    assert token_requests(m365) == 3  # two of the tenant are enough
    assert send(daemon, identity=USER).status == "sent"
