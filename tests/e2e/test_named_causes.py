"""Texts that name setting or cause: what an admin looks at first. The numbers
are those of breakages that were tried."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import cert
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, USER, m365, settings_for, shared_m365)
from harness.tls_server import Server


def said(folder: Path, settings: dict[str, str], user: str = USER) -> str:
    """What the log says of a sign-in, which nobody may have refused."""
    with Daemon(folder, settings) as daemon:
        daemon.auth(user, SECRET)
        lines = daemon.log().splitlines()
    return next(line for line in lines if "NOQUEUE" in line)


@pytest.mark.parametrize("begin, end, cause", [
    ("20000101", "20010101", "certificate has expired"),
    ("20900101", "20910101", "certificate is not yet valid")])
def test_b8_clock(m365, tmp_path, begin, end, cause):
    keys = tmp_path / "keys"
    keys.mkdir()
    server = Server(m365)
    server.tls.load_cert_chain(
        cert.make_dated(keys, m365.directory, begin, end))
    line = said(tmp_path, {**settings_for(m365),
                           "login_endpoint": server.url})
    server.close()
    assert f"{cause} (look at this host's clock: it says 20" in line


def test_b10_proxy(m365, tmp_path):
    settings = {**settings_for(m365), "proxy": "http://127.0.0.1:3"}
    assert "port 3" in (line := said(tmp_path, settings))
    assert " (proxy = http://127.0.0.1:3)" in line


def test_b10_not_the_proxy(m365, tmp_path):
    """Without one, nothing is said of it."""
    settings = {**settings_for(m365), "login_endpoint": "https://localhost:3"}
    assert "proxy" not in said(tmp_path, settings)


def test_b11_other_authorities(m365, tmp_path):
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other",
         "-keyout", str(tmp_path / "key"), "-out", str(other)],
        check=True, capture_output=True)
    settings = {**settings_for(m365), "ca_file": str(other)}
    line = said(tmp_path, settings)
    assert f"certificate (only those in ca_file = {other}"[:80] in line


def test_b11_store_of_the_system(m365, tmp_path):
    settings = {**settings_for(m365), "ca_file": ""}
    assert "(the system's authorities are trusted; for others, set ca_file)" \
        in said(tmp_path, settings)


def test_b15_swapped(m365, tmp_path):
    line = said(tmp_path, settings_for(m365), f"{CLIENT}:{TENANT}")
    assert "AADSTS90002" in line
    assert "(are tenant and client swapped?)" in line


@pytest.mark.parametrize("user, cause", [
    (f"{TENANT}/{CLIENT}", '"/" is none; see username_delimiter'),
    (CLIENT, "one id alone, where tenant and client are needed"),
    (f"{TENANT}:{CLIENT[1:]}", "client is neither a UUID (36 characters)")])
def test_b28_name(m365, tmp_path, user, cause):
    """The name is not shown, since it may be a secret."""
    line = said(tmp_path, settings_for(m365), user)
    assert cause in line
    assert CLIENT[1:] not in line
