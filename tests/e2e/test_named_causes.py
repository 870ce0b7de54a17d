"""Texts that name setting or cause: what an admin looks at first. The numbers
are those of breakages that were tried."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, USER, m365, settings_for, shared_m365)
from harness.tls_server import Server

CONFIG = """\
[ca]
default_ca = ca
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = policy
copy_extensions = none
[policy]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = localhost
[server]
subjectAltName = DNS:localhost
"""


def certificate(folder: Path, authority: Path, begin: str, end: str) -> Path:
    """A certificate and key in one file, signed by the emulator's authority
    and valid from begin to end (YYYYMMDD)."""
    (folder / "conf").write_text(CONFIG.format(folder=folder))
    (folder / "index").touch()
    (folder / "serial").write_text("1000\n")
    options = {"cwd": folder, "check": True, "capture_output": True}
    subprocess.run(
        ["openssl", "req", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-config", "conf", "-keyout",
         "key", "-out", "csr"], **options)
    subprocess.run(
        ["openssl", "ca", "-batch", "-config", "conf", "-extensions",
         "server", "-cert", str(authority / "ca.pem"), "-keyfile",
         str(authority / "ca.key"), "-startdate", f"{begin}000000Z",
         "-enddate", f"{end}000000Z", "-in", "csr", "-out", "crt",
         "-notext"], **options)
    both = folder / "both.pem"
    both.write_bytes((folder / "crt").read_bytes()
                     + (folder / "key").read_bytes())
    return both


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
        certificate(keys, m365.directory, begin, end))
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
