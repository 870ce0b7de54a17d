"""docs/senders.md: each recipe for Postfix, word for word but for port and folder,
and that it does what the document says."""

from __future__ import annotations

import re

import pytest

from harness import document
from harness.identities import reread
from harness.message import field, message
from harness.site import App, Site

DOCUMENT = "docs/senders.md"
# as the document has them
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
RECIPIENT = "a@example.org"


@pytest.fixture(scope="module")
def own_site():
    with Site() as site:
        yield site
        site.end_soundly()


@pytest.fixture
def site(own_site: Site):
    """As the examples have it, before and after."""
    own_site.m365.reset()
    yield own_site
    own_site.postfix.delete_all()
    own_site.identify("")
    own_site.postfix.write()


@pytest.fixture
def app(site: Site) -> App:
    """The application of the document."""
    app = App(TENANT, CLIENT, "the application's secret")
    site.m365.app(app.tenant, app.client, app.secret)
    return app


def follow(site: Site, heading: str) -> None:
    site.postfix.follow(document.section(DOCUMENT, heading))
    reread(site)


def sent(site: Site, queue_id: str):
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


# --- a sender that a device cannot set

ROOT = "root@printer.lan"


def test_canonical_sender(site, app):
    """Changes both, and the mailbox is decided after that; other senders
    stay."""
    follow(site, "A sender that a device cannot set")
    to = "team, a@example.org"
    without = message(to=to).partition(b"\r\n")[2]
    for sender, data, box, shown in [
            (ROOT, message(f"Printer <{ROOT}>", to),
             "scan@example.com", b"Printer <scan@example.com>"),
            (ROOT, without, "scan@example.com", b"scan@example.com"),
            ("b@example.com", message("b@example.com", to),
             "b@example.com", b"b@example.com")]:
        queue_id = site.send(app, sender, [RECIPIENT, "team@relay.test"], data)
        mail = sent(site, queue_id)
        assert mail.mailbox == box
        assert f"{queue_id}: from=<{box}>, " in site.postfix.log_text()
        assert field(mail.raw, "From") == [shown]
        assert field(mail.raw, "To") == [b"team@relay.test, a@example.org"]


# --- which envelope sender an application may use

NOT_OWNED = "553 5.7.1 <{}>: Sender address rejected: not owned by user {}"


def hears(site: Site, app: App, user: str, sender: str) -> str:
    with site.connect() as client:
        client.login(user, app.secret)
        client.command(f"MAIL FROM:<{sender}>")
        return str(client.command(f"RCPT TO:<{RECIPIENT}>"))


USERS = [f"{TENANT}@{CLIENT}", f"{TENANT.upper()}:{CLIENT}",
         "ERERESIiMzNERFVVVVVVVQ|qqqqqru7zMzd3e7u7u7u7g"]


def test_owner_of_a_sender(site, app):
    follow(site, "Which envelope sender an application may use")
    for user in USERS:
        for sender in ("scan@example.com", ""):
            assert hears(site, app, user, sender) == "250 2.1.5 Ok", user
        for sender in ("boss@example.com", "scan@example.net"):
            assert hears(site, app, user, sender) == NOT_OWNED.format(
                sender, app.user)
    other = site.new_app()
    for sender in ("scan@example.com", "boss@example.com"):
        assert hears(site, other, other.user, sender) == NOT_OWNED.format(
            sender, other.user)
    # what senders of an entry is for
    boss = message("boss@example.com")
    mail = sent(site, site.send(app, "scan@example.com", [RECIPIENT], boss))
    assert mail.mailbox == "boss@example.com"
    site.identify(f"erp application={app.identity} senders=scan@example.com\n")
    logins = site.postfix.paths.etc / "msgraph_logins"
    logins.write_text(logins.read_text().replace(CLIENT, f"{CLIENT}.erp"))
    site.postfix.command("postmap", str(logins))
    reread(site)
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.transact("scan@example.com", [RECIPIENT], boss)
        assert str(answer) == ('550 5.7.1 entry "erp" may not send from '
                               "boss@example.com (senders)")
        client.command("RSET")
        queue_id = client.send("scan@example.com", [RECIPIENT], message())
    assert sent(site, queue_id).mailbox == "scan@example.com"


# --- to whom mail may go


def test_recipients(site, app):
    follow(site, "To whom mail may go")
    with site.connect() as client:
        assert client.envelope("scan@example.com",
                               ["a@example.com"]).code == 530
        client.command("RSET")
        client.login(app.user, app.secret)
        client.command("MAIL FROM:<scan@example.com>")
        for address, code in {"a@example.com": 250, "a@sub.example.com": 250,
                              "a@example.org": 554,
                              "a@notexample.com": 554}.items():
            answer = client.command(f"RCPT TO:<{address}>")
            assert answer.code == code, (address, answer)


# --- what a message may hold


def test_headers(site, app):
    follow(site, "What a message may hold")
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.transact("scan@example.com", [RECIPIENT],
                                 message(subject="a [TEST] of it"))
        assert str(answer) == "550 5.7.1 test messages stay inside"
        queue_id = client.send("scan@example.com", [RECIPIENT],
                               message(subject="no test", x_internal_id="7"))
    mail = sent(site, queue_id)
    assert field(mail.raw, "Subject") == [b"no test"]
    assert field(mail.raw, "X-Internal-Id") == []


# --- how much a client may send


def test_rate(site, app):
    """Of the address, whichever application signs in."""
    section = document.section(DOCUMENT, "How much a client may send")
    limit = int(re.search(r"message_rate_limit=(\d+)", section)[1])
    follow(site, "How much a client may send")
    with site.connect() as client:
        client.login(app.user, app.secret)
        for _ in range(limit):
            assert client.command("MAIL FROM:<scan@example.com>").code == 250
            client.command("RSET")
    other = site.new_app()
    with site.connect() as client:
        client.login(other.user, other.secret)
        answer = client.command("MAIL FROM:<scan@example.com>")
    assert (answer.code, answer.text[:5]) == (450, "4.7.1"), answer
