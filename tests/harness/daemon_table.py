"""What the tests of msgraphd alone do with a table of identities: write it, have
it read, and ask who signs in and who may send."""

from __future__ import annotations

import signal

from .daemon import Daemon, Reply
from .daemon_alone import SECRET


def write(daemon: Daemon, table: str) -> None:
    """As an editor does it: another file takes the place of the old one."""
    new = daemon.directory / "identities.new"
    new.write_text(table)
    new.chmod(0o644)
    new.rename(daemon.directory / "identities")


def reload(daemon: Daemon) -> None:
    count = daemon.log().count("configuration reloaded")
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: daemon.log().count("configuration reloaded") > count)


def raw_auth(daemon: Daemon, name: str, secret: str = SECRET) -> str:
    """The whole answer."""
    parts = (name.encode(), secret.encode(), b"smtp", b"")
    return daemon.auth_raw(b"".join(
        len(part).to_bytes(2, "big") + part for part in parts))


def policy(daemon: Daemon, **fields: str) -> Reply:
    record = "request=policy\n" + "".join(
        f"{name.replace('_', '-')}={value}\n"
        for name, value in {"stage": "mail", **fields}.items())
    return daemon.submit_raw(record.encode() + b"\n", b"")
