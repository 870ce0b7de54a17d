"""What msgraph-milter asks msgraphd, and what it makes of the answers: driven
by an MTA of ours, with a stand-in for msgraphd."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import policyd
from harness.milter import STAMP, running, stamp, whole_stamp
from harness.miltermta import changed
from harness.wait import wait_for

NAME = ("11111111-2222-3333-4444-555555555555@"
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
WHOLE = [("From", "A <A@example.com>"),
         ("Date", "Sat, 1 Jan 2000 00:00:00 +0000"),
         ("Message-ID", "<1@example.com>")]
PRINTER = {"client_addr": "192.0.2.9", "client_name": "p.example.com",
           "daemon_name": "port25", "cert_issuer": "CA", "cert_subject": "p"}
UNANSWERED = ("451 4.3.0 this relay cannot tell now who may send, try again "
              "later")


@pytest.fixture
def milter():
    yield from running()


def entry(**fields: str):
    """A rule: all may send, as this entry."""
    def rule(question: policyd.Question) -> bytes:
        return policyd.record(status="ok", application=NAME, **fields)
    return rule


# --- questions


def test_mail_and_end_are_asked_about(milter):
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<E@Example.com>", NAME, **PRINTER)
    assert whole_stamp(answer) == f"a@example.com/{NAME}"
    client = {"request": "policy", "user": NAME, "sender": "e@example.com",
              "client-address": "192.0.2.9", "daemon-name": "port25",
              "certificate-issuer": "CA", "certificate-subject": "p"}
    assert milter.policy.questions == [
        {**client, "stage": "mail"},
        {**client, "stage": "end", "mailbox": "a@example.com",
         "from": "a@example.com"}]


def test_recipients_are_asked_about_where_they_matter(milter):
    def rule(question):
        if question.get("recipient", "").endswith("@example.net"):
            return policyd.refused("5.7.1", "not to there")
        return entry(recipients="yes")(question)

    milter.policy.rule = rule
    with milter.mta() as mta:
        mta.mail("<e@example.com>", None, **PRINTER)
        assert mta.rcpt("<A@Example.org>").action == "continue"
        assert mta.rcpt("<b@example.net>").text == "550 5.7.1 not to there"
        assert mta.rcpt("<b@example.com>").action == "continue"
        answer = mta.content(WHOLE)
    assert answer.changes == [("X-MSGraph-Recipients", 0, "trim"),
                              (STAMP, 0, f"a@example.com/{NAME}")]
    assert [question["recipient"] for question in milter.policy.questions
            if question["stage"] == "recipient"] == [
                "a@example.org", "b@example.net", "b@example.com"]
    assert "nrcpt=2, action=accept" in milter.log()


def test_nobody_is_asked_about_what_cannot_go(milter):
    """So that it is not counted."""
    with milter.mta() as mta:
        answer = mta.message([*WHOLE, ("Subject", "a\rb")], "<>", NAME)
        assert answer.text.startswith("550 5.6.0 ")
        answer = mta.message([], "<>", NAME)
        assert answer.text.startswith("550 5.7.1 cannot tell which mailbox")
    assert milter.policy.stages() == ["mail", "mail"]


# --- what an entry says


def test_from_of_the_entry(milter):
    """Whatever the client wrote, if it can be read at all."""
    milter.policy.rule = entry(entry="printers", **{"from": "scan@example.com"})
    with milter.mta() as mta:
        for headers, sender in [(WHOLE, "<b@example.com>"), (WHOLE, "<>"),
                                ([("From", "a b"), *WHOLE[1:]], "<root>")]:
            answer = mta.message(headers, sender, None, **PRINTER)
            after = dict(changed(headers, answer.changes))
            assert after["X-MSGraph-From"] == "replace"
            assert after[STAMP] == f"scan@example.com/{NAME}.printers"
            assert ("MAIL", 0, "<scan@example.com>") in answer.changes
        # From becomes the mailbox, so there is nothing else to ask about
        last = milter.policy.questions[-1]
        assert last["mailbox"] == "scan@example.com" and "from" not in last


def test_from_needs_an_mta_that_changes_the_sender(milter):
    """Else bounces would go where the client says: later, and no stamp."""
    milter.policy.rule = entry(**{"from": "scan@example.com"})
    with milter.mta(version=2, actions=0x3F, protocol=0x7F) as mta:
        answer = mta.message(WHOLE, "<b@example.com>", NAME)
    assert answer.text.startswith("451 4.3.0 header or envelope")


def test_transport_and_entry(milter):
    milter.policy.rule = entry(entry="erp", transport="msgraph-slow")
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<>", NAME)
        assert whole_stamp(answer) == f"msgraph-slow:a@example.com/{NAME}.erp"
        milter.policy.rule = entry(transport="smtp")
        answer = mta.message(WHOLE, "<>", NAME)
        assert answer.text.startswith("451 4.3.0 header or envelope")


def test_forged_fields_of_a_client_that_did_not_sign_in(milter):
    milter.policy.rule = entry(entry="printers")
    forged = [("X-MSGraph-Mailbox", f"ceo@example.com/{NAME}"),
              ("X-MSGraph-From", "replace"),
              ("x-msgraph-recipients", "trim")]
    with milter.mta() as mta:
        answer = mta.message([*forged, *WHOLE], "<>", None, **PRINTER)
    assert changed([*forged, *WHOLE], answer.changes) == [
        *WHOLE, (STAMP, f"a@example.com/{NAME}.printers")]


# --- refusals


REFUSED = [  # dsn and text of msgraphd, the reply
    ("5.7.0", "sign in first", "530 5.7.0 sign in first"),
    ("5.7.1", "client=192.0.2.9: no entry",
     "550 5.7.1 client=192.0.2.9: no entry"),
    ("5.7.13", "the entry is disabled", "550 5.7.13 the entry is disabled"),
    ("4.7.1", "30 an hour are enough", "450 4.7.1 30 an hour are enough"),
    ("4.3.5", "identities:3: what is this",
     "451 4.3.5 identities:3: what is this"),
]


@pytest.mark.parametrize("stage", ["mail", "end"])
@pytest.mark.parametrize("dsn, text, reply", REFUSED)
def test_refused(milter, stage, dsn, text, reply):
    def rule(question):
        if question["stage"] == stage:
            return policyd.refused(dsn, text)
        return entry(entry="erp")(question)

    milter.policy.rule = rule
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<>", None, **PRINTER)
        assert (answer.text, answer.changes) == (reply, [])
        milter.policy.rule = policyd.answer
        assert stamp(mta.message(WHOLE, "<>", NAME)) == "a@example.com"
    action = "tempfail" if dsn[0] == "4" else "reject"
    name = "erp" if stage == "end" else ""
    assert re.search(rf"client=p.example.com\[192.0.2.9\], .*, entry={name}, "
                     rf".*, action={action} \({dsn} {re.escape(text)}\)\n",
                     milter.log())


def test_table_that_changes_under_a_message(milter):
    """What was decided by the old one does not hold."""
    with milter.mta() as mta:
        mta.mail("<>", NAME)
        mta.rcpt("<a@example.org>")
        milter.policy.rule = entry(recipients="yes")
        answer = mta.content(WHOLE)
    assert answer.text.startswith("451 4.3.0 the table of identities was ")


# --- no answer


def test_msgraphd_that_does_not_run(milter):
    milter.policy.__exit__()
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<>", NAME)
        assert (answer.text, answer.changes) == (UNANSWERED, [])
        assert re.search(
            r"action=tempfail \(4\.3\.0 ask msgraphd: connect to \S+/submit: "
            r"No such file or directory; is msgraphd running\? see systemctl "
            r"status msgraphd\)\n", milter.log())
        milter.ask_stand_in()
        assert stamp(mta.message(WHOLE, "<>", NAME)) == "a@example.com"
        # it may as well go away in the middle
        mta.mail("<>", NAME)
        mta.rcpt("<a@example.org>")
        milter.policy.rule = lambda question: b""
        assert mta.content(WHOLE).text == UNANSWERED
        assert "msgraphd hung up without an answer" in milter.log()


def test_msgraphd_that_cannot_start(milter):
    """It stands by, and gives every record its reason."""
    milter.policy.rule = lambda question: policyd.record(
        status="deferred", dsn="4.3.5", text="msgraphd cannot start: x:1: y")
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<>", NAME)
    assert answer.text == "451 4.3.5 msgraphd cannot start: x:1: y"


def threads(milter) -> int:
    return len(list(Path(f"/proc/{milter.process.pid}/task").iterdir()))


def slow_answer(question: policyd.Question) -> bytes:
    if question["stage"] == "mail":
        time.sleep(0.6)  # as when a map outside is slow
    return policyd.answer(question)


def test_msgraphd_that_stalls(milter):
    """All clients hear 451 after seconds, at once, and no thread is lost."""
    def session(_: int) -> tuple[str, float]:
        with milter.mta() as mta:
            begun = time.monotonic()
            answer = mta.message(WHOLE, "<>", NAME)
            return answer.text, time.monotonic() - begun

    idle = threads(milter)
    milter.policy.stalls = True
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(session, range(20)))
    assert {text for text, _ in answers} == {UNANSWERED}
    # once one has waited in vain, others wait for half a second
    times = [seconds for _, seconds in answers]
    assert 4.5 < max(times) < 15, times
    milter.policy.stalls = False
    milter.policy.release()
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", NAME)) == "a@example.com"
    # and after an answer, or a hang-up, for as long as it takes
    with milter.mta() as mta:
        milter.policy.rule = lambda question: b""
        assert mta.message(WHOLE, "<>", NAME).text == UNANSWERED
        milter.policy.rule = slow_answer
        assert stamp(mta.message(WHOLE, "<>", NAME)) == "a@example.com"
    # libmilter keeps a few threads for those who come next
    wait_for(lambda: threads(milter) < idle + 5, lambda:
             f"{idle} threads and a few, not {threads(milter)}")
