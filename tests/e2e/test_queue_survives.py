"""What lies in the queue is sent in the end, whatever goes away meanwhile."""

from __future__ import annotations

import os
import secrets
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.message import message
from harness.site import App
from harness.wait import wait_for

RECIPIENTS = ["a@example.org"]


@pytest.fixture
def send(site, app, mailbox):
    """Sends the usual message; returns its queue id."""
    def function() -> str:
        return site.send(app, mailbox, RECIPIENTS, message(mailbox))
    return function


@pytest.fixture
def queued(site, send):
    """The queue id of a message that is deferred, since Graph is down for
    the moment: the test brings it back."""
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": -1})
    queue_id = send()
    site.postfix.wait_deferred(queue_id)
    site.m365.clear_rules()
    return queue_id


def flush_and_wait(site, queue_id: str) -> None:
    """Tries again, and again where a refusal was remembered for a moment."""
    mark = site.postfix.mark()

    def sent() -> bool:
        if site.postfix.is_gone(queue_id):
            return True
        site.postfix.flush()
        return False

    wait_for(sent, lambda: f"{queue_id} to leave:\n"
             + site.postfix.log_end(mark))
    site.postfix.wait_status(queue_id, "sent", since=mark)


# --- the other end

def test_graph_down(site, send):
    """The first message lets the client sign in, so that msgraphd remembers
    the secret; the second meets no Graph."""
    site.postfix.wait_status(send(), "sent")
    site.m365.down()
    queue_id = send()
    assert site.postfix.wait_deferred(queue_id)
    assert len(site.m365.mail()) == 1
    site.m365.up()
    flush_and_wait(site, queue_id)
    assert len(site.m365.mail()) == 2
    site.postfix.wait_empty_queue()


# Graph's answer, and what Postfix makes of it. Each outcome has its row in
# the tests of msgraphd; here are those that pipe(8) tells apart.
ANSWERS = [
    ({"status": 503}, "deferred", "4.3.2"),
    ({"status": 500}, "deferred", "4.3.2"),
    ({"status": 200}, "deferred", "4.3"),
    ({"status": 204}, "deferred", "4.3"),
    ({"status": 302, "headers": {"Location": "https://localhost/"}},
     "deferred", "4.3"),
    ({"status": 418, "body": "?"}, "deferred", "4.3.0"),
    ({"status": 429, "headers": {"Retry-After": "300"}}, "deferred",
     "4.4.5"),
    ({"status": 403, "body": {"error": {"code": "ErrorAccessDenied",
                                        "message": "Denied."}}},
     "deferred", "4.7.1"),
    ({"status": 404, "body": {"error": {"code": "ErrorInvalidUser",
                                        "message": "No."}}},
     "deferred", "4.1.0"),
    ({"status": 413, "body": "<html>too large</html>"}, "bounced", "5.3.4"),
    ({"status": 400, "body": {"error": {"code": "ErrorInvalidRecipients",
                                        "message": "No."}}},
     "bounced", "5.1.3"),
    ({"action": "close"}, "deferred", "4.4.1"),
    ({"action": "garbage"}, "deferred", "4."),
]


@pytest.mark.parametrize(
    "rule, status, dsn", ANSWERS,
    ids=[f"{rule.get('status', rule.get('action'))}-{dsn}"
         for rule, _, dsn in ANSWERS])
def test_answers(site, send, rule, status, dsn):
    site.m365.rules({"endpoint": "sendMail", "times": -1, **rule})
    line = site.postfix.wait_status(send(), status)
    assert f"dsn={dsn}" in line
    assert site.m365.mail() == []


def test_bounce_says_why(site, send):
    site.m365.rules({"endpoint": "sendMail", "status": 413, "times": -1})
    queue_id = send()
    line = site.postfix.wait_status(queue_id, "bounced")
    assert "request-id" in line or "413" in line
    site.postfix.wait_log(rf"{queue_id}: sender non-delivery notification")


# --- token and secret

def test_token_expired_while_queued(site, queued):
    """Refused once with 401, renewed from the sealed secret, and sent in the
    same delivery."""
    site.m365.expire_tokens()
    flush_and_wait(site, queued)
    statuses = [r.status for r in site.m365.requests("sendMail")]
    assert statuses[-2:] == [401, 202]
    assert len(site.m365.requests("token")) == 2


