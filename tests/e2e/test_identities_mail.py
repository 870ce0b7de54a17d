"""Who sends as whom, behind the real Postfix: one name for each client, what an
entry of the table says, and clients that do not sign in."""

from __future__ import annotations

import base64
import pwd
import re
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.identities import (add_open_service, come_from, milter_line,
                                reread, secret_file, set_options)
from harness.message import field, message
from harness.site import Site
from harness.wait import wait_for

BLOCKED = {"endpoint": "sendMail", "skip": 0, "times": 1, "status": 400,
           "body": {"error": {"code": "ErrorMessageBlocked",
                              "message": "spam"}}}
NOT_OWNER = "553 5.7.1 <{}>: Sender address rejected: not owned by user {}"


def restore(site) -> None:
    """Port 8025 as the example has it, and a service without AUTH."""
    site.postfix.write()
    site.open_port = add_open_service(site, "port25")
    reread(site)


@pytest.fixture(scope="module")
def shared_site():
    with Site(settings={"header_recipients": "keep"}) as site:
        restore(site)
        yield site
        site.end_soundly()


@pytest.fixture
def site(shared_site):
    shared_site.m365.reset()
    yield shared_site
    shared_site.m365.clear_rules()
    shared_site.postfix.delete_all()
    shared_site.identify("")


def posted(site, queue_id):
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


# --- one name


def base64url(text: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(text).bytes).decode()[:22]


def spellings(app) -> list[str]:
    short = f"{base64url(app.tenant)}:{base64url(app.client)}"
    return [app.user, f"{app.tenant}:{app.client}", f"{app.tenant}|{app.client}",
            app.user.upper(), short, f"{short}.printer.example.com",
            f"{app.user}.Printer"]


@pytest.fixture
def owners(site, app, mailbox):
    """mailbox belongs to one name alone."""
    def own(name: str) -> None:
        site.postfix.settings["smtpd_sender_login_maps"] = (
            f"inline:{{ {{{mailbox} = {name}}}, {{boss@example.com = boss}} }}")
        site.postfix.write()
        set_options(site, f"127.0.0.1:{site.postfix.port}/inet", {
            "smtpd_sender_restrictions": "reject_sender_login_mismatch"})
        reread(site)
    yield own
    del site.postfix.settings["smtpd_sender_login_maps"]
    restore(site)


def test_every_spelling_is_one_name(site, app, mailbox, owners):
    owners(app.user)
    for name in spellings(app):
        mark = site.postfix.mark()
        with site.connect() as client:
            client.login(name, app.secret)
            answer = client.transact("boss@example.com", ["a@example.org"],
                                     message("boss@example.com"))
            assert str(answer) == NOT_OWNER.format(
                "boss@example.com", app.user), name
            client.command("RSET")
            queue_id = client.send(mailbox, ["a@example.org"],
                                   message(mailbox))
        site.postfix.wait_status(queue_id, "sent")
        assert f"sasl_username={app.user}\n" in site.postfix.log_text(mark)
        assert f"user={app.user}, application={app.identity}, entry=, " in (
            milter_line(site, queue_id))


def test_a_name_that_is_looked_up(site, app, mailbox, owners):
    """It is the name of its entry, as is the application's own."""
    site.identify(f"erp application={app.identity}\n")
    name = f"{app.user}.erp"
    owners(name)
    for typed in ["erp@lookup", "ERP:LookUp", "erp|lookup", *spellings(app),
                  name]:
        with site.connect() as client:
            client.login(typed, app.secret)
            answer = client.command("MAIL FROM:<boss@example.com>")
            answer = client.command("RCPT TO:<a@example.org>")
            assert str(answer) == NOT_OWNER.format(
                "boss@example.com", name), typed
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    assert posted(site, queue_id).client == app.client
    assert f"user={name}, application={app.identity}, entry=erp, " in (
        milter_line(site, queue_id))


def test_nobody_at_lookup(site, app):
    mark = site.postfix.mark()
    with site.connect() as client:
        assert client.auth_plain("nobody@lookup", app.secret).code == 535
    site.postfix.wait_log("entra: nobody@lookup refused: ", since=mark)


# --- the log, and forged stamps


def entry_of(site, app, more: str, name: str = "printers") -> None:
    """A table with one entry, which clients of the network may use."""
    site.identify(f"{name} application={app.identity} "
                  f"secret_file={secret_file(site, app)} "
                  f"clients=192.0.2.0/24 daemon_name=port25 {more}\n")


FORGED = (b"X-MSGraph-Mailbox: ceo@example.com\r\n"
          b"X-MSGraph-From: replace\r\nx-msgraph-recipients: trim\r\n")


