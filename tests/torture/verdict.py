"""What is left when all has calmed down, against what was promised."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter, defaultdict

from emulator.client import Mail
from harness.site import Site

from torture.clients import Tally, parts


class Verdict:
    """Every message once; those that the log names outcome=unknown at least
    once; nothing refused, bounced, cut off or sent elsewhere."""

    def __init__(self, site: Site, tally: Tally) -> None:
        self.tally = tally
        self.mail_log = site.postfix.log_text()
        self.daemon_log = site.daemon.log()
        self.other_log = site.milter.log()
        self.mails = site.m365.mail()
        self.queue = site.postfix.queue()
        self.faults: list[str] = []
        self.times = Counter(mail.subject for mail in self.mails)
        self.named = set(re.findall(
            r"msgraphd\[\d+\]: (?:warning: )?(\w+): .*outcome=unknown",
            self.daemon_log))
        self.queue_ids: dict[str, set[str]] = defaultdict(set)
        self.requests = site.m365.requests("sendMail")

    def reach(self) -> list[str]:
        """The violations; none is what is hoped for."""
        for mail in self.mails:
            self.check_mail(mail)
        for name, this in self.tally.tries.items():
            if this.queue_id and not self.times[name]:
                self.faults.append(
                    f"lost: {name}, which was taken as {this.queue_id}")
        for name, times in self.times.items():
            if times > 1 and not self.queue_ids[name] <= self.named:
                self.faults.append(
                    f"{times} times, and not named: {name}, "
                    f"{', '.join(self.queue_ids[name])}")
        self.check_known()
        self.faults += [f"refused: {line}" for line in self.tally.refused]
        self.faults += [f"left in the queue: {entry['queue_id']}"
                        for entry in self.queue]
        self.check_logs()
        return self.faults

    def check_known(self) -> None:
        """A name must be deserved: where Graph's 202 has been received, there
        is no other request for the message, neither at once nor later. (But
        for those whose acceptance the full disk would not keep.)"""
        known = set(re.findall(r"http=202, request-id=([0-9a-f-]+)",
                               self.daemon_log))
        known -= self.not_kept()
        done: dict[str, str] = {}
        for request in self.requests:
            name = subject(request.body)
            if name in done:
                self.faults.append(f"posted although known as accepted: "
                                   f"{name}, {done[name]}")
            if request.request_id in known:
                done[name] = request.request_id

    def not_kept(self) -> set[str]:
        """Request ids of acceptances that came with an error of the state."""
        lines = self.daemon_log.splitlines()
        return {found[1] for number, line in enumerate(lines)
                if (found := re.search(r"http=202, request-id=([0-9a-f-]+)",
                                       line))
                and any("error: state" in before
                        for before in lines[max(0, number - 8):number])}

    def check_mail(self, mail: Mail) -> None:
        this = self.tally.tries.get(mail.subject)
        if this is None:
            self.faults.append(f"nobody sent this: {mail.subject}")
            return
        raw = mail.raw
        found = re.search(rb"with ESMTPSA id (\w+)", raw)
        self.queue_ids[this.name].add(found[1].decode() if found else "?")
        got = parts(raw) + [
            (a["name"], hashlib.sha256(mail.attachment(i)).hexdigest())
            for i, a in enumerate(mail.attachments)]
        if sorted(got, key=str) != sorted(this.parts(), key=str):
            self.faults.append(f"other parts: {this.name}, "
                               f"{[name for name, _ in got]}, {len(raw)} bytes")
        if sorted(mail.recipients) != sorted(this.recipients) or \
                mail.duplicates:
            self.faults.append(f"other recipients: {this.name}, "
                               f"{mail.recipients}")

    def check_logs(self) -> None:
        for pattern in (r"status=bounced", r"status=expired",
                        r"relay=default-route", r"relay=discard"):
            self.faults += [f"in Postfix's log: {line}" for line
                            in self.mail_log.splitlines()
                            if re.search(pattern, line)]
        for log in (self.daemon_log, self.other_log, self.mail_log):
            self.faults += [f"in a log: {line}" for line in log.splitlines()
                            if re.search(r"Sanitizer|runtime error|Assert",
                                         line)]

    def numbers(self) -> str:
        twice = sum(times > 1 for times in self.times.values())
        lost_answers = len(self.tally.tries) - self.tally.taken()
        large = sum(bool(mail.attachments) for mail in self.mails)
        return (f"{self.tally.taken()} messages taken "
                f"(and {lost_answers} tries whose answer was lost or no), "
                f"{len(self.mails)} accepted by Graph ({large} as drafts), "
                f"{twice} of them more than once, {len(self.named)} named outcome=unknown")


def subject(body: bytes) -> str:
    """Of a message in base64, as much of it as came."""
    raw = base64.b64decode(body[:len(body) // 4 * 4])
    found = re.search(rb"(?m)^Subject: (\S+)", raw[:8192])
    return found[1].decode() if found else ""
