"""The corpus, through everything: a client, Postfix, our programs, and what
Graph gets. All messages go over a few connections first; then each is looked
at by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from corpus import CASES
from corpus.compare import as_queued, complaints, key, strangers
from harness.smtp import Answer, Smtp
from harness.wait import wait_for

SECONDS = 90.0


@dataclass
class Outcome:
    """What became of one case."""
    answer: Answer
    queue_id: str = ""
    status: str = ""  # of the last line of our transport
    dsn: str = ""
    line: str = ""
    mails: list[Any] = field(default_factory=list)


class Run:
    """The whole corpus, sent. Postfix hangs up on a client after too many
    refusals, so each refusal gets a new connection."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.app = site.new_app(send_as={
            "scan@example.com": ["boss@example.com"]})
        self.outcomes: dict[str, Outcome] = {}
        self.stray_cr = stray_cr(site.postfix)

    def send(self) -> None:
        client = self._connect()
        for case in CASES.values():
            answer = client.transact(
                case.sender, list(case.to), case.message, case.options)
            outcome = self.outcomes[case.name] = Outcome(answer)
            if answer.code == 250:
                match = re.search(r"queued as (\S+)", answer.text)
                assert match, answer
                outcome.queue_id = match[1]
            else:
                client.close()
                client = self._connect()
        client.close()

    def _connect(self) -> Smtp:
        return self.site.connect().login(self.app.user, self.app.secret)

    def collect(self, mark: int) -> None:
        """Waits until each recipient has its line, and takes what came."""
        queued = {o.queue_id: o for o in self.outcomes.values() if o.queue_id}
        lines: dict[str, list[re.Match[str]]] = {}

        def settled() -> bool:
            lines.clear()
            text = self.site.postfix.log_text(mark)
            for match in LINE.finditer(text[:text.rfind("\n") + 1]):
                lines.setdefault(match["id"], []).append(match)
            gone = set(GONE.findall(text))
            deferred = {i for i, found in lines.items()
                        if any(m["status"] == "deferred" for m in found)}
            return set(queued) <= gone | deferred

        wait_for(settled, lambda: "the corpus to be delivered:\n" +
                 self.site.postfix.log_end(mark), SECONDS)
        by_request = {mail.request_id: mail for mail in self.site.m365.mail()}
        for queue_id, outcome in queued.items():
            self._settle(outcome, lines.get(queue_id, []), by_request)

    @staticmethod
    def _settle(outcome: Outcome, lines: list[re.Match[str]],
                by_request: dict[str, Any]) -> None:
        worst = max(lines, key=lambda m: m["status"] != "sent", default=None)
        if worst is None:
            return
        outcome.status, outcome.dsn = worst["status"], worst["dsn"]
        outcome.line = worst[0]
        requests = re.findall(r"request-id=([0-9a-f-]+)",
                              " ".join(m[0] for m in lines))
        outcome.mails = [by_request[r] for r in dict.fromkeys(requests)
                         if r in by_request]


def stray_cr(postfix: Any) -> bytes:
    """What this Postfix makes of a CR that ends no line. Older ones know no
    such setting, and leave it."""
    name = "cleanup_replace_stray_cr_lf"
    said = postfix.command("postconf", "-P", f"msgraph-cleanup/unix/{name}")
    said = said or postfix.command("postconf", name)
    return b" " if said.strip().endswith("= yes") else b"\r"


LINE = re.compile(r"^.* postfix/pipe\[\d+\]: (?P<id>\w+): to=.*relay=msgraph, "
                  r".*dsn=(?P<dsn>[\d.]+), status=(?P<status>\w+) .*$", re.M)
GONE = re.compile(r"^.* postfix/qmgr\[\d+\]: (\w+): removed$", re.M)


@pytest.fixture(scope="module")
def run(shared_site):
    shared_site.m365.reset()
    mark = shared_site.postfix.mark()
    run = Run(shared_site)
    run.send()
    run.collect(mark)
    yield run
    shared_site.postfix.delete_all()


def test_corpus_is_large_enough():
    assert len(CASES) >= 200
    assert sum(len(case.message) for case in CASES.values()) < 20_000_000


@pytest.mark.parametrize("name", CASES)
def test_case(run, name):
    case, outcome = CASES[name], run.outcomes[name]
    if case.refused:
        code, text = case.refused
        assert outcome.answer.code == code, str(outcome.answer)
        assert outcome.answer.text.startswith(text), str(outcome.answer)
        return
    assert outcome.answer.code == 250, str(outcome.answer)
    if case.bounced:
        assert outcome.status == "bounced", outcome.line
        assert outcome.dsn == case.bounced, outcome.line
        return
    assert outcome.status == "sent", outcome.line
    assert outcome.mails
    queued = as_queued(case.message, run.stray_cr)
    check_recipients(case, outcome.mails)
    for mail in outcome.mails:
        found = complaints(case, queued, mail.raw, mail.values)
        assert not found, "\n".join([name, *found])


def check_recipients(case, mails):
    mailed = [key(address) for mail in mails for address in mail.recipients]
    assert sorted(mailed) == sorted({key(address) for address in case.to})
    assert [mail.duplicates for mail in mails] == [[]] * len(mails)
    shown = {address for mail in mails for address in [*mail.to, *mail.cc]}
    assert strangers(case.message, sorted(shown)) == []


@pytest.mark.parametrize("name", [
    "outlook-related", "charset-koi8-r", "charset-mostly-8bit",
    "list-digest", "smime-signed-8bit", "parts-alternative-three"])
def test_damage_is_seen(run, name):
    """The comparison is worth something: it sees a byte that differs, a part
    or a line that is missing."""
    case, (mail,) = CASES[name], run.outcomes[name].mails
    queued = as_queued(case.message, run.stray_cr)
    body = mail.raw.index(b"\r\n\r\n") + 4
    damaged = [mail.raw[:at] + bytes([mail.raw[at] ^ 1]) + mail.raw[at + 1:]
               for at in range(body, len(mail.raw) - 2, 41)]
    damaged += [mail.raw[:body] + mail.raw[body + 40:],
                mail.raw.replace(b"\r\nTo: ", b"\r\nto: "),
                mail.raw.replace(b"\r\nTo: ", b"\r\nX-MSGraph-A: b\r\nTo: ")]
    for raw in damaged:
        assert complaints(case, queued, raw, mail.values), raw
