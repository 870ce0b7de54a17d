"""A CA and a server certificate for loopback, made with the openssl command.

What is in the folder already is kept, so that a restarted emulator is trusted
by clients that read ca.pem before.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import subprocess
from pathlib import Path

_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""

_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _openssl(*args: str, cwd: Path) -> None:
    done = subprocess.run(["openssl", *args], cwd=cwd, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {args[0]}: {done.stderr.strip()}")


def _names(bind: str, more: list[str]) -> str:
    names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1",
             *(f"DNS:{name}" for name in more)]
    try:
        extra = f"IP:{ipaddress.ip_address(bind)}"
    except ValueError:
        extra = f"DNS:{bind}"
    return ",".join(dict.fromkeys([*names, extra]))


def make(directory: Path, bind: str, names: list[str]) -> None:
    """Makes ca.pem, server.pem and server.key unless they are there; names
    are those beside localhost and bind."""
    if all((directory / name).exists()
           for name in ("ca.pem", "server.pem", "server.key")):
        return
    for part, name in (("ca", "m365 emulator CA"), ("server", "localhost")):
        text = _CONFIG.format(name=name, names=_names(bind, names))
        (directory / f"{part}.cnf").write_text(text)
    mask = os.umask(0o077)
    try:
        _openssl("req", "-x509", *_NEW_KEY, "-days", "3650", "-config",
                 "ca.cnf", "-extensions", "ca", "-keyout", "ca.key", "-out",
                 "ca.pem", cwd=directory)
        _openssl("req", *_NEW_KEY, "-config", "server.cnf", "-keyout",
                 "server.key", "-out", "server.csr", cwd=directory)
        _openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem",
                 "-CAkey", "ca.key", "-set_serial", str(os.getpid()),
                 "-days", "3650", "-extfile", "server.cnf", "-extensions",
                 "server", "-out", "server.pem", cwd=directory)
    finally:
        os.umask(mask)
    # programs under test run as other users and must be able to read it
    (directory / "ca.pem").chmod(0o644)


def context(directory: Path) -> ssl.SSLContext:
    """The server's TLS: 1.2 or later, HTTP/1.1 only."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.set_alpn_protocols(["http/1.1"])
    tls.load_cert_chain(directory / "server.pem", directory / "server.key")
    return tls
