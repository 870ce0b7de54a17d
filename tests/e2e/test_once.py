"""Every step of a delivery, killed at every step: the message goes once; or,
where nobody can know, again and by name (outcome=unknown).

Between the steps the emulator holds the delivery: while Entra is asked for a
token nothing has been posted, and while sendMail stalls Graph has taken the
message and not said so.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.message import message
from harness.postfix import children
from harness.site import App, Site
from harness.smtp import Smtp
from harness.wait import wait_for

RECIPIENT = "rcpt@example.org"
numbers = itertools.count(1)

# Postfix rests after each of our kills; a test has no time for a minute. And a
# host may drop Received fields, by which two equal messages would differ.
NO_RECEIVED = "regexp:{ {/^Received:/ IGNORE} }"
SETTINGS = {"transport_retry_time": "1s", "service_throttle_time": "1s",
            "minimal_backoff_time": "1h", "queue_run_delay": "1h"}


@pytest.fixture(scope="module")
def own_site():
    site = Site()
    site.postfix.settings.update(SETTINGS)
    site.postfix.options.header_checks = NO_RECEIVED
    site.postfix.write()
    with site:
        yield site


class Delivery:
    """One message on its way, held by the emulator."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.app: App = site.new_app()
        self.mailbox = f"once{next(numbers)}@example.com"
        self.queue_id = ""

    def hold_before(self) -> Delivery:
        """Nothing is posted: msgraphd waits for a token."""
        with self.sign_in() as client:
            self.forget_tokens()
            self.site.m365.rules({"endpoint": "token", "action": "stall"})
            self.send(client)
        self.site.m365.wait_stalled(1)
        return self

    def hold_after(self) -> Delivery:
        """Graph has taken the message; its 202 waits."""
        self.site.m365.rules({"endpoint": "sendMail", "action": "stall",
                              "accept": True})
        with self.sign_in() as client:
            self.send(client)
        self.site.m365.wait_stalled(1)
        return self

    def sign_in(self) -> Smtp:
        return self.site.connect().login(self.app.user, self.app.secret)

    def forget_tokens(self) -> None:
        """As if they had run out while msgraphd was not there."""
        self.site.daemon.stop()
        with sqlite3.connect(self.site.state / "state.db") as state:
            state.execute("UPDATE credential SET token = NULL")
        state.close()
        self.site.daemon.start()

    def send(self, client: Smtp, body: bytes = b"Hello.\r\n") -> None:
        self.queue_id = client.send(
            self.mailbox, [RECIPIENT],
            message(self.mailbox, RECIPIENT, body))

    # --- what is seen of it

    def log(self) -> str:
        return "\n".join(line for line in self.site.daemon.log().splitlines()
                         if f" {self.queue_id}: " in line)

    def wait_log(self, text: str) -> None:
        wait_for(lambda: text in self.log(),
                 lambda: f"{text!r} in:\n{self.log()}")

    def named(self) -> bool:
        return "outcome=unknown" in self.log()

    def mails(self) -> int:
        return sum(mail.mailbox == self.mailbox
                   for mail in self.site.m365.mail())

    # --- what goes on

    def release(self) -> None:
        self.site.m365.release()

    def wait_deferred(self) -> None:
        """After a kill Postfix does not always say why."""
        def is_deferred() -> bool:
            entry = self.site.postfix.queued(self.queue_id)
            return entry is not None and entry["queue_name"] == "deferred"
        wait_for(is_deferred, lambda: f"{self.queue_id} to be deferred:\n"
                 f"{self.site.postfix.log_text()}")

    def try_again(self, status: str) -> str:
        """Postfix's line about the next attempt with this status. master
        rests a second after a kill, so the first flush may be in vain, and a
        later one may bring an attempt more than was needed."""
        postfix = self.site.postfix
        mark = postfix.mark()
        pattern = (rf"^.* {self.queue_id}: .*, relay=msgraph, "
                   rf".*status={status} .*$")

        def line() -> str:
            found = re.search(pattern, postfix.log_text(mark), re.M)
            if not found:
                postfix.flush()
            return found[0] if found else ""
        return wait_for(line, lambda: f"{self.queue_id} to be {status}:\n"
                        f"{postfix.log_text()}")

    def sent_again_as_before(self) -> None:
        """The next attempt finds out that Graph has it."""
        line = self.try_again("sent")
        assert "accepted before, request-id=" in line
        self.gone()

    def gone(self) -> None:
        """Waits until it has left the queue; wakes qmgr for that."""
        def is_gone() -> bool:
            self.site.postfix.flush()
            return self.site.postfix.queued(self.queue_id) is None
        wait_for(is_gone, lambda: f"{self.queue_id} to leave the queue:\n"
                 f"{self.site.postfix.log_text()}")

    # --- the processes that carry it

    def pipe(self) -> int:
        found = [pid for pid in children(self.site.postfix.master_pid())
                 if name(pid) == "pipe" and descendants(pid)]
        assert len(found) == 1, found
        return found[0]

    def agent(self) -> int:
        found = descendants(self.pipe())
        assert len(found) == 1, found
        return found[0]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def stat(pid: int) -> list[str]:
    """The words of proc(5)'s stat that follow the name."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text.rpartition(")")[2].split()


def state(pid: int) -> str:
    return stat(pid)[0]


def descendants(pid: int) -> list[int]:
    return [child for child in children(pid) if name(child)]


def qmgr(site: Site) -> int:
    """Its pid, or 0."""
    return next((pid for pid in children(site.postfix.master_pid())
                 if name(pid) == "qmgr"), 0)


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
