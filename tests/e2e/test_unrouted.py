"""Mail that came past msgraph-milter, for each mistake that lets it: the agent
decides the mailbox as the milter would, sends, and says what to mend."""

from __future__ import annotations

import pytest

from harness import policyd
from harness.agent import OPTIONS
from harness.agent import HEADER as FROM_AND_TO
from harness.message import field, message
from harness.postfix_conf import DEFAULT_ROUTE
from harness.submitd import an_agent, its_daemon  # noqa: F401
from harness.wait import wait_for

WARNING = "warning: it came past msgraph-milter; mend master.cf or the route"

# Names of breakages that admins made: a line of the documents, or the route.
POSTCONF = {
    "B21 no milter": "postconf -P 8025/inet/smtpd_milters=",
    "B21 no cleanup": "postconf -P 8025/inet/cleanup_service_name=cleanup",
    "B41 milter disabled":
        "postconf -P 8025/inet/smtpd_milter_maps=static:DISABLE",
}
ROUTES = {
    "B20b other field": "/^X-Never: (.*)$/ FILTER no:$1\n",
    "B20b parenthesis": "/^X-MSGraph-Mailbox: (.*$/ FILTER msgraph:$1\n",
    "B20b no address": "/^X-MSGraph-Mailbox: (.*)$/ FILTER msgraph:mailbox\n",
}


def restart(site) -> None:
    """A reload would let a smtpd or cleanup from before serve once more."""
    site.postfix.stop()
    site.postfix.start()


@pytest.fixture
def broken(site, request):
    """The site with a mistake in it, which is mended afterwards."""
    if request.param in POSTCONF:
        site.postfix.run_postconf(POSTCONF[request.param])
    else:
        site.postfix.paths.route.write_text(ROUTES[request.param])
    restart(site)
    yield site
    site.postfix.reload()


ALL = pytest.mark.parametrize("broken", [*POSTCONF, *ROUTES], indirect=True)


@ALL
def test_goes_with_a_warning(broken, app, mailbox):
    mark = broken.postfix.mark()
    queue_id = broken.send(app, mailbox, ["a@example.org"], message(mailbox))
    line = broken.postfix.wait_status(queue_id, "sent", since=mark)
    assert WARNING in line
    [request] = broken.m365.requests("sendMail")
    assert request.path.endswith(f"/{mailbox.replace('@', '%40')}/sendMail")
    assert b"X-MSGraph" not in broken.m365.mail()[-1].raw
    assert DEFAULT_ROUTE not in broken.postfix.log_text(mark)
    assert f"application={app.identity}" in broken.daemon.log()


@pytest.mark.parametrize("broken", ["B21 no milter"], indirect=True)
def test_stamp_of_a_client_counts_for_nothing(broken, app, mailbox):
    data = b"X-MSGraph-Mailbox: ceo@example.com\r\n" + message(mailbox)
    queue_id = broken.send(app, mailbox, ["a@example.org"], data)
    broken.postfix.wait_status(queue_id, "sent")
    [request] = broken.m365.requests("sendMail")
    assert "ceo" not in request.path
    assert b"X-MSGraph" not in broken.m365.mail()[-1].raw


@pytest.mark.parametrize("broken", ["B21 no milter"], indirect=True)
def test_message_without_from(broken, app, mailbox):
    queue_id = broken.send(app, mailbox, ["a@example.org"],
                           b"To: a@example.org\r\nSubject: x\r\n\r\nbody\r\n")
    broken.postfix.wait_status(queue_id, "sent")
    assert field(broken.m365.mail()[-1].raw, "From") == [mailbox.encode()]


@pytest.mark.parametrize("broken", ["B21 no milter"], indirect=True)
def test_mailbox_that_cannot_be_told_bounces(broken, app):
    """As the milter would have refused it, and not after five days."""
    queue_id = broken.send(app, "root@[192.0.2.1]", ["a@example.org"],
                           message("root@localhost"))
    line = broken.postfix.wait_status(queue_id, "bounced")
    assert "dsn=5.1.7" in line
    assert "cannot tell which mailbox of Microsoft 365 sends this" in line
    assert broken.m365.requests("sendMail") == []