def test_who_sent_what_from_where(site, app, mailbox):
    """In one line, for a client that never signs in; and what it forges goes
    nowhere."""
    entry_of(site, app, "senders=@example.com")
    data = message(mailbox, "b@example.org, a@example.org",
                   message_id="<1@printer.example.com>")
    with come_from(site.open_port) as client:
        queue_id = client.send("e@example.com", ["a@example.org"],
                               FORGED + data)
    mail = posted(site, queue_id)
    assert (mail.mailbox, mail.client) == (mailbox, app.client)
    assert b"x-msgraph" not in mail.raw.lower()
    assert field(mail.raw, "From") == [mailbox.encode()]
    assert field(mail.raw, "To") == [b"b@example.org, a@example.org"]
    assert re.fullmatch(
        rf"{queue_id}: client=printer\.example\.com\[192\.0\.2\.9\], "
        rf"from=<e@example\.com>, user=, application={app.identity}, "
        rf"entry=printers, mailbox=<{mailbox}>, "
        r"message-id=<1@printer\.example\.com>, nrcpt=1, action=accept "
        r"\(added Date\)", milter_line(site, queue_id))


def test_forged_stamps_of_who_signed_in(site, app, mailbox):
    queue_id = site.send(app, mailbox, ["a@example.org"], FORGED + message(
        "S <s@example.com>", "b@example.org, a@example.org"))
    mail = posted(site, queue_id)
    assert mail.mailbox == "s@example.com"
    assert b"x-msgraph" not in mail.raw.lower()
    assert field(mail.raw, "To") == [b"b@example.org, a@example.org"]


def test_null_sender_of_such_a_client_is_no_bounce(site, app, mailbox):
    """It is mail like any other, from whom From says."""
    entry_of(site, app, "senders=@example.com")
    with come_from(site.open_port) as client:
        queue_id = client.send("", ["a@example.org"], message(mailbox))
    mail = posted(site, queue_id)
    assert (mail.mailbox, mail.recipients) == (mailbox, ["a@example.org"])
    assert (mail.tenant, mail.client) == (app.tenant, app.client)


def test_clients_without_an_entry(site, app):
    entry_of(site, app, "senders=@example.com")
    with come_from(site.open_port, "198.51.100.7") as client:
        answer = client.command("MAIL FROM:<a@example.com>")
    assert str(answer) == ("550 5.7.1 client=198.51.100.7, "
                           "daemon_name=port25: no entry")
    with site.connect() as client:
        answer = client.command("MAIL FROM:<a@example.com>")
    assert answer.code == 530 and answer.text.startswith(
        "5.7.0 Authentication required (client=127.0.0.1, daemon_name=")


# --- next hops of an older version


OLD_ROUTE = (r"/^X-MSGraph-Mailbox:[[:space:]]*([^[:space:]\/]+)\/.*$/"
             "  FILTER msgraph:$1\n")


def test_mail_that_an_older_version_queued(site, app, mailbox):
    """Its next hop is a mailbox alone, and who signed in counts."""
    route = site.postfix.paths.route
    text = route.read_text()
    site.m365.rules({"endpoint": "sendMail", "skip": 0, "times": 1,
                     "status": 503})
    mark = site.postfix.mark()
    try:
        route.write_text(OLD_ROUTE)
        reread(site)
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        site.postfix.wait_deferred(queue_id)
    finally:
        route.write_text(text)
        reread(site)
    assert f": msgraph:{mailbox}\n" in site.postfix.log_text(mark)
    site.postfix.flush()
    mail = posted(site, queue_id)
    assert (mail.mailbox, mail.client) == (mailbox, app.client)


# --- from


@pytest.mark.parametrize("sender, header, replies", [
    ("e@example.net", '"B, Printer" <p@example.net>', [b"p@example.net"]),
    ("", "p@example.net (P)", [b"p@example.net"]),
    ("root", "Cron <root@localhost>", []),
    ("scan@example.com", "Scan <scan@example.com>", []),
])
def test_from_of_an_entry(site, app, sender, header, replies):
    """Mailbox, From and envelope sender, whatever the client wrote."""
    entry_of(site, app, "from=scan@example.com")
    with come_from(site.open_port) as client:
        queue_id = client.send(sender, ["a@example.org"], message(header))
    mail = posted(site, queue_id)
    assert mail.mailbox == "scan@example.com"
    (line,) = field(mail.raw, "From")
    assert b"scan@example.com" in line and b"example.net" not in line
    for name in (b"Printer", b"(P)", b"Cron", b"Scan"):
        assert (name in line) == (name.decode() in header)
    assert field(mail.raw, "Reply-To") == replies
    site.postfix.wait_log(rf"{queue_id}: from=<scan@example\.com>,")


