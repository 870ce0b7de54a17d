"""One message on its way through a whole site, held by the emulator at a step,
where a test may kill whoever carries it."""

from __future__ import annotations

import itertools
import os
import re
import signal
import sqlite3
from pathlib import Path

from .message import message
from .postfix import children
from .site import App, Site
from .smtp import Smtp
from .wait import wait_for

RECIPIENT = "rcpt@example.org"
numbers = itertools.count(1)

# Postfix rests after each of our kills; a test has no time for a minute. And a
# host may drop Received fields, by which two equal messages would differ.
NO_RECEIVED = "regexp:{ {/^Received:/ IGNORE} }"
SETTINGS = {"transport_retry_time": "1s", "service_throttle_time": "1s",
            "minimal_backoff_time": "1h", "queue_run_delay": "1h"}


def patient_site(settings: dict[str, str] | None = None) -> Site:
    """A site whose Postfix rests for a second at most, and tries again when it
    is told to."""
    site = Site(settings)
    site.postfix.settings.update(SETTINGS)
    site.postfix.options.header_checks = NO_RECEIVED
    site.postfix.write()
    return site


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
            return self.site.postfix.is_gone(self.queue_id)
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
