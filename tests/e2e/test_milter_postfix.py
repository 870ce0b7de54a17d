"""The milter behind the real Postfix: what its stamp, its edits and its
refusals become there."""

from __future__ import annotations

import re

import pytest

from harness.message import field, message, split


def deliver(site, app, sender, data):
    queue_id = site.send(app, sender, ["a@example.org"], data)
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


# --- the stamp

@pytest.mark.parametrize("sender", [
    "a1.b-c_d'e+f#g^h~i=j&k@example.com",
    "a!b@example.com",
    "!a!@example.com",
    "x" * 64 + "@example.com",
    "a@" + ".".join(["x" * 49] * 4) + ".example.com",
    "1@1.example.com",
])
def test_every_stamp_routes(site, app, sender):
    """What may be stamped arrives whole as the destination."""
    mark = site.postfix.mark()
    mail = deliver(site, app, "", message(sender))
    assert mail.mailbox == sender
    assert f"msgraph:{sender}" in site.postfix.log_text(mark)


def test_case_and_quotes_of_the_mailbox(site, app):
    mail = deliver(site, app, "", message('Scan <"Scan.5"@Example.COM>'))
    assert mail.mailbox == "scan.5@example.com"
    assert field(mail.raw, "From") == [b'Scan <"Scan.5"@Example.COM>']


def test_several_in_from(site, app, mailbox):
    site.m365.app(app.tenant, app.client, app.secret,
                  send_as={mailbox: ["a@example.com", "b@example.com"]})
    mail = deliver(site, app, "bounces@example.com",
                   f"Sender: {mailbox}\r\n".encode() +
                   message("a@example.com, b@example.com"))
    assert mail.mailbox == mailbox


def test_forged_stamps_route_nowhere(site, app, mailbox):
    """In forms that Postfix takes for the same field."""
    mark = site.postfix.mark()
    forged = (b"X-MSGraph-Mailbox: evil1@example.com\r\n"
              b"X-MSGraph-Mailbox : evil2@example.com\r\n"
              b"x-msgraph-mailbox:\r\n evil3@example.com\r\n"
              b"X-MSGRAPH-MAILBOX:evil4@example.com\r\n")
    mail = deliver(site, app, mailbox, forged + message(mailbox) +
                   b"X-MSGraph-Mailbox: evil5@example.com\r\n")
    assert mail.mailbox == mailbox
    head, body = split(mail.raw)
    assert not any(b"evil" in line for line in head)
    assert body.endswith(b"evil5@example.com\r\n")
    assert "evil" not in site.postfix.log_text(mark)
    assert site.postfix.queue() == []


# --- what is added

def test_a_retry_shows_the_same_message(site, app, mailbox):
    """Date and Message-ID are the milter's, from before the queue."""
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": 1})
    queue_id = site.send(app, mailbox, ["a@example.org"],
                         b"Subject: x\r\n\r\nbody\r\n")
    site.postfix.wait_deferred(queue_id)
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent")
    mail = site.m365.mail()[-1]
    log = site.milter.log()
    assert "action=accept (added From, Date, Message-ID)\n" in log
    assert len(field(mail.raw, "Date")) == 1
    (message_id,) = field(mail.raw, "Message-ID")
    refused, sent = site.m365.requests("sendMail")
    assert refused.body == sent.body
    assert message_id.endswith(b"@example.com>")


def test_empty_fields_are_replaced(site, app, mailbox):
    mail = deliver(site, app, mailbox, b"From:\r\nDate: \r\nDate:\r\n"
                   b"Message-Id:\r\nSubject: x\r\n\r\nbody\r\n")
    assert mail.mailbox == mailbox
    assert field(mail.raw, "From") == [mailbox.encode()]
    for name in ("Date", "Message-ID"):
        (value,) = field(mail.raw, name)
        assert value


# --- refusals