def test_replies_go_where_the_client_says(site, app):
    entry_of(site, app, "from=scan@example.com")
    with come_from(site.open_port) as client:
        queue_id = client.send(
            "e@example.net", ["a@example.org"], b"Sender: p@example.net\r\n" +
            message("p@example.net", reply_to="r@example.net"))
    mail = posted(site, queue_id)
    assert field(mail.raw, "Reply-To") == [b"r@example.net"]
    assert field(mail.raw, "Sender") == []


def test_bounce_goes_to_the_from_of_the_entry(site, app, mailbox):
    entry_of(site, app, f"from={mailbox}")
    site.m365.rules(BLOCKED)
    mark = site.postfix.mark()
    with come_from(site.open_port) as client:
        queue_id = client.send("e@example.net", ["a@example.org"],
                               message("p@example.net"))
    site.postfix.wait_status(queue_id, "bounced")
    found = site.postfix.wait_log(
        rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
    mail = posted(site, found[1])
    assert mail.mailbox == mailbox and mail.recipients == [mailbox]
    assert (mail.tenant, mail.client) == (app.tenant, app.client)


# --- senders, recipients


SENDERS = [  # senders, MAIL FROM, header From: goes
    ("scan@example.com", "e@example.net", "Scan <Scan@Example.COM>", True),
    ("scan@example.com", "scan@example.com", "boss@example.com", False),
    ("@example.com", "", '"x"@example.com', True),
    ("@example.com", "scan@example.com", "x@sub.example.com", False),
    ("@example.com", "scan@example.com", "x@example.com.example.net", False),
    ("scan@example.com,@example.net", "", "x@example.net", True),
    ("any", "", "x@example.net", True),
]


@pytest.mark.parametrize("senders, sender, header, goes", SENDERS)
def test_senders(site, app, senders, sender, header, goes):
    entry_of(site, app, f"senders={senders}")
    with come_from(site.open_port) as client:
        answer = client.transact(sender, ["a@example.org"], message(header))
    if goes:
        posted(site, re.search(r"queued as (\S+)", answer.text)[1])
    else:
        address = re.search(r"\S+@\S+", header)[0]
        assert str(answer) == (
            f'550 5.7.1 entry "printers" may not send from {address} '
            "(senders)")


def test_senders_of_who_signed_in(site, app):
    site.identify(f"erp application={app.identity} senders=erp@example.com\n")
    with site.connect() as client:
        client.login("erp@lookup", app.secret)
        answer = client.transact("erp@example.com", ["a@example.org"],
                                 message("boss@example.com"))
        assert answer.code == 550
        queue_id = client.send("", ["a@example.org"],
                               message("erp@example.com"))
    assert posted(site, queue_id).mailbox == "erp@example.com"


def test_recipients(site, app, mailbox):
    """The header names no other, although header_recipients is keep."""
    entry_of(site, app, "senders=any recipients=@example.org,x@example.net")
    with come_from(site.open_port) as client:
        assert client.command("MAIL FROM:<e@example.net>").code == 250
        for address, code in [("A@Example.org", 250), ("y@example.net", 550),
                              ("x@example.net", 250), ("\"x\"@evil.test", 550),
                              ("root", 550)]:
            assert client.command(f"RCPT TO:<{address}>").code == code, address
        client.expect(354, client.command("DATA"))
        client.write(message(
            mailbox, "y@example.net, a@example.org", cc="c@example.org")
            + b".\r\n")
        queue_id = re.search(r"queued as (\S+)", client.answer().text)[1]
    mail = posted(site, queue_id)
    assert sorted(mail.recipients) == ["a@example.org", "x@example.net"]
    assert field(mail.raw, "To") == [b"a@example.org"]
    assert field(mail.raw, "Cc") == []


# --- the rest of an entry


def test_transport(site, app, mailbox):
    entry_of(site, app, "senders=any transport=msgraph-2")
    with come_from(site.open_port) as client:
        queue_id = client.send("", ["a@example.org"], message(mailbox))
    site.postfix.wait_log(rf"{queue_id}: .*relay=msgraph-2, .*status=sent")
    assert site.m365.mail()[-1].mailbox == mailbox


def test_rate_limit(site, app, mailbox):
    """Asked about at MAIL, and counted when a message is accepted."""
    entry_of(site, app, "senders=@example.com rate_limit=2/h")
    with come_from(site.open_port) as client:
        for sender, code in [(mailbox, 250), ("x@example.net", 550),
                             (mailbox, 250)]:
            answer = client.transact("", ["a@example.org"], message(sender))
            assert answer.code == code, answer
        answer = client.command("MAIL FROM:<>")
    assert (answer.code, answer.text[:5]) == (450, "4.7.1")


def test_disabled(site, app):
    entry_of(site, app, "senders=any disabled=yes")
    with come_from(site.open_port) as client:
        answer = client.command("MAIL FROM:<>")
    assert str(answer) == '550 5.7.13 entry "printers" is disabled'


# --- msgraphd down, stalled


def threads(site) -> int:
    """Of the milter."""
    return len(list(Path(f"/proc/{site.milter.popen.pid}/task").iterdir()))


def test_msgraphd_stalls(site, app, mailbox):
    """Each client hears 451 after seconds, what comes then goes, and no thread
    of the milter is lost."""
    entry_of(site, app, "senders=any")
    before = threads(site)
    with ExitStack() as stack:
        clients = [stack.enter_context(come_from(site.open_port))
                   for _ in range(20)]
        site.daemon.popen.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            for client in clients:
                client.write(f"MAIL FROM:<{mailbox}>\r\n".encode())
            answers = {str(client.answer()) for client in clients}
            took = time.monotonic() - begun
        finally:
            site.daemon.popen.send_signal(signal.SIGCONT)
        assert answers == {"451 4.3.0 this relay cannot tell now who may "
                           "send, try again later"}
        # although libmilter may have but a few threads for them all
        assert took < 15
        clients[0].command("RSET")
        queue_id = clients[0].send(mailbox, ["a@example.org"],
                                   message(mailbox))
    posted(site, queue_id)
    wait_for(lambda: threads(site) <= before, "the threads to end")


def test_who_may_ask(site, app):
    """msgraphd answers the milter's user and root, and nobody else, whatever
    groups a process has."""
    entry_of(site, app, "senders=any")
    ask = (f"import socket; s = socket.socket(socket.AF_UNIX); "
           f"s.connect({str(site.submit_socket)!r}); "
           "s.sendall(b'request=policy\\nstage=mail\\n"
           "client-address=192.0.2.9\\ndaemon-name=port25\\n\\n'); "
           "print(s.recv(1000))")
    for user, is_answered in [("root", True), ("msgraph", True),
                              ("postfix", False), ("msgraphd", False),
                              ("nobody", False)]:
        mark = len(site.daemon.log())
        done = subprocess.run(
            [sys.executable, "-c", ask], user=user, group="msgraph",
            extra_groups=[], capture_output=True, text=True)
        told = "b'status=ok" in done.stdout
        assert told == is_answered, (user, done.stdout, done.stderr)
        assert is_answered or (f"uid {pwd.getpwnam(user).pw_uid} may not use "
                               "it") in site.daemon.log()[mark:]


def test_msgraphd_is_down(site, app, mailbox):
    entry_of(site, app, "senders=any")
    site.daemon.stop()
    try:
        with come_from(site.open_port) as client:
            answer = client.transact(mailbox, ["a@example.org"],
                                     message(mailbox))
        assert answer.code == 451
        assert re.search(
            r"action=tempfail \(4\.3\.0 ask msgraphd: connect to .*; is "
            r"msgraphd running\? see systemctl status msgraphd\)",
            site.milter.log())
    finally:
        site.daemon.start()


# --- past the milter


def test_limits_hold_past_the_milter(site, app):
    """An entry's from sends; what its senders do not cover waits."""
    place = f"127.0.0.1:{site.postfix.port}/inet"
    set_options(site, place, {"smtpd_milters": ""})
    reread(site)
    try:
        site.identify(f"erp application={app.identity} from=erp@example.com\n")
        queue_id = site.send(app, "e@example.net", ["a@example.org"],
                             message("S <s@example.net>"))
        mail = posted(site, queue_id)
        assert mail.mailbox == "erp@example.com"
        assert field(mail.raw, "From") == [b"S <erp@example.com>"]
        site.identify(f"erp application={app.identity} senders=a@example.com\n")
        queue_id = site.send(app, "e@example.net", ["a@example.org"],
                             message("s@example.net"))
        line = site.postfix.wait_status(queue_id, "deferred")
        assert "dsn=4.7.1" in line and "(senders)" in line
        site.identify(f"erp application={app.identity} senders=@example.net\n")
        site.postfix.flush()
        assert posted(site, queue_id).mailbox == "s@example.net"
    finally:
        restore(site)
