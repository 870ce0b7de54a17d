"""A message's way from smtpd to Graph: what arrives there, byte for byte, and
what Postfix says about it."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.message import field, message, split
from harness.postfix_conf import DEFAULT_ROUTE, size_limit
from harness.smtp import SmtpError


def deliver(site, app, sender, recipients, data):
    """Sends, waits until it is sent, and returns the mail at Graph."""
    queue_id = site.send(app, sender, recipients, data)
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


# --- the request

@pytest.mark.parametrize("sender, path", [
    ("scan@example.com", "scan%40example.com"),
    ("Scan@Example.COM", "scan%40example.com"),
    ("o'neil+scan@example.com", "o%27neil%2Bscan%40example.com"),
    ("a_b-c.d&e@example.com", "a_b-c.d%26e%40example.com"),
])
def test_request(site, app, sender, path):
    deliver(site, app, sender, ["a@example.org"], message(sender))
    (request,) = site.m365.requests("sendMail")
    assert request.method == "POST"
    assert request.path == f"/v1.0/users/{path}/sendMail"
    assert request.header("Content-Type") == "text/plain"
    assert int(request.header("Content-Length")) == len(request.body)
    assert request.header("Transfer-Encoding") is None
    assert re.fullmatch(r"Bearer \S+", request.header("Authorization"))
    assert re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}", request.body)
    assert re.fullmatch(r"[0-9a-f-]{36}", request.header("client-request-id"))


def test_token_request(site, app, mailbox):
    """What FACTS say Entra wants; the emulator is strict about the form."""
    deliver(site, app, mailbox, ["a@example.org"], message(mailbox))
    (request,) = site.m365.requests("token")
    assert request.path == f"/{app.tenant}/oauth2/v2.0/token"
    assert (request.header("Content-Type")
            == "application/x-www-form-urlencoded")


BODIES = {
    "plain": b"Hello.\r\n",
    "dots": b".\r\n..\r\n.x\r\nend.\r\n",
    "no end": b"no line end",
    "empty": b"",
    "blank lines": b"\r\n\r\n\r\n",
    "white space": b" lead\r\ntrail \t\r\n\t\r\n",
    "looks like a header": b"X-MSGraph-Mailbox: evil@example.com\r\n"
                           b"To: b@example.org\r\n",
    "From_": b"From me to you\r\n>From there\r\n",
    "long line": b"x" * 900 + b"\r\n",
    "base64": base64.encodebytes(bytes(range(256)) * 40).replace(
        b"\n", b"\r\n"),
    "many lines": b"0123456789\r\n" * 20000,
}


@pytest.mark.parametrize("body", BODIES)
def test_body_is_what_was_sent(site, app, mailbox, body):
    data = BODIES[body]
    mail = deliver(site, app, mailbox, ["a@example.org"],
                   message(mailbox, body=data))
    assert not mail.bare_newline
    expected = data if data.endswith(b"\r\n") or not data else data + b"\r\n"
    assert split(mail.raw)[1] == expected
    (request,) = site.m365.requests("sendMail")
    assert base64.b64decode(request.body, validate=True) == mail.raw


def test_header_lines_stay(site, app, mailbox):
    """What need not change leaves byte for byte."""
    lines = [f"from:  Scan <{mailbox}>".encode(),
             b"TO:A <a@example.org> (first),",
             b"\t\"B, the second\" <b@EXAMPLE.org>",
             b"Subject:  odd   white space\t",
             b"Date: Tue, 1 Jul 2003 10:52:37 +0200",
             b"Message-id: <1@client>",
             b"X-Folded: one",
             b"   two",
             b"X-Empty:",
             b"Mime-Version: 1.0"]
    mail = deliver(site, app, mailbox, ["a@example.org", "b@example.org"],
                   b"\r\n".join(lines) + b"\r\n\r\nbody\r\n")
    head = split(mail.raw)[0]
    assert head[-len(lines):] == lines
    assert all(line.startswith((b"Received:", b"\t", b" "))
               for line in head[:-len(lines)])


# --- what the milter does

def test_own_headers_go_and_missing_ones_come(site, app, mailbox):
    data = message(mailbox, x_msgraph_mailbox="evil@example.com",
                   x_msgraph_anything="1")
    data = b"X-MSGRAPH-Mailbox: other@example.com\r\n" + data
    mail = deliver(site, app, mailbox, ["a@example.org"], data)
    assert mail.mailbox == mailbox
    assert b"x-msgraph" not in mail.raw.lower()
    assert len(field(mail.raw, "Date")) == 1
    (message_id,) = field(mail.raw, "Message-ID")
    assert re.fullmatch(rb"<\S+@\S+>", message_id)


def test_missing_from_is_the_envelope_sender(site, app, mailbox):
    mail = deliver(site, app, mailbox, ["a@example.org"],
                   b"To: a@example.org\r\nSubject: x\r\n\r\nbody\r\n")
    assert mail.sender == [mailbox]
    assert mail.mailbox == mailbox


def test_from_decides_and_not_the_envelope(site, app, mailbox):
    mail = deliver(site, app, "bounces@example.com", ["a@example.org"],
                   message(f"Scan <{mailbox}>"))
    assert mail.mailbox == mailbox


def test_null_sender(site, app, mailbox):
    mail = deliver(site, app, "", ["a@example.org"], message(mailbox))
    assert mail.mailbox == mailbox


def test_mailbox_from_envelope(site, app, mailbox):
    site.m365.app(app.tenant, app.client, app.secret,
                  send_as={mailbox: ["other@example.com"]})
    site.settings["mailbox_from"] = "envelope"
    site.write_conf()
    site.milter.restart()
    try:
        mail = deliver(site, app, mailbox, ["a@example.org"],
                       message("other@example.com"))
        assert mail.mailbox == mailbox
    finally:
        del site.settings["mailbox_from"]
        site.write_conf()
        site.milter.restart()


@pytest.mark.parametrize("sender, header, code", [
    ("", None, "5.7.1"),
    ("", "undisclosed:;", "5.7.1"),
    ("x@host", '"a b"@example.com', "5.1.7"),
    ("x@host", "a%b@example.com", "5.1.7"),
    ("x@host", "scan@[192.0.2.1]", "5.1.7"),
])
def test_no_mailbox_no_mail(site, app, sender, header, code):
    lines = [f"From: {header}"] if header else []
    data = "\r\n".join([*lines, "To: a@example.org", "", "x", ""]).encode()
    with pytest.raises(SmtpError) as error:
        site.send(app, sender, ["a@example.org"], data)
    assert error.value.answer.code == 550
    assert error.value.answer.text.startswith(code)
    assert site.postfix.queue() == []


def test_not_signed_in(site, mailbox):
    with site.connect() as client:
        answer = client.transact(mailbox, ["a@example.org"], message())
    assert answer.code == 530
    assert answer.text.startswith("5.7.0")


# --- recipients

def test_hidden_recipients_go_to_bcc(site, app, mailbox):
    mail = deliver(site, app, mailbox,
                   ["a@example.org", "b@example.org", "c@example.org"],
                   message(mailbox, "B <B@EXAMPLE.org>",
                           cc='"c"@example.org'))
    assert sorted(mail.recipients) == [
        "a@example.org", "b@example.org", "c@example.org"]
    assert mail.bcc == ["a@example.org"]
    assert mail.duplicates == []
    assert len(site.m365.requests("sendMail")) == 1


def test_hundred_recipients_in_one_call(site, app, mailbox):
    names = [f"r{n}@example.org" for n in range(100)]
    mail = deliver(site, app, mailbox, names, message(mailbox, None))
    assert sorted(mail.recipients) == sorted(names)
    assert mail.duplicates == []
    assert len(site.m365.requests("sendMail")) == 1


# --- several messages, several clients

def test_messages_on_one_connection(site, app, mailbox):
    other = f"x{mailbox}"
    with site.connect() as client:
        client.login(app.user, app.secret)
        ids = [client.send(sender, [f"r{n}@example.org"],
                           message(sender, None, x_number=str(n)))
               for n, sender in enumerate([mailbox, other, mailbox])]
        assert client.transact("", ["a@example.org"], b"x\r\n").code == 550
        ids.append(client.send(mailbox, ["r3@example.org"],
                               message(mailbox, None, x_number="3")))
    for queue_id in ids:
        site.postfix.wait_status(queue_id, "sent")
    found = {field(mail.raw, "X-Number")[0]: mail
             for mail in site.m365.mail()}
    assert sorted(found) == [b"0", b"1", b"2", b"3"]
    assert found[b"1"].mailbox == other
    assert {found[n].mailbox for n in (b"0", b"2", b"3")} == {mailbox}
    assert len(site.m365.requests("token")) == 1
    for n in range(4):
        assert found[str(n).encode()].recipients == [f"r{n}@example.org"]


def test_two_tenants_at_once(site):
    apps = [site.new_app(), site.new_app()]

    def run(number: int) -> str:
        return site.send(apps[number % 2], f"scan{number % 2}@example.com",
                         [f"r{number}@example.org"],
                         message(f"scan{number % 2}@example.com"))

    with ThreadPoolExecutor(4) as pool:
        for queue_id in pool.map(run, range(12)):
            site.postfix.wait_status(queue_id, "sent")
    mails = site.m365.mail()
    assert sorted(mail.recipients[-1] for mail in mails) == sorted(
        f"r{n}@example.org" for n in range(12))
    for mail in mails:
        number = int(re.search(r"r(\d+)@", str(mail.bcc))[1])
        assert mail.tenant == apps[number % 2].tenant
        assert mail.mailbox == f"scan{number % 2}@example.com"
    tokens = {request.header("Authorization"): request.tenant
              for request in site.m365.requests("sendMail")}
    assert sorted(tokens.values()) == sorted(app.tenant for app in apps)


def test_at_most_four_at_once_to_a_mailbox(site, app, mailbox):
    """Postfix keeps to it by itself: each mailbox is a destination. msgraphd
    would let more through here."""
    site.configure(mailbox_concurrency="100")
    site.m365.rules({"endpoint": "sendMail", "delay": 0.2, "times": -1})
    try:
        with site.connect() as client:
            client.login(app.user, app.secret)
            for n in range(12):
                client.send(mailbox, [f"r{n}@example.org"],
                            message(mailbox, None))
        site.m365.wait_mail(12)
        site.postfix.wait_empty_queue()
    finally:
        site.configure(mailbox_concurrency="4")
    most = site.m365.stats()["max_simultaneous"]["sendMail"][mailbox]
    assert 1 < most <= 4


# --- what Postfix says

def test_log_line_of_a_delivery(site, app, mailbox):
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    line = site.postfix.wait_status(queue_id, "sent")
    (request,) = site.m365.requests("sendMail")
    assert "to=<a@example.org>" in line
    assert "dsn=2.0.0" in line
    assert request.request_id in line
    site.postfix.wait_log(rf"{queue_id}: removed")
    ours = re.search(rf"{queue_id}: mailbox=.*", site.daemon.log())[0]
    assert f"mailbox=<{mailbox}>, application={app.identity}, nrcpt=1" in ours
    assert f"request-id={request.request_id}" in ours
    assert "status=sent" in ours
    assert re.search(
        rf"{queue_id}: client=unknown\[127\.0\.0\.1\], from=<{mailbox}>, "
        rf"user={app.user}, application={app.identity}, entry=, "
        rf"mailbox=<{mailbox}>, message-id=<\S+@example\.com>, nrcpt=1, "
        r"action=accept ", site.milter.log())


# --- never by the default route

def test_milter_down(site, app, mailbox):
    site.milter.stop()
    mark = site.postfix.mark()
    with pytest.raises(SmtpError) as error:
        site.send(app, mailbox, ["a@example.org"], message(mailbox))
    assert 400 <= error.value.answer.code < 500
    assert site.postfix.queue() == []
    site.milter.start()
    queue_id = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    assert DEFAULT_ROUTE not in site.postfix.log_text(mark)


def test_size_is_announced(site, app, mailbox):
    limit = size_limit()
    with site.connect() as client:
        assert f"SIZE {limit}" in client.features
        client.login(app.user, app.secret)
        answer = client.command(f"MAIL FROM:<{mailbox}> SIZE={limit + 1}")
        assert answer.code == 552
        assert answer.text.startswith("5.3.4")


def test_largest_text_goes(site, app, mailbox):
    """What the example says goes in one request does, with all that is added:
    here as many long recipients as one delivery has."""
    names = [f"{n:03}{'r' * 60}@{'example.' * 20}org" for n in range(500)]
    head = len(message(mailbox, None, body=b""))
    line = b"x" * 76 + b"\r\n"
    body = line * ((2_850_000 - head) // len(line))
    mail = deliver(site, app, mailbox, names,
                   message(mailbox, None, body=body))
    assert split(mail.raw)[1] == body
    assert sorted(mail.recipients) == names
