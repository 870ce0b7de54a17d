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
