"""Every step of a delivery, killed at every step: the message goes once; or,
where nobody can know, again and by name (outcome=unknown).

Between the steps the emulator holds the delivery: while Entra is asked for a
token nothing has been posted, and while sendMail stalls Graph has taken the
message and not said so.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.held import (RECIPIENT, Delivery, numbers, patient_site, qmgr,
                          name, stat, state)
from harness.message import message
from harness.postfix import children
from harness.site import Site
from harness.wait import wait_for


@pytest.fixture(scope="module")
def own_site():
    with patient_site() as site:
        yield site


@pytest.fixture
def delivery(own_site: Site) -> Iterator[Delivery]:
    own_site.m365.reset()
    if not own_site.daemon.is_running():
        own_site.daemon.start()
    yield Delivery(own_site)
    own_site.m365.release()
    own_site.postfix.delete_all()


def test_equal_messages_are_two(delivery):
    """A device that has no clock says the same each time."""
    for _ in range(2):
        with delivery.sign_in() as client:
            delivery.queue_id = client.send(
                delivery.mailbox, [RECIPIENT],
                message(delivery.mailbox, RECIPIENT, b"ALARM\r\n",
                        message_id="<alarm@example.com>",
                        date="Sat, 1 Jan 2000 00:00:00 +0000"))
        line = delivery.site.postfix.wait_status(delivery.queue_id, "sent")
        assert "Graph accepted" in line
    one, two = (mail.raw for mail in delivery.site.m365.mail()
                if mail.mailbox == delivery.mailbox)
    assert one == two
    assert not delivery.named()


# --- nothing is posted yet

def test_agent_killed_before(delivery):
    delivery.hold_before()
    delivery.kill(delivery.agent())
    delivery.wait_deferred()
    delivery.wait_log("the agent went away before the message was posted")
    delivery.release()
    delivery.try_again("sent")
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_pipe_killed_before(delivery):
    """Its agent lives on and will post the message; the second must not."""
    delivery.hold_before()
    delivery.kill(delivery.pipe())
    delivery.wait_deferred()
    line = delivery.try_again("deferred")
    assert "an earlier attempt to send this message is still under way" in line
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_qmgr_killed_before(delivery):
    delivery.hold_before()
    delivery.kill(qmgr(delivery.site))
    delivery.release()
    delivery.gone()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_daemon_killed_before(delivery):
    delivery.hold_before()
    delivery.site.daemon.kill()
    assert "msgraphd went away" in delivery.site.postfix.wait_deferred(
        delivery.queue_id)
    delivery.release()
    delivery.site.daemon.start()
    delivery.try_again("sent")
    assert (delivery.mails(), delivery.named()) == (1, False)


# --- Graph has it, and has not said so

def test_agent_killed_while_posted(delivery):
    delivery.hold_after()
    delivery.kill(delivery.agent())
    delivery.wait_deferred()
    line = delivery.try_again("deferred")
    assert "still under way" in line
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_pipe_killed_while_posted(delivery):
    delivery.hold_after()
    delivery.kill(delivery.pipe())
    delivery.wait_deferred()
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_qmgr_killed_while_posted(delivery):
    """The next qmgr starts while the delivery goes on."""
    delivery.hold_after()
    delivery.kill(qmgr(delivery.site))
    delivery.site.postfix.flush()
    wait_for(lambda: qmgr(delivery.site), "another qmgr")
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.gone()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_postfix_aborted_while_posted(delivery):
    delivery.hold_after()
    postfix = delivery.site.postfix
    master = Path(f"/proc/{postfix.master_pid()}")
    postfix.command("postfix", "abort")
    wait_for(lambda: not master.exists(), "Postfix to end")
    delivery.release()
    delivery.wait_log("status=sent")
    postfix.start()
    line = postfix.wait_status(delivery.queue_id, "sent")
    assert "accepted before" in line
    delivery.gone()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_daemon_killed_while_posted(delivery):
    """Graph's answer reaches nobody: the one case that nobody can know."""
    delivery.hold_after()
    delivery.site.daemon.kill()
    delivery.wait_deferred()
    delivery.release()
    delivery.site.daemon.start()
    delivery.try_again("sent")
    assert (delivery.mails(), delivery.named()) == (2, True)


