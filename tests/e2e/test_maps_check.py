"""msgraphd -t asks the maps: does each answer, and what does it say if not? And
servers that others have made."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from e2e.test_identities_check import (  # noqa: F401
    check, folder_that_msgraphd_reaches)
from e2e.test_identities_gate import (  # noqa: F401
    APP, NAME, make, raw_auth)
from e2e.test_maps_whole import build, postfix_settings  # noqa: F401
from harness.daemon import Daemon
from harness.daemon_alone import m365, shared_m365  # noqa: F401
from harness.ports import free_ports
from harness.socketmap import SocketMap, netstring

MTA_STS = Path("/usr/bin/mta-sts-daemon")


def private(folder: Path) -> None:
    build("hash", folder / "names", f"a {APP}\n")
    (folder / "names.db").chmod(0o600)


def rows(text: str):
    return lambda folder: build("hash", folder / "names", text)


def nothing(folder: Path) -> None:
    pass


# the map, what is done before, the exit status, what is said of user msgraphd
CHECKED = {
    "socketmap": ("socketmap:unix:FOLDER/socket:relay", nothing, 0, ""),
    "no server": ("socketmap:unix:FOLDER/nowhere:relay", nothing, 78,
                  "socketmap:unix:FOLDER/nowhere:relay: No such file"),
    "no name": ("socketmap:unix:FOLDER/socket", nothing, 78,
                "unix: or inet: is missing"),
    "empty name": ("socketmap:unix:FOLDER/socket:", nothing, 78,
                   "the name of the map is missing"),
    "another host": ("socketmap:inet:192.0.2.1:25:relay", nothing, 78,
                     "must be an address of this host"),
    "no port": ("socketmap:inet:localhost:relay", nothing, 78,
                "a port is missing"),
    "nobody there": ("socketmap:inet:127.0.0.1:PORT:relay", nothing, 78,
                     "Connection refused"),
    "another type": ("mysql:FOLDER/names", nothing, 78,
                     "has no such type; those that it has are lmdb:, hash:, "
                     "texthash:, "),
    "hash": ("hash:FOLDER/names", rows(f"a {APP}\n"), 0, ""),
    "missing": ("hash:FOLDER/names", nothing, 78,
                "hash:FOLDER/names: there is no file FOLDER/names.db, and "
                "identity_maps names it; run: postmap hash:FOLDER/names"),
    "private": ("hash:FOLDER/names", private, 78,
                "hash:FOLDER/names: user msgraphd may not read "
                "FOLDER/names.db, or a folder above it; run: chgrp msgraph "
                "FOLDER/names.db; chmod g+r FOLDER/names.db"),
    "mistake": ("hash:FOLDER/names", rows(f"a {APP} clients=::1\n"), 78,
                'hash:FOLDER/names: entry "a": "clients" counts in root'),
    "no path": ("hash:names", nothing, 78, "a path is needed"),
}


@pytest.mark.parametrize("row", CHECKED)
def test_check(folder, row):
    item, prepare, status, text = CHECKED[row]
    prepare(folder)
    (port,) = free_ports(1)
    item = item.replace("FOLDER", str(folder)).replace("PORT", str(port))
    with SocketMap(folder / "socket"):
        done = check(folder, item)
    assert done.returncode == status, done.stderr
    assert text in done.stderr
    if text:
        assert "msgraphd: as user msgraphd: " in done.stderr


def test_check_of_a_server_that_stalls(folder):
    with SocketMap(folder / "socket") as server:
        server.stalls = True
        done = check(folder, server.item)
        assert done.returncode == 78
        assert "no answer within 3 s" in done.stderr
        server.stalls = False
        server.raw = netstring("TEMP no database")
        done = check(folder, server.item)
        assert done.returncode == 78
        assert "the server says TEMP: no database" in done.stderr


# --- others' programs

def test_postfix_finds_what_the_server_of_these_tests_has(tmp_path):
    """So it speaks as Postfix expects, and not only as we do."""
    with SocketMap(tmp_path / "socket", {"scan": f"{APP} from=a@x"}) as server:
        def query(key: str) -> tuple[int, str]:
            done = subprocess.run(
                ["postmap", "-q", key, server.item], text=True,
                capture_output=True, timeout=30)
            return done.returncode, done.stdout
        assert query("scan") == (0, f"{APP} from=a@x\n")
        assert query("none") == (1, "")
        server.raw = netstring("TEMP away")
        assert query("scan")[0] == 1


def test_tcp(make, tmp_path):  # noqa: F811
    (port,) = free_ports(1)
    with SocketMap(tmp_path / "socket", {"scan": APP}) as server:
        bridge = subprocess.Popen(
            ["python3", "-c", BRIDGE, str(port), str(server.path)])
        try:
            daemon = make("", allowed_tenants="",
                          identity_maps=f"socketmap:inet:localhost:{port}:x")
            Daemon.wait(lambda: raw_auth(
                daemon, "scan@lookup") == f"OK user={NAME}.scan", 30)
            assert server.asked[-1] == "x scan"
        finally:
            bridge.kill()
            bridge.wait()


BRIDGE = """
import asyncio, sys
async def pump(a, b):
    while data := await a.read(65536):
        b.write(data)
    b.close()
async def serve(reader, writer):
    r, w = await asyncio.open_unix_connection(sys.argv[2])
    await asyncio.gather(pump(reader, w), pump(r, writer))
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""


@pytest.mark.skipif(not MTA_STS.exists(),
                    reason="there is no postfix-mta-sts-resolver")
def test_server_that_others_have_made(make, tmp_path):  # noqa: F811
    """It has policies and no entries; those that it knows are in its cache.
    Its protocol is right, and what it says is no entry."""
    cache = sqlite3.connect(tmp_path / "cache")
    cache.execute("create table sts_policy_cache (domain text, ts integer, "
                  "pol_id text, pol_body text)")
    cache.execute("insert into sts_policy_cache values ('known', ?, '1', ?)",
                  (int(time.time()), '{"mode": "enforce", "max_age": 99999, '
                   '"mx": ["mail.example.com"], "version": "STSv1"}'))
    cache.commit()
    cache.close()
    (port,) = free_ports(1)
    conf = tmp_path / "mta-sts.yml"
    conf.write_text(f"""
host: 127.0.0.1
port: {port}
reuse_port: true
shutdown_timeout: 1
cache: {{type: sqlite, options: {{filename: {tmp_path}/cache}}}}
default_zone: {{strict_testing: false, timeout: 1}}
""")
    server = subprocess.Popen([MTA_STS, "-c", conf])
    try:
        daemon = make("", allowed_tenants="", identity_cache_ttl="1s",
                      identity_maps=f"socketmap:inet:127.0.0.1:{port}:sts")
        Daemon.wait(lambda: raw_auth(daemon, "known@lookup") == "" and
                    'entry "known": neither name=value' in daemon.log(), 30)
    finally:
        server.kill()  # it would wait for msgraphd to close the connection
        server.wait()
