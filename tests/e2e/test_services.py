"""The examples for clients that cannot sign in, or need another port than 8025
(conf-examples/postfix/services): whom each lets in, and as whom; and that none
is an open relay."""

from __future__ import annotations

import contextlib
import re
import shutil
import ssl
from pathlib import Path

import pytest

from harness import cert, document, example
from harness.identities import milter_line, reread, secret_file
from harness.message import message
from harness.postfix import cool_down
from harness.site import App, Site
from harness.smtp import Balanced, Smtp, anybody
from harness.wait import wait_for

SERVICES = tuple(sorted(
    file.name for file in (example.EXAMPLES / "postfix/services").iterdir()))
OPEN = ("certificate", "haproxy", "local", "port25")  # without sign-in


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    return {name: cert.make_authority(folder, name)
            for name in ("ours", "theirs")}


@pytest.fixture(scope="module")
def shared_site(authorities):
    with Site(services=SERVICES) as site:
        shutil.copy(authorities["ours"][1],
                    site.postfix.paths.etc / "msgraph_clients_ca.pem")
        # as the comment in the example tells an admin to
        command = re.search(r"^ *#(postconf -P 8029/inet/mynetworks=.*)$",
                            example.read("postfix/services/haproxy"), re.M)[1]
        site.postfix.command(*example.replace(
            command, "8029", f"127.0.0.1:{site.postfix.service('haproxy')}"
        ).split())
        reread(site)
        yield site
        site.end_soundly()


@contextlib.contextmanager
def main_cf(site: Site, **settings: str):
    """Other settings for all services, for a while."""
    file = site.postfix.paths.etc / "main.cf"
    before = file.read_text()
    kept = [line for line in before.splitlines()
            if line.partition(" =")[0] not in settings]
    kept += [f"{name} = {value}" for name, value in settings.items()]
    write(site, "\n".join(kept) + "\n")
    try:
        yield
    finally:
        write(site, before)


def write(site: Site, text: str) -> None:
    file = site.postfix.paths.etc / "main.cf"
    file.write_text(text)
    cool_down(file)
    reread(site)


@pytest.fixture
def strict(site):
    with main_cf(site, smtpd_tls_protocols=">=TLSv1.2",
                 smtpd_tls_ciphers="high"):
        yield site


@pytest.fixture
def site(shared_site):
    shared_site.m365.reset()
    yield shared_site
    shared_site.identify("")
    shared_site.postfix.delete_all()
    shared_site.m365.clear_rules()


def entry(site: Site, app: App, *words: str, name: str = "device") -> str:
    return (f"{name} application={app.tenant}/{app.client} "
            f"secret_file={secret_file(site, app)} {' '.join(words)}\n")


WHO = {"port25": "clients=127.0.0.1", "local": "clients=127.0.0.1",
       "haproxy": "clients=192.0.2.0/24",
       "certificate": "client_certificate=ours,printer"}


def connect(site: Site, service: str, pem: Path | None = None) -> Smtp:
    port = site.postfix.service(service)
    if service == "haproxy":
        return Balanced(port)
    context = anybody()
    if pem is not None:
        context.load_cert_chain(pem)
    return Smtp(port, "starttls" if service == "certificate" else "none",
                context=context)


def certificate(authorities, tmp_path, service: str, authority: str = "ours",
                subject: str = "printer") -> Path | None:
    return cert.make_client(tmp_path, subject, authorities[authority]
                            ) if service == "certificate" else None


@pytest.mark.parametrize("service", OPEN)
def test_a_client_without_sign_in_sends_by_its_entry(
        site, app, mailbox, authorities, tmp_path, service):
    site.identify(entry(site, app, WHO[service], f"daemon_name={service}",
                        f"senders={mailbox}"))
    pem = certificate(authorities, tmp_path, service)
    with connect(site, service, pem) as client:
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    mail = site.m365.mail()[-1]
    assert (mail.mailbox, mail.tenant, mail.client) == (
        mailbox, app.tenant, app.client)
    line = milter_line(site, queue_id)
    for word in (f"application={app.identity}", "entry=device",
                 f"mailbox=<{mailbox}>"):
        assert word in line, line


@pytest.mark.parametrize("service", OPEN)
def test_a_client_that_no_entry_names_is_told_what_was_seen(
        site, app, mailbox, authorities, tmp_path, service):
    """On a service that an entry names; others are asked to sign in."""
    pem = certificate(authorities, tmp_path, service)
    address = "192.0.2.7" if service == "haproxy" else "127.0.0.1"
    seen = f"client={address}, daemon_name={service}"
    for table, code in (("", 530), (entry(
            site, app, "clients=198.51.100.0/24", f"daemon_name={service}",
            f"senders={mailbox}"), 550)):
        site.identify(table)
        with connect(site, service, pem) as client:
            told = client.transact(mailbox, ["a@example.org"],
                                   message(mailbox))
        assert told.code == code and seen in told.text, told
        assert "no entry" in told.text, told


