"""Mail of a mailbox that does not exist goes from the entry's fallback_mailbox:
what it looks like, and that it goes once, whoever is killed in between."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from harness.held import Delivery, numbers, patient_site
from harness.message import field, message
from harness.site import App, Site
from harness.wait import wait_for

BOTH = ["Mail.Send", "Mail.ReadWrite"]
A, X = "a@example.org", "x@refused.test"


@pytest.fixture(scope="module")
def own_site():
    with patient_site() as site:
        yield site
        site.end_soundly()


@pytest.fixture
def site(own_site: Site) -> Iterator[Site]:
    own_site.m365.reset()
    if not own_site.daemon.is_running():
        own_site.daemon.start()
    yield own_site
    own_site.m365.release()
    own_site.m365.clear_rules()
    own_site.postfix.delete_all()
    own_site.configure(access_denied_grace="1d", verify_unknown="no")
    own_site.identify("")


@pytest.fixture
def app(site: Site) -> App:
    return site.new_app(permissions=BOTH)


@pytest.fixture
def relay(site: Site, app: App) -> str:
    """The one mailbox there is, to which the application's entry falls back."""
    mailbox = f"relay{next(numbers)}@example.com"
    site.m365.mailboxes(mailbox)
    enter(site, app, f"fallback_mailbox={mailbox}")
    return mailbox


def enter(site: Site, app: App, more: str) -> None:
    site.identify(f"e application={app.identity} {more}\n")


def send(site: Site, app: App, header: str, to: str = A, **fields) -> str:
    return site.send(app, "e@example.net", to.split(", "),
                     message(header, to, **fields))


def mailboxes(site: Site) -> list[str]:
    """From which the mail went."""
    return [mail.mailbox for mail in site.m365.mail()]


# --- what it looks like


@pytest.mark.parametrize("header, name, replies", [
    ("Scanner 7 <none@example.com>", b"Scanner 7", [b"none@example.com"]),
    ("none@example.com", b"", [b"none@example.com"]),
    ("root@localhost", b"", []),
])
def test_message(site, app, relay, header, name, replies):
    """An address that no mailbox can have is the envelope sender's at first."""
    queue_id = send(site, app, header)
    line = site.postfix.wait_status(queue_id, "sent")
    (mail,) = site.m365.mail()
    assert (mail.mailbox, mail.client, mail.recipients) == (
        relay, app.client, [A])
    (line_from,) = field(mail.raw, "From")
    assert relay.encode() in line_from and name in line_from
    assert field(mail.raw, "Reply-To") == replies
    assert re.search(rf"request-id=[0-9a-f-]+, as fallback <{relay}", line)


def test_log(site, app, relay):
    queue_id = send(site, app, "none@example.com")
    site.postfix.wait_status(queue_id, "sent")
    log = site.daemon.log()
    assert (f"{queue_id}: Graph knows no mailbox <none@example.com> (HTTP 404 "
            "ErrorInvalidUser); the agent comes again for the fallback mailbox "
            f"<{relay}>\n") in log
    (line,) = re.findall(rf"{queue_id}: mailbox=.*", log)
    assert line.startswith(
        f"{queue_id}: mailbox=<{relay}>, instead-of=<none@example.com>, "
        f"application={app.identity}, nrcpt=1, ")
    assert line.endswith("status=sent (Graph accepted, request-id=" + re.search(
        "request-id=([^,]+)", line)[1] + f", as fallback <{relay}>, no "
        "mailbox <none@example.com>)")


def test_entry_with_from(site, app, relay):
    """The mailbox of from does not exist: the client's address gets answers."""
    enter(site, app, f"from=none@example.com fallback_mailbox={relay}")
    queue_id = send(site, app, "Ann <ann@example.net>")
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = site.m365.mail()
    assert mail.mailbox == relay
    assert field(mail.raw, "From") == [f"Ann <{relay}>".encode()]
    assert field(mail.raw, "Reply-To") == [b"ann@example.net"]


def test_mailbox_that_exists(site, app, relay):
    site.m365.mailboxes(relay, "scan@example.com")
    queue_id = send(site, app, "scan@example.com")
    site.postfix.wait_status(queue_id, "sent")
    assert mailboxes(site) == ["scan@example.com"]


@pytest.mark.parametrize("status, code", [
    (404, "MailboxNotEnabledForRESTAPI"), (404, "Request_ResourceNotFound"),
    (404, "ErrorItemNotFound"), (403, "ErrorAccessDenied"),
    (403, "ErrorSendAsDenied"), (503, "ErrorInvalidUser")])
def test_no_other_answer(site, app, relay, status, code):
    site.m365.mailboxes()
    site.m365.rules({"endpoint": "sendMail", "status": status, "times": 1,
                     "body": {"error": {"code": code, "message": "no"}}})
    queue_id = send(site, app, "none@example.com")
    site.postfix.wait_deferred(queue_id)
    assert mailboxes(site) == []
    assert len(site.m365.requests("sendMail")) == 1