REFUSED = {
    "percent": ("a%n@example.com", b"", 550,
                "5.1.7 .*From is <a%n@example.com> "),
    "no dot": ("root@localhost", b"", 550, "5.1.7 .*no dot"),
    "no address": ("scanner", b"", 550,
                   "5.7.1 .*From is without a full address"),
    "101 forged": ("a@example.com", b"X-MSGraph-A: 1\r\n" * 101, 550,
                   "5.6.0 "),
    "large": ("a@example.com", b"X: 345678901234567890123456\r\n" * 40000,
              552, "5.3.4 the message header is larger"),
    # Postfix shows a line end as one byte, and cuts each field at 60,000
    "large by folds": ("a@example.com", b"".join(
        b"X-%d: a\r\n" % n + b" x\r\n" * 24000 for n in range(16)),
        552, "5.3.4 the message header is larger"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_after_data(site, app, name):
    """The client is told, Postfix logs it, nothing is queued, and the
    connection goes on."""
    sender, fields, code, text = REFUSED[name]
    mark = site.postfix.mark()
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.transact("", ["a@example.org"],
                                 fields + message(sender))
        assert answer.code == code
        assert re.match(text, answer.text), answer
        assert site.postfix.queue() == []
        queue_id = client.send("", ["a@example.org"],
                               message("b@example.com"))
    site.postfix.wait_status(queue_id, "sent")
    line = site.postfix.wait_log(r"milter-reject: END-OF-MESSAGE .*",
                                 since=mark)
    assert text[:5] in line[0]


def test_refused_recipients_cost_the_others_nothing(site, app, mailbox):
    with site.connect() as client:
        client.login(app.user, app.secret)
        assert client.command(f"MAIL FROM:<{mailbox}>").code == 250
        for address in ('"a\x01b"@example.com', "x" * 1100 + "@example.com",
                        "@example.com"):
            answer = client.command(f"RCPT TO:<{address}>")
            assert (answer.code, answer.text[:5]) == (553, "5.1.3"), answer
        assert client.command("RCPT TO:<a@example.org>").code == 250
        assert client.command("DATA").code == 354
        client.write(message(mailbox) + b".\r\n")
        answer = client.answer()
    queue_id = re.search(r"queued as (\S+)", answer.text)[1]
    site.postfix.wait_status(queue_id, "sent")
    assert site.m365.mail()[-1].recipients == ["a@example.org"]


def test_sender_with_a_control_character(site, app):
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.command('MAIL FROM:<"a\x01b"@example.com>')
    assert (answer.code, answer.text[:5]) == (550, "5.1.7"), answer


def test_hundred_forged_fields(site, app, mailbox):
    mail = deliver(site, app, mailbox,
                   b"X-MSGraph-A: 1\r\n" * 100 + message(mailbox))
    assert b"x-msgraph" not in mail.raw.lower()


def test_local_user_may_not_send_here(site):
    """He has signed in, and so relay restrictions let him through."""
    with site.connect() as client:
        client.login("local@relay.test", "local-password")
        answer = client.command("MAIL FROM:<a@example.com>")
    assert answer.code == 550
    assert answer.text.startswith("5.7.1 tenant is neither a UUID")
    assert re.search(r"NOQUEUE: client=unknown\[127\.0\.0\.1\], "
                     r"from=<a@example\.com>, user=local@relay\.test, "
                     r"application=, entry=, mailbox=<>, message-id=<>, "
                     r"nrcpt=0, action=reject \(5\.7\.1 ", site.milter.log())


# --- stop and start

def test_restart_while_a_client_sends(site, app, mailbox):
    """A message under way ends; the milter waits for it."""
    with site.connect() as client:
        client.login(app.user, app.secret)
        assert client.envelope(mailbox, ["a@example.org"]).code == 354
        process = site.milter.popen
        process.terminate()
        client.write(message(mailbox) + b".\r\n")
        answer = client.answer()
        assert process.wait(timeout=20) == 0
        site.milter.restart()
    assert answer.code == 250, answer
    queue_id = re.search(r"queued as (\S+)", answer.text)[1]
    site.postfix.wait_status(queue_id, "sent")