@pytest.mark.parametrize("broken", ["B21 no milter"], indirect=True)
def test_recipient_that_the_milter_would_refuse(broken, app, mailbox):
    """It costs the other nothing; the sender is told."""
    queue_id = broken.send(app, mailbox, ["a@example.org", "b@localhost"],
                           message(mailbox))
    assert WARNING in broken.postfix.wait_status(queue_id, "sent")
    mail, notice = (mail.raw for mail in broken.m365.mail()[-2:])
    assert b"a@example.org" in mail and b"b@localhost" not in mail
    assert b"Final-Recipient: rfc822; b@localhost\r\n" in notice
    assert b"Status: 5.1.3\r\n" in notice


def test_route_to_a_transport_that_is_not_there(site, app, mailbox):
    """B20c: the queue file has the mistyped name, so a mended route does not
    help it, but a transport of that name does."""
    route = site.postfix.paths.route
    text = route.read_text()
    assert "FILTER msgraph:" in text
    try:
        route.write_text(text.replace("FILTER msgraph:", "FILTER msgrap:"))
        restart(site)
        queue_id = site.send(app, mailbox, ["a@example.org"],
                             message(mailbox))
        assert "transport unavailable" in site.postfix.wait_deferred(queue_id)
        line = " ".join(
            site.postfix.command("postconf", "-M", "msgraph/unix").split())
        site.postfix.command("postconf", "-M", "msgrap/unix=" +
                             line.replace("msgraph", "msgrap", 1))
        restart(site)
        site.postfix.flush()
        wait_for(lambda: site.m365.requests("sendMail"), "the message")
        site.postfix.wait_log(rf"{queue_id}: removed")
    finally:
        site.postfix.reload()


# --- the agent alone


IDENTITY = "11111111-2222-3333-4444-555555555555@" \
    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


def argv(agent, sender="s@x.test", identity=IDENTITY) -> list[str]:
    words = agent.argv()
    words[words.index(OPTIONS[1])] = f"--identity={identity}"
    words[words.index(OPTIONS[2])] = "--mailbox=unrouted"
    words[words.index(OPTIONS[3])] = f"--sender={sender}"
    return words


MAILBOX = {  # settings, header, sender: mailbox
    "From": ("", FROM_AND_TO, "e@x.test", "s@x.test"),
    "Sender of several": ("", b"From: a@x.test, b@x.test\r\n"
                          b"Sender: B@x.test\r\n", "e@x.test", "b@x.test"),
    "envelope": ("", b"Subject: x\r\n", "e@x.test", "e@x.test"),
    "envelope first": ("mailbox_from = envelope\n", FROM_AND_TO, "e@x.test",
                       "e@x.test"),
    "stamp": ("", b"X-MSGraph-Mailbox: c@x.test\r\n" + FROM_AND_TO, "",
              "s@x.test"),
}


@pytest.mark.parametrize("name", MAILBOX)
def test_mailbox(agent, daemon, name):
    settings, header, sender, mailbox = MAILBOX[name]
    agent.configure(settings)
    done = agent.run(argv(agent, sender), header + b"\r\nbody\r\n")
    assert done.returncode == 0
    assert done.stdout.decode().startswith(WARNING)
    assert len(done.stdout) <= 100
    assert daemon.next().get("mailbox") == [mailbox]


ASKED = [  # who signed in: what is submitted as identity, and as entry
    (IDENTITY, {}, IDENTITY, []),
    (IDENTITY.replace("@", ":") + ".x", {}, IDENTITY, []),
    (IDENTITY + ".erp", {"entry": "erp"}, IDENTITY + ".erp", ["erp"]),
]


@pytest.mark.parametrize("user, entry, identity, submitted", ASKED)
def test_msgraphd_is_asked_as_the_milter_would(agent, daemon, user, entry,
                                               identity, submitted):
    daemon.rule = lambda question: policyd.ok(question, **entry)
    assert agent.run(argv(agent, "E@x.test", user)).returncode == 0
    request = daemon.next()
    assert request.get("identity") == [identity]
    assert request.get("entry") == submitted
    asked = {"request": "policy", "user": user, "sender": "e@x.test"}
    assert daemon.questions == [
        {**asked, "stage": "mail"},
        {**asked, "stage": "end", "mailbox": "s@x.test", "from": "s@x.test"}]


