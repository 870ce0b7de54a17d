"""Each setting of another relay that a page of docs/ names: what the page says to
do here does what that setting did there."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess

import pytest

from harness import document
from harness.identities import reread, secret_file
from harness.message import message
from harness.moving import elsewhere, moves, rows, shown
from harness.postfix import cool_down, free_ports
from harness.site import App, Site
from harness.smtp import Smtp, anybody

CONTAINER = "moving-from-container-relays.md"
GRAPH = "moving-from-smtp2graph.md"
EXCHANGE = "moving-from-exchange.md"


@pytest.fixture(scope="module")
def own_site():
    with Site(local_users=True, services=("local", "port25")) as site:
        site.postfix.add_local_user("testuser1", "P@ssword!")
        yield site
        site.end_soundly()


@pytest.fixture
def site(own_site: Site):
    """As the examples have it, before and after."""
    own_site.m365.reset()
    yield own_site
    own_site.postfix.delete_all()
    own_site.m365.clear_rules()
    own_site.postfix.settings.clear()
    own_site.postfix.reload()
    own_site.identify("")


def main_cf(site: Site, **settings: str) -> None:
    site.postfix.settings.update(settings)
    site.postfix.reload()
    reread(site)


def options(site: Site, *settings: str, service: str = "") -> None:
    """-o lines of the service on 8025, or of another one."""
    port = site.postfix.service(service) if service else site.postfix.port
    site.postfix.command("postconf", "-P", *[
        f"127.0.0.1:{port}/inet/{setting}" for setting in settings])
    reread(site)


def entry(site: Site, app: App, *words: str) -> None:
    site.identify(f"device application={app.identity} "
                  f"secret_file={secret_file(site, app)} {' '.join(words)}\n")


def greeting(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        return sock.makefile().readline()


# --- who may connect, and how

@moves(CONTAINER, "TLS_SOURCE=off")
def test_no_tls_at_all(site, app, mailbox):
    options(site, "smtpd_tls_security_level=none", "smtpd_tls_auth_only=no")
    with site.connect("none") as client:
        assert "STARTTLS" not in client.features
        client.login(app.user, app.secret)
        queue_id = client.send(mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")


@moves(CONTAINER, "REQUIRE_TLS=false")
@moves(GRAPH, "receive.allowInsecureAuth")
def test_tls_for_who_wants_it(site, app):
    options(site, "smtpd_tls_auth_only=no")
    for tls in ("none", "starttls"):
        with site.connect(tls) as client:
            client.login(app.user, app.secret)


@moves(CONTAINER, "TLS_SOURCE=file", "REQUIRE_TLS=true")
@moves(EXCHANGE, "RequireTLS")
def test_tls_is_required(site):
    with site.connect("none") as client:
        assert "STARTTLS" in client.features
        assert not any("AUTH" in line for line in client.features)
    options(site, "smtpd_tls_security_level=encrypt")
    with site.connect("none") as client:
        assert client.command("MAIL FROM:<a@example.com>").code == 530


@moves(CONTAINER, "TLS_CIPHER_SUITE")
def test_ciphers(site):
    cipher = "ECDHE-ECDSA-CHACHA20-POLY1305"
    main_cf(site, tls_medium_cipherlist=cipher, smtpd_tls_ciphers="medium")
    context = anybody()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Smtp(site.postfix.port, context=context) as client:
        assert client.sock.cipher()[0] == cipher


@moves(CONTAINER, "SERVER_GREETING")
@moves(GRAPH, "receive.banner")
@moves(EXCHANGE, "Banner")
def test_banner(site):
    option = re.search(r"`(-o \{ smtpd_banner = [^`]*)`",
                       rows(CONTAINER)["SERVER_GREETING"])[1]
    file = site.postfix.paths.etc / "master.cf"
    place = f"127.0.0.1:{site.postfix.port} "
    file.write_text(re.sub(rf"(?m)^({place}.*)$",
                           rf"\1\n    {option.replace('Example', 'Example Corp')}",
                           file.read_text()))
    reread(site)
    assert greeting(site.postfix.port) == \
        "220 relay.test ESMTP Example Corp\n"


@moves(EXCHANGE, "Fqdn")
def test_name_of_the_host(site):
    options(site, "myhostname=other.example.com")
    assert greeting(site.postfix.port).startswith("220 other.example.com ")


@moves(GRAPH, "receive.secure")
def test_tls_from_the_start(site, app):
    with site.connect("implicit") as client:
        client.login(app.user, app.secret)


@moves(GRAPH, "receive.maxSize")
@moves(EXCHANGE, "MaxMessageSize", "Messages, *Limit message size*")
def test_size(site, app, mailbox):
    options(site, "message_size_limit=25000")
    with site.connect() as client:
        assert "SIZE 25000" in client.features
        client.login(app.user, app.secret)
        told = client.command(f"MAIL FROM:<{mailbox}> SIZE=25001")
    assert told.code == 552, told


@moves(EXCHANGE, "MaxRecipientsPerMessage",
       "Messages, *Limit number of recipients*")
def test_recipients_of_a_message(site, app, mailbox):
    options(site, "smtpd_recipient_limit=2")
    with site.connect() as client:
        client.login(app.user, app.secret)
        client.command(f"MAIL FROM:<{mailbox}>")
        codes = [client.command(f"RCPT TO:<a{n}@example.org>").code
                 for n in range(3)]
    assert codes == [250, 250, 452]


@moves(GRAPH, "receive.rateLimit")
def test_rate_of_connections(site):
    options(site, "smtpd_client_connection_rate_limit=2")
    told = [greeting(site.postfix.port)[:3] for _ in range(3)]
    assert told == ["220", "220", "421"]


@moves(GRAPH, "receive.authLimit")
def test_rate_of_sign_ins(site, app):
    options(site, "smtpd_client_auth_rate_limit=2")
    codes = []
    for _ in range(3):
        with site.connect() as client:
            codes.append(client.auth_plain(app.user, "wrong").code)
    assert codes == [535, 535, 450]


@moves(EXCHANGE, "MessageRateLimit")
def test_rate_of_messages(site, app, mailbox):
    options(site, "smtpd_client_message_rate_limit=2")
    with site.connect() as client:
        client.login(app.user, app.secret)
        codes = []
        for _ in range(3):
            codes.append(client.command(f"MAIL FROM:<{mailbox}>").code)
            client.command("RSET")
    assert codes == [250, 250, 450]


@moves(GRAPH, "receive.port", "receive.listenAddress")
@moves(EXCHANGE, "Bindings", "IP address and port")
def test_address_and_port(site):
    """The tests' own services have both before the name."""
    (port,) = free_ports(1)
    site.postfix.command(
        "postconf", "-M", f"127.0.0.2:{port}/inet=127.0.0.2:{port} inet n - "
        "y - - smtpd")
    reread(site)
    with socket.create_connection(("127.0.0.2", port), 60) as sock:
        assert sock.makefile().readline().startswith("220 ")
    with pytest.raises(ConnectionRefusedError):
        greeting(port)


