"""A certificate for the private Postfix, made with the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(directory: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Writes relay.key and relay.crt, self-signed; returns their paths."""
    key, crt = directory / "relay.key", directory / "relay.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
         "-subj", f"/CN={host}", "-addext",
         f"subjectAltName=DNS:{host},DNS:relay.test,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True)
    return key, crt


def make_authority(directory: Path, name: str) -> tuple[Path, Path]:
    """Writes an authority's key and certificate; returns their paths."""
    key, crt = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True)
    return key, crt


def make_client(directory: Path, subject: str,
                authority: tuple[Path, Path]) -> Path:
    """Writes key and certificate of a client into one file; returns it."""
    key, request = directory / "client.key", directory / "client.csr"
    both = directory / f"{subject}-{authority[1].stem}.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={subject}",
         "-keyout", str(key), "-out", str(request)],
        check=True, capture_output=True)
    crt = subprocess.run(
        ["openssl", "x509", "-req", "-in", str(request), "-CAkey",
         str(authority[0]), "-CA", str(authority[1]), "-days", "2",
         "-set_serial", "1"], check=True, capture_output=True).stdout
    both.write_bytes(key.read_bytes() + crt)
    return both


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
CN = {name}
[server]
subjectAltName = DNS:{name}
"""


def make_dated(folder: Path, authority: Path, begin: str, end: str,
               name: str = "localhost") -> Path:
    """A certificate and key in one file, signed by the emulator's authority
    and valid from begin to end (YYYYMMDD)."""
    (folder / "conf").write_text(CONFIG.format(
        folder=folder, name=name))
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
