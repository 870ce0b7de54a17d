"""Clients that do not sign in, behind the real Postfix: which entry each of them
gets (a row is a sentence of the precedence in identities(5)), certificates, and what
an entry may do."""

from __future__ import annotations

import re
import ssl
import subprocess

import pytest

from harness.identities import (add_open_service, come_from, reread,
                                secret_file, set_options)
from harness.message import message
from harness.site import Site
from harness.smtp import Smtp, anybody

RECIPIENT = "a@example.org"


@pytest.fixture(scope="module", name="authority")
def folder_of_an_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


class Authority:
    """A private one, and the certificates of clients."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                     "2", "-subj", "/CN=Example Devices CA", "-keyout",
                     "ca.key", "-out", "ca.pem")

    def openssl(self, *args: str) -> None:
        subprocess.run(["openssl", *args], cwd=self.folder, check=True,
                       capture_output=True)

    def client(self, name: str, is_signed: bool = True) -> ssl.SSLContext:
        key, crt = f"{name}.key", f"{name}.crt"
        if is_signed:
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
                         f"/CN={name}", "-keyout", key, "-out", "csr")
            self.openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem",
                         "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                         "-out", crt)
        else:
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes",
                         "-days", "2", "-subj", f"/CN={name}", "-keyout",
                         key, "-out", crt)
        context = anybody()
        context.load_cert_chain(self.folder / crt, self.folder / key)
        return context


@pytest.fixture(scope="module", name="shared_site")
def site_with_two_services(authority):
    with Site() as site:
        site.ports = {name: add_open_service(site, name)
                      for name in ("port25", "port26")}
        for port in site.ports.values():
            # the table alone is to decide
            set_options(site, f"127.0.0.1:{port}/inet",
                        {"mynetworks": "0.0.0.0/0,[::]/0"})
        authorities = site.postfix.paths.etc / "devices.pem"
        authorities.write_text((authority.folder / "ca.pem").read_text())
        site.ports["tls"] = add_open_service(site, "tls")
        set_options(site, f"127.0.0.1:{site.ports['tls']}/inet", {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_ask_ccert": "yes",
            "smtpd_tls_CAfile": str(authorities)})
        reread(site)
        yield site
        site.end_soundly()


@pytest.fixture(name="site")
def site_without_a_table(shared_site):
    shared_site.m365.reset()
    yield shared_site
    shared_site.postfix.delete_all()
    shared_site.identify("")


# --- who is it

# A name says what the entry asks for. None may send to RECIPIENT, and the
# refusal names the entry.
CONDITIONS = {
    "any4": "clients=0.0.0.0/0",
    "net8": "clients=10.0.0.0/8",
    "net24": "clients=192.0.2.0/24",
    "net24-port25": "clients=192.0.2.0/24 daemon_name=port25",
    "net25-port26": "clients=192.0.2.128/25 daemon_name=port26",
    "host": "clients=192.0.2.9",
    "mapped": "clients=::ffff:203.0.113.0/120",
    "here": "clients=127.0.0.1 sign_in=yes",
    "cert": '{ client_certificate = "Example Devices CA", scanner }',
    "cert-tls": '{ client_certificate = "Example Devices CA", copier }'
                " daemon_name=tls",
    "cert-here": '{ client_certificate = "Example Devices CA", scanner }'
                 " clients=127.0.0.0/8",
    "cert-other": '{ client_certificate = "Example Devices CA", fax }'
                  " clients=192.0.2.0/24",
}


@pytest.fixture(name="table")
def table_of_all_conditions(site, app):
    own = secret_file(site, app)
    site.identify("".join(
        f"{name} application={app.identity} secret_file={own} senders=any "
        f"recipients=@nowhere.example {condition}\n"
        for name, condition in CONDITIONS.items()))


def entry_of(client: Smtp) -> str:
    """The entry that the client gets."""
    with client:
        client.expect(250, client.command("MAIL FROM:<a@example.com>"))
        answer = client.command(f"RCPT TO:<{RECIPIENT}>")
    found = re.fullmatch(rf'550 5\.7\.1 entry "(.*)" may not send to '
                         rf"{RECIPIENT} \(recipients\)", str(answer))
    assert found, answer
    return found[1]


CLIENTS = [
    # the longest network
    ("any4", "port25", "198.51.100.1"),
    ("net8", "port25", "10.1.2.3"),
    ("host", "port26", "192.0.2.9"),
    ("mapped", "port25", "203.0.113.4"),
    # comes before the service
    ("host", "port25", "192.0.2.9"),
    # of equally long ones, the one that names the service
    ("net24-port25", "port25", "192.0.2.1"),
    ("net24", "port26", "192.0.2.1"),
    # a service that an entry names must be this one
    ("net25-port26", "port26", "192.0.2.200"),
    ("net24-port25", "port25", "192.0.2.200"),
]


def test_client_gets_the_entry(site, table):
    for entry, service, address in CLIENTS:
        client = come_from(site.ports[service], address)
        assert entry_of(client) == entry, (entry, service, address)


def test_certificate_comes_before_networks(site, table, authority):
    port = site.ports["tls"]
    for name, entry in {"scanner": "cert-here", "copier": "cert-tls",
                        "fax": "here", "stranger": "here"}.items():
        assert entry_of(Smtp(port, context=authority.client(name))) == entry, name
    # the name alone, signed by nobody that Postfix trusts
    context = authority.client("copier", is_signed=False)
    assert entry_of(Smtp(port, context=context)) == "here"
    with Smtp(port) as client:
        assert entry_of(client) == "here"


def test_who_signed_in_never_falls_back_to_a_network(site, app):
    other = site.new_app()
    site.identify(
        f"here application={app.identity} secret_file="
        f"{secret_file(site, app)} senders=any clients=127.0.0.1\n"
        f"signs application={other.identity} recipients=@nowhere.example\n")
    with site.connect() as client:
        client.login(other.user, other.secret)
        assert entry_of(client) == "signs"


def test_nobody(site, app):
    own = secret_file(site, app)
    site.identify(f"a application={app.identity} secret_file={own} "
                  "senders=any clients=192.0.2.0/24 daemon_name=port25\n")
    for service, answer in {
            "port25": "550 5.7.1 client=10.0.0.1, daemon_name=port25: no entry",
            "port26": "530 5.7.0 Authentication required (client=10.0.0.1, "
                      "daemon_name=port26: no entry)",
    }.items():
        with come_from(site.ports[service], "10.0.0.1") as client:
            assert str(client.command("MAIL FROM:<a@x>")) == answer


# --- what it may do


def printers(site, app, more: str, clients: str = "192.0.2.0/24") -> None:
    site.identify(f"printers application={app.identity} "
                  f"secret_file={secret_file(site, app)} "
                  f"clients={clients} senders=@example.com {more}\n")


def test_rate_limit(site, app, mailbox):
    printers(site, app, "rate_limit=2/h")
    with come_from(site.ports["port25"]) as client:
        # what is not accepted does not count
        for _ in range(3):
            answer = client.transact(mailbox, [RECIPIENT],
                                     message("boss@example.net"))
            assert str(answer).startswith("550 5.7.1 ")
            client.command("RSET")
        for _ in range(2):
            client.send(mailbox, [RECIPIENT], message(mailbox))
        answer = client.command(f"MAIL FROM:<{mailbox}>")
    assert re.fullmatch(r'450 4\.7\.1 entry "printers" has sent its 2 messages '
                        r"in 3600 s \(rate_limit\); the next may go in "
                        r"\d+ s", str(answer))
    printers(site, app, "rate_limit=3/h")
    with come_from(site.ports["port26"]) as client:
        client.send(mailbox, [RECIPIENT], message(mailbox))


def test_transport(site, app, mailbox):
    printers(site, app, "transport=msgraph-2")
    with come_from(site.ports["port25"]) as client:
        queue_id = client.send(mailbox, [RECIPIENT], message(mailbox))
    line = site.postfix.wait_status(queue_id, "sent")
    assert "relay=msgraph-2, " in line


def test_disabled(site, app, mailbox):
    """Nobody sends by it, and what waits is deferred, never bounced."""
    site.m365.rules({"endpoint": "sendMail", "skip": 0, "times": 1,
                     "status": 503})
    printers(site, app, "sign_in=yes")
    with come_from(site.ports["port25"]) as client:
        queue_id = client.send(mailbox, [RECIPIENT], message(mailbox))
    site.postfix.wait_status(queue_id, "deferred")
    printers(site, app, "sign_in=yes disabled=yes")
    with come_from(site.ports["port25"]) as client:
        answer = client.command(f"MAIL FROM:<{mailbox}>")
        assert str(answer) == '550 5.7.13 entry "printers" is disabled'
    with site.connect() as client:
        assert client.auth_plain(app.user, app.secret).code == 535
    mark = site.postfix.mark()
    site.postfix.flush(queue_id)
    line = site.postfix.wait_status(queue_id, "deferred", since=mark)
    assert "dsn=4.7.13" in line and "disabled=yes" in line
    printers(site, app, "sign_in=yes")
    site.postfix.flush(queue_id)
    site.postfix.wait_status(queue_id, "sent", since=mark)