# --- who may send, and as whom

@moves(GRAPH, "receive.ipWhitelist", "receive.allowedFrom")
@moves(EXCHANGE, "RemoteIPRanges", "SenderDomains",
       "PermissionGroups: AnonymousUsers",
       "Ms-Exch-SMTP-Accept-Any-Recipient",
       "Access, *Authentication*: anonymous",
       "Access, *Connection* and *Relay*: only the list below")
def test_networks_and_senders(site, app):
    entry(site, app, "clients=127.0.0.1", "daemon_name=port25",
          "senders=noreply@example.com,@printers.example.com")
    told = {}
    for sender in ("noreply@example.com", "a@printers.example.com",
                   "other@example.com"):
        with Smtp(site.postfix.service("port25"), "none") as client:
            told[sender] = client.transact(
                sender, ["anybody@example.org"], message(sender)).code
    assert list(told.values()) == [250, 250, 550], told
    options(site, "mynetworks=192.0.2.0/24", service="port25")
    with Smtp(site.postfix.service("port25"), "none") as client:
        told = client.transact("noreply@example.com", ["a@example.org"],
                               message("noreply@example.com"))
    assert told.code == 554, told


@moves(GRAPH, "receive.users", "receive.users.allowedFrom",
       "receive.requireAuth")
@moves(EXCHANGE, "Access, *Authentication*: basic")
def test_old_names_and_passwords(site, app):
    """The entry's line is the page's, and so is the user's name."""
    section = document.section(f"docs/{GRAPH}",
                               "The old names and passwords")
    line = document.line(section, "users ")
    secret = secret_file(site, app)
    for there, here in (("<tenant>/<client>", app.identity),
                        ("/etc/msgraph/users.secret", str(secret))):
        assert there in line
        line = line.replace(there, here)
    site.identify(line + "\n")
    with site.connect() as client:
        assert client.auth_plain("testuser1", "wrong").code == 535
    for sender, code in (("testuser1@example.com", 250),
                         ("other@example.com", 550)):
        with site.connect() as client:
            client.login("testuser1", "P@ssword!")
            told = client.transact(sender, ["a@example.org"], message(sender))
        assert told.code == code, told
    site.m365.wait_mail(1)
    assert site.m365.mail()[-1].client == app.client
    with site.connect() as client:
        told = client.transact("testuser1@example.com", ["a@example.org"],
                               message())
    assert told.code in (530, 554), told