def test_neither_exists(site, app, relay):
    site.m365.mailboxes("nobody@example.com")
    queue_id = send(site, app, "none@example.com")
    both = (f"from the fallback mailbox <{relay}>, since there is no "
            "<none@example.com>: there is no such mailbox; From must name an "
            "existing one: HTTP 404 ErrorInvalidUser")
    assert site.postfix.wait_deferred(queue_id).startswith(both)
    assert f"dsn=4.1.0, status=deferred ({both}" in site.daemon.log()
    site.configure(access_denied_grace="0")
    site.postfix.flush()
    line = site.postfix.wait_status(queue_id, "bounced")
    assert "dsn=5.1.0" in line and both in line


def large(sender: str) -> bytes:
    """With a file that goes into a draft."""
    head = message(sender, A).split(b"\r\n\r\n")[0]
    return head + (
        b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b"
        b"\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/pdf; "
        b"name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + (b"QUFBQUFB" * 9 + b"\r\n") * 80_000 + b"--b--\r\n")


def test_large_message(site, app, relay):
    """Its draft is made in the mailbox that sends."""
    queue_id = site.send(app, "none@example.com", [A],
                         large("none@example.com"))
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = site.m365.mail()
    assert mail.mailbox == relay
    assert mail.sender == [relay]
    assert site.m365.drafts() == []


def test_refused_recipients(site, app, relay):
    """Who sent the message hears whom it did not reach."""
    site.m365.rules(*[{
        "endpoint": "sendMail", "match": {"mailbox": relay}, "times": 2,
        "status": 400, "body": {"error": {
            "code": "ErrorInvalidRecipients", "message": f"'{X}'"}}}])
    queue_id = send(site, app, "none@example.com", f"{A}, {X}")
    assert "the sender was told" in site.postfix.wait_status(queue_id, "sent")
    first, notice = site.m365.mail()
    assert (first.mailbox, first.recipients) == (relay, [A])
    assert (notice.mailbox, notice.recipients) == (relay, [relay])


def test_bounces_of_the_fallback(site, app, relay):
    """A notice to the mailbox that sends has a way; and one to a mailbox that
    is none is not tried from there."""
    queue_id = send(site, app, "none@example.com")
    site.postfix.wait_status(queue_id, "sent")
    for sender, way in [(relay, "msgraph"), ("none@example.com", "none")]:
        site.m365.rules({"endpoint": "sendMail", "match": {"mailbox": relay},
                         "status": 413})
        mark = site.postfix.mark()
        queue_id = site.send(app, sender, [A], message("none@example.com", A))
        site.postfix.wait_status(queue_id, "bounced")
        found = site.postfix.wait_log(
            rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
        site.postfix.wait_log(rf"{found[1]}: to=<{sender}>, relay={way}")


# --- killed in between


class Fallback(Delivery):
    """Held where Graph is asked about the own mailbox ("own"), or has taken the
    message from the fallback mailbox and not said so ("fallback")."""

    def __init__(self, site: Site, app: App, relay: str) -> None:
        super().__init__(site)
        self.app, self.relay = app, relay

    def hold(self, where: str, step: str = "sendMail") -> Fallback:
        """step is that of a large message, unless it is sendMail."""
        mailbox = self.mailbox if where == "own" else self.relay
        self.site.m365.rules({
            "endpoint": step, "match": {"mailbox": mailbox},
            "action": "stall",
            "accept": where == "fallback" and step.startswith("send")})
        with self.sign_in() as client:
            if step == "sendMail":
                self.send(client)
            else:
                self.queue_id = client.send(self.mailbox, [A],
                                            large(self.mailbox))
        self.site.m365.wait_stalled(1)
        return self

    def kill_all(self, whom: str) -> None:
        """Nobody lives on who might end the delivery."""
        pipe, agent = self.pipe(), self.agent()
        for who in whom.split(" and "):
            if who == "msgraphd":
                self.site.daemon.kill()
            else:
                self.kill({"pipe": pipe, "agent": agent}[who])
        self.wait_deferred()
        self.release()
        if not self.site.daemon.is_running():
            self.site.daemon.start()

    def stop_agent(self) -> int:
        """Until when it has not read the answer that is let go now."""
        agent = self.agent()
        os.kill(agent, signal.SIGSTOP)
        self.release()
        return agent

    def appear(self) -> None:
        """Somebody makes the mailbox meanwhile."""
        self.site.m365.mailboxes(self.mailbox, self.relay)

    def went(self) -> list[str]:
        """Its mail: "own", "fallback"."""
        names = {self.mailbox: "own", self.relay: "fallback"}
        return [names[mailbox] for mailbox in mailboxes(self.site)]


@pytest.fixture
def delivery(site, app, relay) -> Fallback:
    return Fallback(site, app, relay)


# where it is held, who is killed, from where it goes: if the mailbox exists by
# then; whether nobody can know and the log says so
KILLED = [
    ("own", "agent", ["fallback"], ["own"], False),
    ("own", "msgraphd", ["fallback"], ["own"], True),
    ("own", "agent and msgraphd", ["fallback"], ["own"], True),
    ("fallback", "agent", ["fallback"], ["fallback"], False),
    ("fallback", "pipe", ["fallback"], ["fallback"], False),
    # what became of the first is not known, so it goes from there again
    ("fallback", "msgraphd", ["fallback"] * 2, ["fallback"] * 2, True),
    ("fallback", "pipe and agent and msgraphd", ["fallback"] * 2,
     ["fallback"] * 2, True),
]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("where, whom, went, went_if_exists, named", KILLED)
def test_killed(delivery, where, whom, went, went_if_exists, named, exists):
    delivery.hold(where)
    delivery.kill_all(whom)
    if "msgraphd" not in whom:  # it goes on to the end
        delivery.wait_log("status=sent" if where == "fallback" else
                          "the agent comes again")
    if exists:
        delivery.appear()
    delivery.try_again("sent")
    delivery.gone()
    assert delivery.went() == (went_if_exists if exists else went)
    assert delivery.named() == named


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("whom", ["agent", "msgraphd"])
def test_killed_between_the_two(delivery, whom, exists):
    """The own mailbox is known not to exist, and the agent has not come again."""
    agent = delivery.hold("own").stop_agent()
    delivery.wait_log("the agent comes again for the fallback mailbox")
    if whom == "agent":
        delivery.kill(agent)
    else:
        delivery.site.daemon.kill()
        os.kill(agent, signal.SIGCONT)
    delivery.wait_deferred()
    if whom == "msgraphd":
        delivery.site.daemon.start()
    if exists:
        delivery.appear()
    delivery.try_again("sent")
    assert delivery.went() == ["own" if exists else "fallback"]
    assert not delivery.named()


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("whom", ["agent", "agent and msgraphd"])
def test_killed_after(delivery, whom, exists):
    """Graph has said that it took it, and Postfix does not know."""
    agent = delivery.hold("fallback").stop_agent()
    delivery.wait_log("status=sent")
    if "msgraphd" in whom:
        delivery.site.daemon.kill()
    delivery.kill(agent)
    delivery.wait_deferred()
    if "msgraphd" in whom:
        delivery.site.daemon.start()
    if exists:
        delivery.appear()
    delivery.sent_again_as_before()
    assert (delivery.went(), delivery.named()) == (["fallback"], False)


@pytest.mark.parametrize("entry", ["fallback_mailbox=other@example.com", ""])
def test_other_fallback_meanwhile(delivery, app, entry):
    """Whatever the table says by then."""
    delivery.hold("fallback").stop_agent()
    delivery.wait_log("status=sent")
    delivery.kill(delivery.agent())
    delivery.wait_deferred()
    enter(delivery.site, app, entry)
    delivery.sent_again_as_before()
    assert delivery.went() == ["fallback"]


@pytest.mark.parametrize("exists", [False, True])
def test_it_is_found_where_it_was_sent(delivery, exists):
    """With verify_unknown nothing is posted twice."""
    delivery.site.configure(verify_unknown="yes")
    delivery.hold("fallback")
    delivery.kill_all("msgraphd")
    if exists:
        delivery.appear()
    line = delivery.try_again("sent")
    assert "accepted before, found in Sent Items" in line
    assert delivery.went() == ["fallback"]


@pytest.mark.parametrize("entry", ["fallback_mailbox=other@example.com", ""])
@pytest.mark.parametrize("step", ["sendMail", "send"])
def test_it_is_found_in_the_former_fallback(delivery, app, step, entry):
    """Somebody changes the table while nobody knows whether it was sent."""
    site = delivery.site
    site.configure(verify_unknown="yes" if step == "sendMail" else "no")
    site.m365.mailboxes(delivery.relay, "other@example.com")
    delivery.hold("fallback", step)
    enter(site, app, entry)
    delivery.kill_all("msgraphd")
    line = delivery.try_again("sent")
    assert "accepted before, " in line
    assert delivery.went() == ["fallback"]


def test_nothing_to_search(delivery):
    """msgraphd was killed while it asked about a mailbox that never was."""
    delivery.site.configure(verify_unknown="yes")
    delivery.hold("own")
    delivery.kill_all("msgraphd")
    delivery.try_again("sent")
    assert (delivery.went(), delivery.named()) == (["fallback"], True)


# the step that is held, and from where it goes if the mailbox exists by then
LARGE = [("own", "messages", "own"), ("fallback", "messages", "own"),
         ("fallback", "createUploadSession", "own"),
         ("fallback", "upload", "own"), ("fallback", "send", "fallback")]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("where, step, went_if_exists", LARGE)
def test_large_message_killed(delivery, where, step, went_if_exists, exists):
    """One that was sent is found in the mailbox that sent it."""
    delivery.hold(where, step)
    delivery.kill_all("msgraphd")
    if exists:
        delivery.appear()
    line = delivery.try_again("sent")
    assert ("accepted before, found in " in line) == (step == "send")
    assert delivery.went() == [went_if_exists if exists else "fallback"]
