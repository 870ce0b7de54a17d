"""A certificate for the private Postfix, made with the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(directory: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Writes relay.key and relay.crt, self-signed; returns their paths."""
    key, crt = directory / "relay.key", directory / "relay.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={host}", "-addext",
         f"subjectAltName=DNS:{host},IP:127.0.0.1",
         "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True)
    return key, crt