def test_daemon_stopped_while_posted(delivery):
    """SIGTERM waits for the answer."""
    delivery.hold_after()
    delivery.site.daemon.popen.send_signal(signal.SIGTERM)
    wait_for(lambda: "finishing requests that are" in
             delivery.site.daemon.log(), "the stop")
    delivery.release()
    line = delivery.site.postfix.wait_status(delivery.queue_id, "sent")
    assert "Graph accepted" in line
    assert delivery.site.daemon.stop() == 0
    assert (delivery.mails(), delivery.named()) == (1, False)


# --- Graph has said so, and Postfix does not know

def test_agent_killed_after(delivery):
    delivery.hold_after()
    agent = delivery.agent()
    os.kill(agent, signal.SIGSTOP)
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.kill(agent)
    delivery.wait_deferred()
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_pipe_killed_after(delivery):
    delivery.hold_after()
    pipe, agent = delivery.pipe(), delivery.agent()
    os.kill(pipe, signal.SIGSTOP)
    delivery.release()
    wait_for(lambda: state(agent) == "Z", "the agent to end")
    delivery.kill(pipe)
    delivery.wait_deferred()
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


def test_both_killed_after(delivery):
    """All that knows is the journal."""
    delivery.hold_after()
    pipe, agent = delivery.pipe(), delivery.agent()
    os.kill(agent, signal.SIGSTOP)
    delivery.release()
    delivery.wait_log("status=sent")
    delivery.site.daemon.kill()
    delivery.kill(pipe)
    delivery.kill(agent)
    delivery.wait_deferred()
    delivery.site.daemon.start()
    delivery.sent_again_as_before()
    assert (delivery.mails(), delivery.named()) == (1, False)


# --- cut off on the way to the agent

LONG = b"".join(b"line %07d\r\n" % n for n in range(200_000))


def test_pipe_killed_while_it_writes(delivery):
    """What the agent has read so far looks like a message, and is none."""
    agent = stop_while_it_reads(delivery)
    delivery.kill(parent(agent))
    os.kill(agent, signal.SIGCONT)
    delivery.wait_deferred()
    wait_for(lambda: not Path(f"/proc/{agent}").exists(), "the agent to end")
    assert not delivery.mails()
    delivery.try_again("sent")
    assert [len(mail.raw) > len(LONG) for mail in delivery.site.m365.mail()
            if mail.mailbox == delivery.mailbox] == [True]
    assert not delivery.named()


def stop_while_it_reads(delivery: Delivery) -> int:
    """Sends long messages until an agent could be stopped before it had read
    all of one; returns its pid. The delivery is then about that message."""
    for _ in range(50):
        with ThreadPoolExecutor() as pool, delivery.sign_in() as client:
            stopped = pool.submit(stop_next_agent, delivery.site)
            delivery.send(client, LONG)
            agent = stopped.result()
        if bytes_read(agent) < len(LONG):
            return agent
        os.kill(agent, signal.SIGCONT)
        delivery.site.postfix.wait_status(delivery.queue_id, "sent")
        delivery.mailbox = f"once{next(numbers)}@example.com"
    raise AssertionError("no agent could be stopped in time")


def stop_next_agent(site: Site) -> int:
    def find() -> int:
        for pid in children(site.postfix.master_pid()):
            if name(pid) == "msgraph-agent":
                os.kill(pid, signal.SIGSTOP)
                return pid
        return 0
    return wait_for(find, "an agent")


def bytes_read(pid: int) -> int:
    """Of a process that is stopped, or about to be."""
    wait_for(lambda: state(pid) == "T", f"{pid} to stop")
    found = re.search(r"^rchar: (\d+)$", Path(f"/proc/{pid}/io").read_text(),
                      re.M)
    return int(found[1])


def parent(pid: int) -> int:
    return int(stat(pid)[1])