@pytest.mark.parametrize("service", ["port25", "local"])
def test_networks_stand_in_postfix_too(site, app, mailbox, service):
    """A mistake in the table alone opens nothing."""
    site.identify(entry(site, app, "clients=0.0.0.0/0",
                        f"daemon_name={service}", f"senders={mailbox}"))
    place = f"127.0.0.1:{site.postfix.service(service)}/inet"
    site.postfix.command("postconf", "-P",
                         f"{place}/mynetworks=192.0.2.0/24")
    reread(site)
    try:
        with connect(site, service) as client:
            told = client.transact(mailbox, ["a@example.org"],
                                   message(mailbox))
        assert told.code == 554, told
    finally:
        site.postfix.command("postconf", "-P",
                             f"{place}/mynetworks=127.0.0.0/8")
        reread(site)


def test_an_entry_without_the_networks_of_its_sender_is_a_mistake(
        site, app, mailbox):
    """The conditions under which nobody need sign in: a credential, and what
    may be sent. The old table stays."""
    site.identify(entry(site, app, "clients=127.0.0.1",
                        "daemon_name=port25", f"senders={mailbox}"))
    for bad in (entry(site, app, "clients=127.0.0.1"),
                f"device application={app.tenant}/{app.client} "
                f"clients=127.0.0.1 senders={mailbox}\n"):
        site.identify(bad)
        wait_for(lambda: "identities:1: " in site.daemon.log(),
                 "the mistake to be named")
        with connect(site, "port25") as client:
            assert client.command(f"MAIL FROM:<{mailbox}>").code == 250


@pytest.mark.parametrize("authority, subject", [
    ("theirs", "printer"), ("ours", "scanner"), (None, None)])
def test_only_the_certificate_of_the_entry_counts(
        site, app, mailbox, authorities, tmp_path, authority, subject):
    site.identify(entry(site, app, WHO["certificate"],
                        f"senders={mailbox}"))
    pem = certificate(authorities, tmp_path, "certificate", authority,
                      subject) if authority else None
    with connect(site, "certificate", pem) as client:
        told = client.transact(mailbox, ["a@example.org"], message(mailbox))
    assert told.code in (530, 550), told
    assert "no entry" in told.text, told


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_tls_1_0_on_its_own_port_alone(strict, app, mailbox):
    """Where main.cf asks all others for TLS 1.2."""
    site = strict
    old = anybody()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with Smtp(site.postfix.service("oldtls"), context=old) as client:
        assert client.sock.version() == "TLSv1"
        client.login(app.user, app.secret)
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Smtp(site.postfix.port, context=old)


def test_clients_sign_in_behind_a_balancer_too(site, app, mailbox):
    with connect(site, "haproxy") as client:
        client.login(app.user, app.secret)
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    assert "client=unknown[192.0.2.7]" in milter_line(site, queue_id)


# --- mail of this host

@pytest.fixture
def relaying(site):
    """This Postfix sends all its other mail to its own port 8026."""
    with main_cf(site, relayhost=f"[127.0.0.1]:{site.postfix.service('local')}",
                 default_transport="smtp"):
        yield site


def test_mail_of_this_host_goes_by_the_relayhost_of_the_documents(
        relaying, app, mailbox):
    """Also that of cron, whose From is no mailbox's."""
    text = document.section("docs/senders.md", "Clients that cannot sign in")
    assert "relayhost = [127.0.0.1]:8026" in text
    relaying.identify(entry(relaying, app, "clients=127.0.0.1",
                            "daemon_name=local", f"from={mailbox}"))
    relaying.postfix.sendmail("root@relay.test", "a@example.org",
                              b"Subject: Cron\n\nnightly\n")
    relaying.m365.wait_mail(1)
    mail = relaying.m365.mail()[-1]
    assert (mail.mailbox, mail.sender) == (mailbox, [mailbox])


def test_the_null_sender_of_such_a_client_is_no_bounce_of_ours(
        site, app, mailbox):
    """Another MTA's bounce goes as its client's mail, to whom it says."""
    site.identify(entry(site, app, "clients=127.0.0.1", "daemon_name=local",
                        f"senders={mailbox}"))
    with connect(site, "local") as client:
        queue_id = client.send("", ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    mail = site.m365.mail()[-1]
    assert (mail.mailbox, mail.recipients) == (mailbox, ["a@example.org"])


# --- transports

def test_an_entry_names_the_transport(site, app, mailbox):
    site.identify(entry(site, app, "clients=127.0.0.1", "daemon_name=port25",
                        f"senders={mailbox}", "transport=msgraph-2"))
    with connect(site, "port25") as client:
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    assert "relay=msgraph-2" in site.postfix.wait_status(queue_id, "sent")


# --- limits

def test_limits_hold_for_clients_in_mynetworks_too(site, app, mailbox):
    site.identify(entry(site, app, "clients=127.0.0.1", "daemon_name=port25",
                        f"senders={mailbox}"))
    codes = []
    with main_cf(site, smtpd_client_message_rate_limit="2"):
        for _ in range(3):
            with connect(site, "port25") as client:
                codes.append(client.command(f"MAIL FROM:<{mailbox}>").code)
    assert codes == [250, 250, 450]