@moves(EXCHANGE, "PermissionGroups: ExchangeUsers",
       "AuthMechanism: BasicAuth")
def test_who_signs_in_sends(site, app, mailbox):
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")


@moves(GRAPH, "send.forceMailbox")
def test_a_mailbox_sends_for_a_list(site):
    app = site.new_app(send_as={"relay@example.com": ["list@example.com"]})
    section = document.section(
        f"docs/{GRAPH}", "A mailbox that sends for a distribution list")
    site.configure(mailbox_from="envelope")
    site.milter.stop()
    site.milter.start()
    try:
        site.postfix.follow(section)
        reread(site)
        queue_id = site.send(app, "list@example.com", ["a@example.org"],
                             message("list@example.com"))
        site.postfix.wait_status(queue_id, "sent")
        mail = site.m365.mail()[-1]
        assert mail.mailbox == "relay@example.com"
        assert mail.sender == ["list@example.com"]
    finally:
        site.configure(mailbox_from="header")
        site.milter.stop()
        site.milter.start()


# --- the queue, and what becomes of a message

@moves(GRAPH, "mode: receive")
def test_mail_is_taken_and_waits(site, app, mailbox):
    main_cf(site, defer_transports="msgraph")
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_log(rf"{queue_id}: .*relay=none, .*status=deferred")
    assert not site.m365.mail()
    del site.postfix.settings["defer_transports"]
    main_cf(site)
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")


@moves(GRAPH, "mode: send")
def test_a_port_is_closed(site):
    port = site.postfix.service("port25")
    greeting(port)
    site.postfix.command("postconf", "-M#", f"127.0.0.1:{port}/inet")
    reread(site)
    with pytest.raises(ConnectionRefusedError):
        greeting(port)


@moves(GRAPH, "send.retryLimit", "send.retryInterval")
@moves(EXCHANGE, "Delivery, *retry intervals* and *expiration timeout*",
       "the folder *Badmail*")
def test_what_cannot_go_bounces_in_the_end(site, app, mailbox):
    main_cf(site, maximal_queue_lifetime="0")
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": 1})
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_log(rf"{queue_id}: .*status=(undeliverable|expired|"
                          r"bounced|deferred)")
    site.m365.wait_mail(1)  # the bounce, to the mailbox itself
    (mail,) = site.m365.mail()
    assert (mail.mailbox, mail.recipients) == (mailbox, [mailbox])


@moves(CONTAINER, "<DOMAIN>_FAILURE_NOTIFICATION")
@moves(EXCHANGE, "Messages, *Send copy of Non-Delivery Report to*")
def test_a_copy_of_each_bounce(site, app, mailbox):
    main_cf(site, notify_classes="bounce", maximal_queue_lifetime="0",
            bounce_notice_recipient="ops@example.net")
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": 1})
    mark = site.postfix.mark()
    site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_log(r"to=<ops@example\.net>", since=mark)


