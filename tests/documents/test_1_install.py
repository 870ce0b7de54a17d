"""docs/by-hand.md from its first step to its last, with the certificate of
docs/operations.md; then README.md's message and its doctor."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from boot.host import CLIENT, SECRET, TENANT, wait_postfix, write_conf

from harness.typed import Step, follow

BY_HAND = "docs/by-hand.md"
OPERATIONS = "docs/operations.md"
SIMULATE = {"apt-get install": "apt-get install --simulate"}
AS = {"<tenant>@<client>": f"{TENANT}@{CLIENT}"}


@pytest.mark.parametrize("name, step", [
    (BY_HAND, Step("apt-get install make postfix", "postfix", here=SIMULATE)),
    (BY_HAND, Step("apt-get install swaks", "swaks", here=SIMULATE)),
    (OPERATIONS, Step("apt-get install certbot", "certbot", here=SIMULATE)),
    ("README.md", Step("apt-get install make", "make", here=SIMULATE)),
    ("README.md", Step("make demo", "status=sent")),
    (BY_HAND, Step("tests/packages build", "^$")),
    (BY_HAND, Step("dpkg-reconfigure postfix")),
    (BY_HAND, Step("make && make install && msgraphd -V", r"^msgraphd \d+\.\d+\.\d+$")),
    (BY_HAND, Step("systemd-sysusers")),
    (BY_HAND, Step("id postfix", r"\(msgraph\)(?s:.*)^drwxrws--T \d+ root "
                                 "msgraph .*/msgraph$")),
], ids=str)
def test_from_source(name, step):
    follow(name, step)


def test_settings(m365):
    write_conf(allowed_tenants=TENANT)
    follow(BY_HAND, Step("msgraphd -t", f"^allowed_tenants = {TENANT}$"))


@pytest.mark.parametrize("step", [
    Step("systemctl daemon-reload"),
    Step("systemctl enable --now msgraphd msgraph-milter"),
    Step("systemctl status msgraphd msgraph-milter",
         r"active \(running\)(?s:.*)active \(running\)"),
], ids=str)
def test_services(step):
    follow(BY_HAND, step)


@pytest.mark.parametrize("path, owner", [
    *((f"/var/spool/postfix/msgraph/{name}", "msgraphd")
      for name in ("auth", "bounce")),
    ("/var/spool/postfix/msgraph/milter", "msgraph"),
    ("/run/msgraph/submit", "msgraphd")])
def test_sockets(path, owner):
    assert stat.S_ISSOCK(Path(path).stat().st_mode)


def test_set_up():
    subprocess.run(["systemctl", "start", "postfix"], check=True)
    said = follow(BY_HAND, Step("msgraphctl setup"))
    assert len(said.split("\nadd ")) > 10
    wait_postfix()


@pytest.mark.parametrize("name, step", [
    (OPERATIONS, Step("postconf -e 'smtpd_tls_chain_files")),
    (OPERATIONS, Step("postconf -X smtpd_tls_cert_file")),
    (OPERATIONS, Step("postfix reload", logged="reload -- version")),
    (BY_HAND, Step("postconf smtpd_tls_chain_files",
                   "/etc/letsencrypt/(?s:.*)^smtpd_tls_cert_file = *$")),
    (OPERATIONS, Step("openssl s_client", "^Verification: OK$")),
    ("README.md", Step("msgraphctl test-send", "^msgraphd +ok .* status=sent", here=AS,
                       types=SECRET)),
    ("README.md", Step("msgraphctl doctor", "^MSGRAPH OK")),
    (BY_HAND, Step("msgraphctl setup --print", "^8025 +inet")),
    (BY_HAND, Step("postfix reload", logged="reload -- version")),
    (BY_HAND, Step(
        "swaks --server relay.example.com:8025 -tls --tls-verify --quit-after",
        "250-STARTTLS(?s:.*)250-AUTH PLAIN LOGIN(?s:.*)535 5.7.8", 28,
        logged="SASL authentication failure: entra: refused: the name is "
               "neither tenant and client")),
    (BY_HAND, Step(
        "swaks --server relay.example.com:8025 -tls --tls-verify --auth ",
        "235 2.7.0 Authentication successful(?s:.*)250 2.0.0 Ok: queued as",
        here=AS, types=SECRET, logged="msgraphd.* status=sent")),
], ids=str)
def test_mail(name, step):
    follow(name, step)