def test_secret_rotated_while_queued(site, app, queued, mailbox):
    """The old secret is gone; the client signs in with the new one, and what
    waits goes with it."""
    fresh = App(app.tenant, app.client, secrets.token_urlsafe(30))
    site.m365.app(app.tenant, app.client, fresh.secret)
    site.m365.expire_tokens()
    mark = site.postfix.mark()
    site.postfix.flush()
    line = site.postfix.wait_status(queued, "deferred", since=mark)
    assert "dsn=4.7.8" in line
    queue_id = site.send(fresh, mailbox, RECIPIENTS, message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    flush_and_wait(site, queued)
    assert len(site.m365.mail()) == 2


# --- our programs

def test_msgraphd_restarted_while_queued(site, queued):
    site.daemon.restart()
    flush_and_wait(site, queued)
    assert len(site.m365.mail()) == 1


def test_msgraphd_restarted_and_token_expired(site, queued):
    """After a reboot, nobody signs in and the token is no good."""
    site.m365.expire_tokens()
    site.daemon.kill()
    site.daemon.start()
    flush_and_wait(site, queued)
    assert len(site.m365.mail()) == 1


def test_everything_restarted_while_queued(site, queued):
    """As after a power cut: sockets lie about, nothing else."""
    site.postfix.stop()
    site.milter.kill()
    site.daemon.kill()
    site.milter.start()
    site.postfix.start()
    site.postfix.flush()
    site.postfix.wait_log(rf"{queued}: .*dsn=4\.3\.0, status=deferred.*")
    site.daemon.start()
    flush_and_wait(site, queued)
    assert len(site.m365.mail()) == 1


def test_msgraphd_down_at_delivery(site, app, mailbox):
    with site.postfix.queueing():
        queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
        site.postfix.wait_deferred(queue_id)
        site.daemon.stop()
    line = site.postfix.wait_status(queue_id, "deferred")
    assert "dsn=4.3.0" in line
    assert str(site.submit_socket) in line
    site.daemon.start()
    flush_and_wait(site, queue_id)


def test_msgraphd_killed_while_posting(site, send):
    site.m365.rules({"endpoint": "sendMail", "action": "stall"})
    queue_id = send()
    site.m365.wait_stalled()
    site.daemon.kill()
    site.postfix.wait_deferred(queue_id)
    site.daemon.start()
    flush_and_wait(site, queue_id)
    assert len(site.m365.mail()) == 1


def test_msgraphd_finishes_before_it_stops(site, send):
    site.m365.rules({"endpoint": "sendMail", "action": "stall",
                     "accept": True})
    queue_id = send()
    site.m365.wait_stalled()
    popen = site.daemon.popen
    popen.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in site.daemon.log().splitlines()[-1],
             "msgraphd to say that it stops")
    assert popen.poll() is None
    site.m365.release()
    site.postfix.wait_status(queue_id, "sent")
    assert popen.wait(timeout=10) == 0
    assert len(site.m365.mail()) == 1


def test_agent_killed(site, send):
    site.m365.rules({"endpoint": "sendMail", "action": "stall"})
    queue_id = send()
    site.m365.wait_stalled()
    (agent,) = site.postfix.agents()
    os.kill(agent, signal.SIGKILL)
    site.postfix.wait_deferred(queue_id)
    site.m365.release()
    flush_and_wait(site, queue_id)
    assert len(site.m365.mail()) == 1


def test_milter_restarted_between_messages(site, app, mailbox):
    with site.connect() as client:
        client.login(app.user, app.secret)
        ids = [client.send(mailbox, RECIPIENTS, message(mailbox))]
    site.milter.restart()
    with site.connect() as client:
        client.login(app.user, app.secret)
        ids.append(client.send(mailbox, RECIPIENTS, message(mailbox)))
    for queue_id in ids:
        site.postfix.wait_status(queue_id, "sent")


def test_postfix_restarted_while_queued(site, queued):
    site.postfix.stop()
    site.postfix.start()
    flush_and_wait(site, queued)
    assert len(site.m365.mail()) == 1


# --- sockets that systemd holds

@pytest.fixture
def held(site):
    """msgraphd on sockets that outlive it, as the units have it."""
    site.daemon.stop()
    sockets = site.activate()
    yield sockets
    site.daemon.stop()
    for sock in sockets.values():
        path = sock.getsockname()
        sock.close()
        os.unlink(path)  # RemoveOnStop; it is root's, so msgraphd may not


def test_restart_with_held_sockets_refuses_nobody(site, app, mailbox, held):
    """Sign-in and delivery wait until the next msgraphd takes them."""
    queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
    site.postfix.wait_status(queue_id, "sent")
    site.daemon.stop()

    def send() -> str:
        return site.send(app, mailbox, RECIPIENTS, message(mailbox))

    mark = site.postfix.mark()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(send)
        site.postfix.wait_log(r"connect from", since=mark)
        site.start_with(held)
        queue_id = future.result(timeout=30)
    line = site.postfix.wait_status(queue_id, "sent")
    assert "status=sent" in line
    assert site.auth_socket.exists() and site.submit_socket.exists()


def test_delivery_waits_for_held_socket(site, app, mailbox, held):
    with site.postfix.queueing():
        queue_id = site.send(app, mailbox, RECIPIENTS, message(mailbox))
        site.postfix.wait_deferred(queue_id)
        mark = site.postfix.mark()
        site.daemon.stop()
    wait_for(site.postfix.agents, "msgraph-agent to run")
    assert site.postfix.queued(queue_id)["queue_name"] == "active"
    site.start_with(held)
    site.postfix.wait_status(queue_id, "sent")
    assert "status=deferred" not in "".join(
        line for line in site.postfix.log_text(mark).splitlines()
        if queue_id in line)