@moves(CONTAINER, "TO_REMAP_DOMAINS", "TO_REMAP_ADDRESSES")
def test_other_recipients(site, app, mailbox):
    table = site.postfix.paths.etc / "virtual"
    table.write_text("@old.example  @new.example\na@old.example  b@new.example\n")
    cool_down(table)
    main_cf(site, virtual_alias_maps=f"texthash:{table}",
            virtual_alias_domains="")
    queue_id = site.send(app, mailbox, ["a@old.example", "c@old.example"],
                         message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    assert sorted(site.m365.mail()[-1].recipients) == [
        "b@new.example", "c@new.example"]


@moves(EXCHANGE, "the folder *Pickup*")
def test_a_file_is_sent(site, app, mailbox, tmp_path):
    entry(site, app, "clients=127.0.0.1", "daemon_name=local",
          f"senders={mailbox}")
    main_cf(site, default_transport="smtp", inet_interfaces="127.0.0.1",
            relayhost=f"[127.0.0.1]:{site.postfix.service('local')}")
    file = tmp_path / "a.eml"
    file.write_bytes(f"From: {mailbox}\nTo: a@example.org\nSubject: t\n\nx\n"
                     .encode())
    with file.open("rb") as opened:
        subprocess.run(["sendmail", "-C", str(site.postfix.paths.etc), "-t",
                        "-i"], stdin=opened, check=True, timeout=60)
    site.m365.wait_mail(1)
    assert site.m365.mail()[-1].recipients == ["a@example.org"]


# --- the log

@moves(CONTAINER, "LOG_LEVEL")
def test_level_of_the_log(site, app, mailbox):
    for level, lines in (("warning", 0), ("info", 1)):
        site.settings["log_level"] = level
        site.write_conf()
        site.daemon.restart()
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        site.postfix.wait_status(queue_id, "sent")
        assert site.daemon.log().count(f" {queue_id}: ") == lines


# --- all of them

elsewhere(CONTAINER,
          "test_keyvault.py::test_certificate_comes_with_its_key_first",
          "TLS_SOURCE=keyvault", "AZURE_KEY_VAULT_URL",
          "AZURE_KEY_VAULT_CERT_NAME", "TLS_CERT_FILEPATH",
          "TLS_KEY_FILEPATH")
elsewhere(CONTAINER, "test_signin.py::test_only_one_delimiter_allowed",
          "USERNAME_DELIMITER")
elsewhere(CONTAINER, "test_daemon_alone.py::test_odd_answer_is_not_now",
          "GRAPH_HTTP_TIMEOUT", "HTTP_TIMEOUT_SECONDS")
elsewhere(CONTAINER, "test_daemon_trouble.py::"
          "test_four_at_once_to_a_mailbox_and_others_go_on",
          "GRAPH_MAILBOX_CONCURRENCY")
elsewhere(CONTAINER, "test_transports.py::test_a_slow_transport_defers_nothing",
          "GRAPH_RATE_LIMIT_PER_10_SECONDS")
elsewhere(CONTAINER, "test_identities_mail.py::test_from_of_an_entry",
          "FROM_REMAP_DOMAINS")
elsewhere(CONTAINER, "test_azure.py::test_row_gives_name_application_and_sender",
          "AZURE_TABLES_URL")
elsewhere(CONTAINER, "test_azure_daemon.py::test_partition",
          "AZURE_TABLES_PARTITION_KEY")
elsewhere(CONTAINER,
          "test_azure_daemon.py::test_raw_names_where_a_row_is_required",
          "AZURE_TABLES_FORCE_USAGE=true")
elsewhere(CONTAINER, "test_fallback.py::test_message",
          "<DOMAIN>_FROM_FAILBACK", "FROM_REMAP_ADDRESSES")
elsewhere(GRAPH, "test_identities_credentials.py::test_message",
          "send.appReg.tenant", "send.appReg.id", "send.appReg.secret",
          "send.appReg.certificate.privateKeyPath")
elsewhere(GRAPH, "test_proxy.py::test_mail_goes_through_the_proxy",
          "send.httpProxy")
elsewhere(GRAPH, "test_recipes.py::test_a_renewed_certificate_is_shown",
          "receive.tlsKeyPath", "receive.tlsCertPath")
elsewhere(EXCHANGE, "test_recipes.py::test_a_renewed_certificate_is_shown",
          "TlsCertificateName")
elsewhere(EXCHANGE, "test_identities_credentials.py::test_message",
          "TlsSenderCertificateName")
elsewhere(EXCHANGE, "test_signin.py::test_right_and_wrong_secret",
          "smtp.office365.com", "user name: the mailbox",
          "password: the mailbox's",
          "sends as the mailbox, or where it has Send As")


@pytest.mark.parametrize("page", [CONTAINER, GRAPH, EXCHANGE])
def test_every_row_is_shown(page):
    """Both ways; what is "nothing" here has nothing to show."""
    wanted = {name for name, ours in rows(page).items()
              if not ours.startswith("nothing")}
    assert {name for where, name in shown if where == page} == wanted
