"""msgraphd behind a proxy that asks for a password, which shows nowhere."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import leaks
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    SECRET, USER, m365, send, settings_for, shared_m365, token_requests)
from harness.squid import NAME, Squid, write_password

PASSWORD = "pa55#w0rd@with:odd/chars?%41"
OTHER = "an0ther#p4ssword"
SHOWN = [PASSWORD, OTHER]


@pytest.fixture(params=["basic", "digest"])
def squid(request):
    with Squid(request.param, PASSWORD) as squid:
        yield squid


@pytest.fixture
def password_file(tmp_path):
    file = tmp_path / "proxy.password"
    write_password(file, PASSWORD)
    return file


def settings_behind(m365, url: str, file: Path) -> dict[str, str]:
    return {**settings_for(m365), "proxy": url, "auth_cache_ttl": "0s",
            "proxy_password_file": str(file)}


@pytest.fixture
def daemon(m365, squid, tmp_path, password_file):
    with Daemon(tmp_path, settings_behind(
            m365, squid.url, password_file)) as daemon:
        yield daemon


def reload(daemon: Daemon, *, refused: bool = False) -> None:
    said = "not reloaded" if refused else "configuration reloaded"
    count = daemon.log().count(said)
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: daemon.log().count(said) > count)


def assert_hidden(daemon: Daemon) -> None:
    assert leaks.in_files(SHOWN, daemon.log_file) == []
    assert leaks.in_processes(SHOWN) == []


def test_mail_goes_through_the_proxy(m365, squid, daemon):
    assert daemon.auth(USER, SECRET) == "OK"
    for _ in range(3):
        assert send(daemon, identity=USER).status == "sent"
    # a tunnel is kept as any connection is
    assert len({r.connection for r in m365.requests("sendMail")}) == 1
    daemon.stop()
    Daemon.wait(lambda: len(
        [a for a in squid.asked() if a[2:] == [NAME, "200"]]) == 2)
    assert {a[0] for a in squid.asked()} == {"CONNECT"}
    assert_hidden(daemon)


def test_wrong_password_defers_and_a_reload_heals(
        m365, squid, daemon, password_file):
    """No message is refused for it, nor its outcome called unknown."""
    assert daemon.auth(USER, SECRET) == "OK"
    squid.set_password(OTHER)
    squid.restart()
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert "407" in reply.text
    asked = token_requests(m365)
    assert daemon.auth(USER, "wrong") == ""
    assert token_requests(m365) == asked
    write_password(password_file, OTHER)
    reload(daemon)
    assert send(daemon, identity=USER).status == "sent"
    assert "outcome=unknown" not in daemon.log()
    assert "http=407" not in daemon.log()
    assert_hidden(daemon)


BAD = {
    "open to all": lambda f: write_password(f, OTHER, 0o444),
    "open to the group": lambda f: write_password(f, OTHER, 0o440),
    "somebody else's": lambda f: os.chown(f, 12345, -1),
    "missing": lambda f: f.unlink(),
    "a link": lambda f: f.symlink_to(f.rename(f"{f}.other")),
    "two lines": lambda f: write_password(f, f"{OTHER}\nx"),
    "empty": lambda f: f.write_bytes(b""),
    "no colon": lambda f: f.write_text(OTHER),
}


@pytest.mark.parametrize("what", BAD)
def test_password_file_that_is_not_taken(m365, tmp_path, password_file, what):
    """It ends a start, and a reload changes nothing."""
    settings = settings_behind(m365, "http://127.0.0.1:9", password_file)
    with Daemon(tmp_path, settings) as daemon:
        BAD[what](password_file)
        daemon.settings["log_level"] = "error"
        daemon.write_conf()
        reload(daemon, refused=True)
        assert daemon.process.poll() is None
        line = daemon.log().splitlines()[-1]
        assert str(password_file) in line
        # still at the old level
        assert daemon.auth(USER, SECRET) == ""
        assert "127.0.0.1" in daemon.log().splitlines()[-1]
        assert_hidden(daemon)
    done = subprocess.run(daemon.command(), capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 78
    assert str(password_file) in done.stderr
    assert PASSWORD not in done.stderr and OTHER not in done.stderr


def test_environment_names_no_exception(m365, squid, tmp_path,
                                        password_file):
    daemon = Daemon(tmp_path, settings_behind(
        m365, squid.url, password_file))
    daemon.env |= {"no_proxy": "*", "NO_PROXY": "*"}
    with daemon:
        assert daemon.auth(USER, SECRET) == "OK"
    Daemon.wait(lambda: len(squid.asked()) > 0)
