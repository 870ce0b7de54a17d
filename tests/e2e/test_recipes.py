"""What docs/ tells an admin to type, word for word but for port and folder:
odd devices, a load balancer, a certificate that is renewed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from harness import cert, document, example
from harness.message import message
from harness.postfix import cool_down
from harness.site import Site
from harness.smtp import Balanced, Smtp
from harness.wait import wait_for

OPERATIONS = "docs/operations.md"
CERTIFICATE = "The certificate that clients see"
LIVE = "/etc/letsencrypt/live/relay.example.com"


@pytest.fixture(scope="module")
def own_site():
    with Site() as site:
        yield site


@pytest.fixture
def site(own_site: Site):
    """As the examples have it, before and after."""
    own_site.m365.reset()
    yield own_site
    own_site.postfix.settings.clear()
    own_site.postfix.reload()


# --- devices that send no name

@pytest.fixture
def filtered(site: Site) -> Site:
    section = document.section("docs/clients.md", "Odd devices")
    table = site.postfix.paths.etc / "msgraph_commands"
    table.write_text(document.line(section, "/^(EHLO") + "\n")
    site.postfix.run_postconf(example.replace(
        document.line(section, "postconf "), "/etc/postfix/msgraph_commands",
        str(table)))
    return site


def test_a_name_is_asked_for(site):
    with Smtp(site.postfix.port) as client:
        assert client.command("EHLO").code == 501


@pytest.mark.parametrize("helo", ["EHLO", "EHLO ", "ehlo", "HELO", "helo  "])
def test_no_name_is_needed(filtered, helo):
    app = filtered.new_app()
    with Smtp(filtered.postfix.port) as client:
        assert client.command(helo).code == 250
        client.login(app.user, app.secret)
        told = client.transact("scan@example.com", ["a@example.org"],
                               message())
    assert told.code == 250, told
    filtered.postfix.wait_status(told.text.split()[-1], "sent")


def test_other_commands_stay(filtered):
    app = filtered.new_app()
    filtered.send(app, "ehlo@example.com", ["helo@example.org"], message())
    filtered.m365.wait_mail(1)
    with Smtp(filtered.postfix.port, helo="helo") as client:
        assert client.command("EHLO other.example").code == 250


# --- behind a load balancer

def test_a_balancer_names_the_client(site):
    section = document.section(OPERATIONS, "Behind a load balancer")
    site.postfix.run_postconf(document.line(section, "postconf "))
    app = site.new_app()
    with Balanced(site.postfix.port) as client:
        assert client.auth_plain(app.user, "wrong").code == 535
        client.login(app.user, app.secret)
        queue_id = client.send("scan@example.com", ["a@example.org"],
                               message())
    site.postfix.wait_status(queue_id, "sent")
    log = site.postfix.log_text()
    assert f"{queue_id}: client=unknown[192.0.2.7]" in log
    # which is what fail2ban counts
    assert "unknown[192.0.2.7]: SASL PLAIN authentication failed" in log


def test_without_a_balancer_nobody_is_let_in(site):
    site.postfix.run_postconf(document.line(
        document.section(OPERATIONS, "Behind a load balancer"), "postconf "))
    mark = site.postfix.mark()
    with socket.create_connection(
            ("127.0.0.1", site.postfix.port), 60) as sock:
        sock.sendall(b"EHLO client.test\r\n")
        told = sock.recv(1000).decode()
    (row,) = [row for row in document.section(
        "docs/troubleshooting.md", "Connecting and TLS").splitlines()
        if "load balancer" in row]
    code, end = re.search(r"`(421 4\.\d\.\d) … ([^`]+)`", row).groups()
    assert told.startswith(code) and told.rstrip().endswith(end), told
    assert "haproxy read:" in row
    site.postfix.wait_log("haproxy read:", since=mark)


# --- the certificate

def make_live(folder: Path, name: str) -> Path:
    """A renewal, as certbot leaves it in its live folder."""
    archive = folder / name
    archive.mkdir(parents=True)
    key, crt = cert.make(archive)
    live = folder / "live"
    live.mkdir(mode=0o700, exist_ok=True)
    for link, target in (("privkey.pem", key), ("fullchain.pem", crt)):
        (live / link).unlink(missing_ok=True)
        (live / link).symlink_to(target)
    return crt


def shown(site: Site) -> bytes:
    with Smtp(site.postfix.port) as client:
        return client.sock.getpeercert(binary_form=True)


def der(crt: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(crt.read_text())


@pytest.fixture
def certbot(site: Site, tmp_path: Path):
    """Renews, and runs the document's deploy hook as certbot does."""
    section = document.section(OPERATIONS, CERTIFICATE)
    words = shlex.split(document.line(section, "certbot "))
    hook = words[words.index("--deploy-hook") + 1]
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "postfix").write_text(
        f"#!/bin/sh\nexec {shutil.which('postfix')} "
        f"-c {site.postfix.paths.etc} \"$@\"\n")
    (bin_ / "postfix").chmod(0o755)

    def renew(name: str) -> Path:
        crt = make_live(tmp_path / "letsencrypt", name)
        mark = site.postfix.mark()
        subprocess.run(hook, shell=True, check=True, env={
            **os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"})
        site.postfix.wait_log(r"reload -- version", since=mark)
        return crt

    return renew


def test_a_renewed_certificate_is_shown(site, certbot, tmp_path):
    section = document.section(OPERATIONS, CERTIFICATE)
    make_live(tmp_path / "letsencrypt", "first")
    words = shlex.split(example.replace(
        document.line(section, "postconf -e"), LIVE,
        str(tmp_path / "letsencrypt" / "live"), 2))
    site.postfix.command(*words)
    cool_down(site.postfix.paths.etc / "main.cf")
    for name in ("second", "third"):
        renewed = der(certbot(name))
        # an smtpd that was there before may answer once more
        wait_for(lambda: shown(site) == renewed, f"the {name} certificate")


@pytest.mark.parametrize("name, status, text", [
    ("localhost", 0, "Verification: OK"),
    ("other.example.com", 1, "hostname mismatch")])
def test_the_check_of_a_certificate(site, name, status, text):
    command = document.line(
        document.section(OPERATIONS, CERTIFICATE), "openssl ")
    command = example.replace(command, "relay.example.com:8025",
                              f"127.0.0.1:{site.postfix.port}")
    command = example.replace(command, "relay.example.com", name)
    command = example.replace(command, "s_client ",
                              f"s_client -CAfile {site.postfix.cert} ")
    done = subprocess.run(command, shell=True, capture_output=True, text=True,
                          timeout=60)
    told = done.stdout + done.stderr
    assert text in told, told
    assert done.returncode == status, told
