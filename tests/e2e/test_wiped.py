"""Nothing of a secret stays in msgraphd's memory once it is not needed: neither
its own copies nor those of libcurl, OpenSSL and Jansson, be it on the heap, on
the stack or in the buffers of an open HTTP/1.1 connection.

For the program as it is shipped: ASan maps more memory than can be read."""

from __future__ import annotations

import signal

from harness import leaks
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, TENANT, USER, daemon, m365, send, shared_m365)
from harness.squid import Squid, write_password

SECRET = "the-right~secret+of/this=test"
WRONG = "a-wrong~secret+of/this=test"


def wait_wiped(daemon: Daemon, *values: str) -> None:
    """An answer goes out a moment before the last copy is wiped."""
    Daemon.wait(lambda: not leaks.in_memory(values, daemon.process.pid), 3)


def last_token(m365) -> str:
    request = m365.requests("sendMail")[-1]
    return request.header("Authorization").removeprefix("Bearer ")


def test_search_finds_what_is_in_use(m365, daemon):
    """The secret of a question that Entra has not answered, and the token."""
    m365.app(TENANT, CLIENT, SECRET)
    assert daemon.auth(USER, SECRET) == "OK"
    assert send(daemon, identity=USER).status == "sent"
    assert leaks.in_memory([last_token(m365)], daemon.process.pid)
    m365.rules({"endpoint": "token", "delay": 1, "accept": True})
    try:
        daemon.auth(USER, WRONG, timeout=0.3)
    except TimeoutError:
        pass
    assert leaks.in_memory([WRONG], daemon.process.pid)
    wait_wiped(daemon, WRONG)


def test_secrets_are_wiped(m365, daemon):
    m365.app(TENANT, CLIENT, SECRET)
    assert daemon.auth(USER, WRONG).startswith("NO")
    assert daemon.auth(USER, SECRET) == "OK"
    wait_wiped(daemon, SECRET, WRONG)
    assert send(daemon, identity=USER).status == "sent"
    token = last_token(m365)
    m365.expire_tokens()
    assert send(daemon, identity=USER).status == "sent"
    assert last_token(m365) != token
    wait_wiped(daemon, SECRET, WRONG, token)


def test_secrets_are_wiped_after_a_failure(m365, daemon):
    m365.app(TENANT, CLIENT, SECRET)
    m365.rules({"endpoint": "token", "action": "close", "when": "after"},
               {"endpoint": "token", "status": 503})
    for number in range(2):
        other = USER.replace("a", "bc"[number])
        assert daemon.auth(other, SECRET) == ""
    wait_wiped(daemon, SECRET)


def test_proxy_password_is_wiped_when_another_was_read(
        m365, daemon, tmp_path):
    m365.app(TENANT, CLIENT, SECRET)
    file = tmp_path / "proxy.password"
    write_password(file, WRONG)
    with Squid("basic", WRONG) as squid:
        daemon.stop()
        daemon.settings |= {"proxy": squid.url,
                            "proxy_password_file": str(file)}
        daemon.start()
        assert daemon.auth(USER, SECRET) == "OK"
        assert leaks.in_memory([WRONG], daemon.process.pid)
        write_password(file, "another")
        daemon.process.send_signal(signal.SIGHUP)
        wait_wiped(daemon, SECRET, WRONG)