def test_limits_of_the_entry_hold(agent, daemon):
    """from, and recipients whatever header_recipients says. What a client
    wrote under our names counts for nothing."""
    agent.configure("header_recipients = keep\n")
    daemon.rule = lambda question: policyd.ok(
        question, recipients="yes", **{"from": "m@x.test"})
    header = (b"From: S <s@x.test>\r\nTo: b@x.test, a@x.test\r\n"
              b"X-MSGraph-From: keep\r\n")
    words = argv(agent)
    words[-2:-2] = ["--original-recipient=\"O\"@x.test"]
    assert agent.run(words, header + b"\r\nbody\r\n").returncode == 0
    request = daemon.next()
    assert request.get("mailbox") == ["m@x.test"]
    assert request.message.startswith(
        b"From: S <m@x.test>\r\nReply-To: s@x.test\r\nTo: a@x.test\r\n\r\n")
    assert [question.get("recipient") for question in daemon.questions] == [
        None, "o@x.test", None]
    assert daemon.questions[2]["mailbox"] == "m@x.test"
    assert "from" not in daemon.questions[2]


def test_orders_of_a_client_count_for_nothing(agent, daemon):
    agent.configure("header_recipients = keep\n")
    header = (b"From: s@x.test\r\nTo: b@x.test, a@x.test\r\n"
              b"X-MSGraph-From: replace\r\nX-MSGraph-Recipients: trim\r\n")
    assert agent.run(argv(agent, "m@x.test"),
                     header + b"\r\nbody\r\n").returncode == 0
    assert daemon.next().message.startswith(
        b"From: s@x.test\r\nTo: b@x.test, a@x.test\r\n\r\n")


@pytest.mark.parametrize("stage, dsn", [
    ("mail", "5.7.1"), ("recipient", "5.7.1"), ("end", "5.7.1"),
    ("mail", "5.7.13"), ("mail", "4.7.1"), ("mail", "4.3.5")])
def test_refusal_of_the_table_waits(agent, daemon, stage, dsn):
    """The table may be mended while the message is here."""
    def rule(question):
        if question["stage"] == stage:
            return policyd.refused(dsn, "not you")
        return policyd.ok(question, recipients="yes")

    daemon.rule = rule
    agent.fails(75, f"4{dsn[1:]} not you", argv(agent))
    assert daemon.idle()


@pytest.mark.parametrize("change", [
    {"from": "m@x.test"}, {"recipients": "yes"}, {"entry": "crm"}])
def test_table_that_changes_between_two_questions(agent, daemon, change):
    """What was decided by the old one does not hold."""
    def rule(question):
        more = change if question["stage"] == "end" else {}
        return policyd.ok(question, **{"entry": "erp", **more})

    daemon.rule = rule
    agent.fails(75, "4.3.0 the table of identities was changed ", argv(agent))
    assert daemon.idle()


def test_waits_without_msgraphd(agent):
    agent.fails(75, "4.3.0 ask msgraphd: connect to ", argv(agent))


REFUSED = {  # header, sender, status, line
    "nobody": (b"Subject: x\r\n", "", 77, "5.7.1 cannot tell which mailbox"),
    "unfit": (b"From: root@localhost\r\n", "", 67,
              "5.1.7 cannot tell which mailbox"),
    "stray CR": (b"From: s@x.test\r\nX: a\rFrom: ceo@x.test\r\n", "", 65,
                 "5.6.0 the header field X holds a CR or LF"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_the_milter_would(agent, daemon, name):
    header, sender, status, line = REFUSED[name]
    agent.fails(status, line, argv(agent, sender), header + b"\r\nbody\r\n")
    assert daemon.idle()


@pytest.mark.parametrize("identity, settings", [
    ("", ""), ("bob", ""),
    (IDENTITY.replace("@", ":"), "username_delimiter = |\n")])
def test_waits_where_no_application_signed_in(agent, daemon, identity,
                                              settings):
    """Also what the milter refuses: settings may be wrong."""
    agent.configure(settings)
    agent.fails(75, '4.3.5 mailbox "unrouted" is not an address: ',
                argv(agent, identity=identity))
    assert daemon.idle()
