"""msgraphd alone with maps of Postfix that are read whole, by postmap(1): lmdb:,
hash: and texthash:."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest

from e2e.test_identities_gate import (  # noqa: F401
    APP, NAME, OTHER, make, policy, raw_auth, reload, write)
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, TENANT, m365, send, shared_m365)

LATER, REFUSED = "", "NO "
SUFFIX = {"hash": ".db", "lmdb": ".lmdb", "texthash": ""}


@pytest.fixture(autouse=True)
def postfix_settings(tmp_path, monkeypatch):
    """postmap needs a main.cf, and this machine may have none."""
    folder = tmp_path / "postfix"
    folder.mkdir()
    (folder / "main.cf").write_text("compatibility_level = 3.6\n")
    monkeypatch.setenv("MAIL_CONFIG", str(folder))


def build(kind: str, path: Path, text: str) -> None:
    """As a timer does it: another file takes the place of the old one."""
    new = path.with_name(path.name + "-new")
    new.write_text(text)
    new.chmod(0o644)
    if kind != "texthash":
        subprocess.run(["postmap", f"{kind}:{new}"], check=True)
        new.unlink()
    Path(f"{new}{SUFFIX[kind]}").rename(f"{path}{SUFFIX[kind]}")


@pytest.fixture(name="begin")
def daemon_with_map(make, tmp_path):  # noqa: F811
    def start(kind: str, rows: str, table: str = "",
              **settings: str) -> Daemon:
        build(kind, tmp_path / "names", rows)
        return make(table, **{
            "identity_maps": f"{kind}:{tmp_path}/names {tmp_path}/identities",
            "allowed_tenants": "", **settings})
    return start


@pytest.mark.parametrize("kind", SUFFIX)
def test_rows_are_entries(begin, kind, tmp_path):
    twice = f"application={OTHER}/{OTHER}"
    daemon = begin(kind, f"scan {APP} rate_limit=1/d\n"
                         f"x {twice}\ny {twice}\n"
                         f"both application={OTHER}/{CLIENT}\n"
                         f"off application={TENANT}/{OTHER} disabled=yes\n",
                   f"both {APP} senders=@example.com\n")
    assert raw_auth(daemon, "scan@lookup") == f"OK user={NAME}.scan"
    assert raw_auth(daemon, "both@lookup") == f"OK user={NAME}.both"
    assert raw_auth(daemon, "none@lookup").startswith(REFUSED)
    assert raw_auth(daemon, f"{TENANT}@{OTHER}").startswith(REFUSED)
    # an entry of root's comes first; two of a map are no borders
    assert raw_auth(daemon, NAME) == f"OK user={NAME}.both"
    assert raw_auth(daemon, f"{OTHER}@{OTHER}").startswith(REFUSED)
    assert "several entries have this application: x, y" in daemon.log()
    asked = policy(daemon, stage="end", user=f"{NAME}.both", mailbox="a@x")
    assert (asked.status, asked.dsn) == ("refused", "5.7.1")
    assert policy(daemon, stage="end", user=f"{NAME}.scan",
                  mailbox="a@x").status == "ok"
    assert policy(daemon, user=f"{NAME}.scan").dsn == "4.7.1"
    reply = send(daemon, identity=f"{TENANT}@{OTHER}", entry="off")
    assert reply.dsn == "4.7.13"
    assert f"(disabled=yes, {kind}:{tmp_path}/names)" in reply.text


@pytest.mark.parametrize("kind", SUFFIX)
def test_changed_map_counts_without_a_reload(begin, kind, tmp_path):
    daemon = begin(kind, f"a {APP}\n")
    assert raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a"
    build(kind, tmp_path / "names", f"b {APP}\n")
    Daemon.wait(lambda: raw_auth(daemon, "b@lookup") == f"OK user={NAME}.b",
                30)
    assert raw_auth(daemon, "a@lookup").startswith(REFUSED)
    assert f"action=added ({kind}:{tmp_path}/names)" in daemon.log()


ROOTS = "counts in root's files alone"
MISTAKES = {
    "credential": (f"b {APP} secret_file=/s\n",
                   f'entry "b": "secret_file" {ROOTS}'),
    "clients": (f"b {APP} clients=::/0\n", f'entry "b": "clients" {ROOTS}'),
    "attribute": (f"b {APP} sender=@x\n", 'did you mean "senders"?'),
    "no application": ("b from=a@x\n", 'entry "b": application='),
    "key": (f"b@x {APP}\n", "begins with the name of an entry"),
    "tenant@client": (f"{NAME} from=a@x\n",
                      "begins with the name of an entry"),
}


@pytest.mark.parametrize("row", MISTAKES)
def test_mistake_keeps_the_table(begin, row, tmp_path):
    rows, text = MISTAKES[row]
    daemon = begin("hash", f"a {APP}\n")
    build("hash", tmp_path / "names", f"a {APP} disabled=yes\n{rows}")
    reload(daemon)
    Daemon.wait(lambda: text in daemon.log(), 20)
    assert "not read again, the old one stays: hash:" in daemon.log()
    assert raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a"


UNREADABLE = {
    "missing": (lambda file: file.unlink(), "there is no file", "postmap"),
    "not ours": (lambda file: os.chown(file, 12345, 12345),
                 "belongs to uid 12345", "chown root"),
    "writable": (lambda file: file.chmod(0o666), "mode 0666", "chmod go-w"),
    "no map": (lambda file: file.write_bytes(b"x" * 99999), "postmap: ", ""),
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_unreadable_at_the_start(begin, make, row, tmp_path):  # noqa: F811
    spoil, text, remedy = UNREADABLE[row]
    build("hash", tmp_path / "names", f"a {APP}\n")
    spoil(tmp_path / "names.db")
    daemon = make("", identity_maps=f"hash:{tmp_path}/names")
    said = daemon.log()
    assert text in said and remedy in said and f"hash:{tmp_path}/names" in said
    assert raw_auth(daemon, NAME) == LATER
    asked = policy(daemon, user=NAME)
    assert (asked.status, asked.dsn) == ("later", "4.3.5")
    reply = send(daemon, identity=NAME)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.5")
    (tmp_path / "names.db").unlink(missing_ok=True)
    build("hash", tmp_path / "names", f"a {APP}\n")
    Daemon.wait(lambda: raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a",
                30)


def test_type_that_postmap_does_not_know(make, tmp_path):  # noqa: F811
    daemon = make("", identity_maps=f"nis:{tmp_path}/names")
    assert 'nis:' in daemon.log() and "lmdb:" in daemon.log()
    assert raw_auth(daemon, NAME) == LATER


def test_what_postmap_gets_and_says(make, tmp_path, monkeypatch):  # noqa: F811
    """No descriptor of msgraphd's, no environment; what it says is logged."""
    build("texthash", tmp_path / "names", f"a {APP}\n")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "postmap"
    program.write_text("#!/bin/sh\nenv | grep -c SECRET >&2\n"
                       "echo got $* and $(ls /proc/self/fd) >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    monkeypatch.setenv("SECRET", "x")
    item = f"texthash:{tmp_path}/names"
    daemon = make("", identity_maps=item)
    assert f"{item}: got -s {item} and 0 1 2 3\n" in daemon.log()
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    reload(daemon)
    Daemon.wait(lambda: "postmap ended with signal 9" in daemon.log(), 20)
    program.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    reload(daemon)
    Daemon.wait(lambda: "longer than 16 megabytes" in daemon.log(), 60)
    program.write_text(f"#!/bin/sh\necho 'a {APP}'\n")
    reload(daemon)
    Daemon.wait(lambda: raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a",
                20)


def test_locked_map_delays_nobody(begin, tmp_path):
    """postmap waits for whoever writes the map, and msgraphd does not."""
    daemon = begin("hash", f"a {APP}\n")
    file = tmp_path / "names.db"
    with file.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fcntl.lockf(held, fcntl.LOCK_EX)
        os.utime(file, (1, 1))
        with daemon.watched() as silence:
            reload(daemon)
            for _ in range(100):
                assert raw_auth(daemon, "a@lookup").startswith("OK")
                assert send(daemon, identity=NAME, entry="a").status == "sent"
        assert daemon.log().count("entries of hash:") == 1
    assert silence.longest < 2
    Daemon.wait(lambda: daemon.log().count("entries of hash:") == 2, 60)


def test_ten_thousand_rows(begin, tmp_path):
    daemon = begin("hash", f"a {APP}\n", log_level="info")
    rows = "".join(
        f"e{n} application={TENANT}/{n:08x}{CLIENT[8:]} "
        f"senders=scan{n}@example.com\n" for n in range(10_000))
    build("hash", tmp_path / "names", rows)
    began = time.monotonic()
    with daemon.watched() as silence:
        reload(daemon)
        Daemon.wait(lambda: "10000 entries of hash:" in daemon.log(), 60)
    print(f"read in {time.monotonic() - began:.2f} s, others waited "
          f"{silence.longest:.2f} s at most")
    assert silence.longest < 2
    asked = policy(daemon, stage="end", mailbox="scan7@example.com",
                   user=f"{TENANT}@{7:08x}{CLIENT[8:]}")
    assert asked.status == "ok" and "entry=e7" in asked.more
