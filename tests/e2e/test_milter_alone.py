"""msgraph-milter alone, driven by an MTA that can also misbehave."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import policyd
from harness.milter import STAMP, running, stamp, whole_stamp
from harness.miltermta import Gone, changed

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}@{CLIENT}"
FROM = ("From", "a@example.com")
WHOLE = [FROM, ("Date", "Sat, 1 Jan 2000 00:00:00 +0000"),
         ("Message-ID", "<1@example.com>")]


@pytest.fixture
def own_milter():
    yield from running()


@pytest.fixture(scope="module")
def milter():
    """For the tests that leave it as it was."""
    yield from running()


# --- negotiation ---


def test_asks_for_few_events_and_its_macros(milter):
    with milter.mta() as mta:
        # add and change header fields, change the sender, name macros
        assert mta.actions == 0x151
        # all but MAIL, RCPT and header fields; no answers to the last
        assert mta.skips == 0x3D3
        assert set(mta.macros["mail"]) == {
            "i", "{mail_addr}", "{auth_authen}", "{client_addr}",
            "{client_name}", "{daemon_name}", "{cert_issuer}",
            "{cert_subject}"}
        assert "i" in mta.macros["eom"]


@pytest.mark.parametrize("version, actions, protocol", [
    (6, 0x1FF, 0x1FFFFF),
    (6, 0x0FF, 0x1FFFFF),  # does not let filters name macros
    (4, 0x03F, 0x0003FF),
    (2, 0x03F, 0x00007F),
    (2, 0x03F, 0x000000),
])
def test_older_protocols(milter, version, actions, protocol):
    with milter.mta(version=version, actions=actions,
                    protocol=protocol) as mta:
        mta.connect({"j": "mail.example.com"})
        mta.helo({"{tls_version}": "TLSv1.3"})
        answer = mta.message([FROM], "<e@example.com>", USER)
        assert stamp(answer) == "a@example.com"
        answer = mta.message([FROM], "<e@example.com>", None)
        assert answer.text.startswith("530 5.7.0 ")


def test_mta_that_cannot_change_headers(milter):
    """No stamp, no message: better no filter at all (Postfix: 451)."""
    with pytest.raises(Gone):
        milter.mta(actions=0x1EE)
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


# --- one message ---


def test_whole_message_gets_the_stamp_alone(milter):
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<e@example.com>", USER)
    assert answer.action == "continue"
    assert answer.changes == [(STAMP, 0, f"a@example.com/{USER}")]


def test_what_is_missing_is_added(milter):
    with milter.mta() as mta:
        answer = mta.message([("Subject", "scan")], "<E@example.com>", USER)
    header = dict(changed([("Subject", "scan")], answer.changes))
    assert list(header) == ["Subject", "From", "Date", "Message-ID", STAMP]
    assert header["From"] == "e@example.com"
    assert header[STAMP] == f"e@example.com/{USER}"
    assert re.fullmatch(r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d "
                        r"[+-]\d{4}", header["Date"])
    assert re.fullmatch(r"<[a-z0-9.]+@example\.com>", header["Message-ID"])


def test_no_header_at_all(milter):
    with milter.mta() as mta:
        answer = mta.message([], "<e@example.com>", USER)
    assert stamp(answer) == "e@example.com"
    assert len(answer.changes) == 4


def test_empty_fields_are_replaced(milter):
    before = [("From", ""), ("Date", " "), ("DATE", ""), ("Message-Id", "")]
    with milter.mta() as mta:
        answer = mta.message(before, "<e@example.com>", USER)
    after = changed(before, answer.changes)
    assert [n for n, _ in after] == ["From", "Date", "Message-ID", STAMP]
    assert all(v.strip() for _, v in after)


def test_forged_fields_go_and_ours_comes(milter):
    before = [("X-MSGraph-Mailbox", "ceo@example.com"), *WHOLE,
              ("x-msgraph-mailbox", "b@example.org"),
              ("X-MSGRAPH-TENANT", "c"), ("X-MSGraph-Mailbox", "d@e.org"),
              ("X-Other", "stays")]
    with milter.mta() as mta:
        answer = mta.message(before, "<e@example.com>", USER)
    assert changed(before, answer.changes) == [
        *WHOLE, ("X-Other", "stays"), (STAMP, f"a@example.com/{USER}")]


REFUSED = [
    # header, envelope sender, user, reply
    (WHOLE, "<e@example.com>", None, "530 5.7.0 Authentication required"),
    (WHOLE, "<e@example.com>", "", "530 5.7.0 Authentication required"),
    (WHOLE, "<e@example.com>", "bob", "550 5.7.1 not an application"),
    (WHOLE, "<e@example.com>", f"{TENANT}@x", "550 5.7.1 not an app"),
    ([], "<>", USER, "550 5.7.1 cannot tell which mailbox .*missing"),
    ([("From", "x y")], "<>", USER, "550 5.7.1 .*without a full address"),
    ([("From", "a@b.example, c@d.example")], "<>", USER,
     "550 5.7.1 .*naming several"),
    ([("From", '"a b"@example.com')], "<>", USER, "550 5.1.7 .*quotes"),
    ([("From", "a@[192.0.2.1]")], "<>", USER, "550 5.1.7 .*literal"),
    ([("From", "a%b@example.com")], "<e@x>", USER,
     "550 5.1.7 .*From is <a%b@example.com> .*sender is <e@x> .*no dot"),
    ([("From", "a@" + "x" * 60 + ("." + "x" * 60) * 4)], "<>", USER,
     "550 5.1.7 .*254"),
    ([("From", "\xc3\xbc@example.com")], "<>", USER,
     r"550 5\.1\.7 .*<\?\?@example.com> \(it is not ASCII before the @"),
    (WHOLE, "<\xc3\xbc@example.com>", USER, "553 5.6.7 "),
    ([*WHOLE, ("Subject", "a\rBcc: x@example.org")], "<>", USER,
     "550 5.6.0 .*Subject"),
    ([*WHOLE, ("Subject", "a\nBcc: x@example.org")], "<>", USER,
     "550 5.6.0 .*Subject"),
    ([*WHOLE, ("Subject", "x" * 2_000_000)], "<>", USER, "552 5.3.4 "),
    ([*WHOLE, *[("X", "x" * 1000)] * 1100], "<>", USER, "552 5.3.4 "),
    ([*WHOLE, *[("X-MSGraph-A", "1")] * 101], "<>", USER, "550 5.6.0 "),
]


def test_recipients_that_are_not_ascii(milter):
    """The others stay, and so does the message."""
    with milter.mta() as mta:
        assert mta.mail("<e@m\xc3\xbcller.example>", USER).action == "continue"
        assert mta.rcpt("<a@example.org>").action == "continue"
        answer = mta.rcpt("<\u00fc@example.org>")
        assert answer.text.startswith("553 5.6.7 <??@example.org> has ")
        assert mta.rcpt("<a@m\u00fcller.example>").action == "continue"
        assert stamp(mta.content(WHOLE)) == "a@example.com"


def test_recipients_that_cannot_be_written(milter):
    with milter.mta() as mta:
        assert mta.mail("<e@example.com>", USER).action == "continue"
        assert mta.rcpt("<a@example.org>").action == "continue"
        for address, why in [('"a\x01b"@example.org', "control character"),
                             ("x" * 1100 + "@example.org", "cannot be"),
                             ("x" * 300 + "@example.org", "254 bytes"),
                             ("@example.org", "no local part")]:
            answer = mta.rcpt(f"<{address}>")
            assert re.match(f"553 5.1.3 .*{why}", answer.text), answer.text
        assert stamp(mta.content(WHOLE)) == "a@example.com"


def test_sender_with_a_control_character(milter):
    with milter.mta() as mta:
        answer = mta.mail('<"a\x7fb"@example.com>', USER)
        assert answer.text.startswith("550 5.1.7 the sender's address holds")
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


@pytest.mark.parametrize("headers, sender, user, reply", REFUSED)
def test_refused(milter, headers, sender, user, reply):
    with milter.mta() as mta:
        answer = mta.message(headers, sender, user)
        assert re.match(reply, answer.text), answer.text
        assert answer.changes == []
        # the next one on this connection is not touched by it
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert answer.changes == [(STAMP, 0, f"a@example.com/{USER}")]


def test_percent_signs_are_doubled(milter):
    """Sendmail formats the reply, Postfix halves the signs again."""
    with milter.mta() as mta:
        answer = mta.message([("From", "a%n%s@example.com")], "<>", USER)
    assert b"<a%%n%%s@example.com>" in answer.raw
    assert "<a%n%s@example.com>" in answer.text


# --- several messages, and events in any order ---


def test_nothing_leaks_into_the_next_message(milter):
    with milter.mta() as mta:
        first = mta.message(
            [("X-MSGraph-A", "1"), ("From", "b@example.com"),
             ("Sender", "s@example.com")], "<f@example.com>", USER)
        assert stamp(first) == "b@example.com"
        second = mta.message(WHOLE, "<e@example.com>", USER)
        assert second.changes == [(STAMP, 0, f"a@example.com/{USER}")]
        third = mta.message([], "<e@example.com>", USER)
        assert stamp(third) == "e@example.com"


def test_user_does_not_leak_into_the_next_message(milter):
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<e@example.com>", USER))
        answer = mta.message(WHOLE, "<e@example.com>", None)
        assert answer.text.startswith("530 ")


def test_abort_after_some_headers(milter):
    with milter.mta() as mta:
        mta.mail("<e@example.com>", USER)
        mta.rcpt("<to@example.org>")
        mta.header("From", "b@example.com")
        mta.header("X-MSGraph-A", "1")
        mta.abort()
        mta.abort()
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert answer.changes == [(STAMP, 0, f"a@example.com/{USER}")]


def test_mail_twice_without_abort(milter):
    with milter.mta() as mta:
        mta.mail("<f@example.com>", USER)
        mta.rcpt("<to@example.org>")
        mta.header("From", "b@example.com")
        mta.mail("<e@example.com>", USER)
        mta.rcpt("<to@example.org>")
        answer = mta.content(WHOLE)
        assert answer.changes == [(STAMP, 0, f"a@example.com/{USER}")]


def test_helo_in_the_middle(milter):
    with milter.mta(protocol=0) as mta:
        mta.helo({})
        mta.mail("<f@example.com>", USER)
        mta.helo({})
        answer = mta.message([], "<e@example.com>", USER)
        assert stamp(answer) == "e@example.com"


def test_end_without_beginning(milter):
    """Out of order: libmilter swallows it, or we say 451; no stamp."""
    with milter.mta() as mta:
        mta.header("From", "b@example.com")
        mta.send(b"E")
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert answer.action != "reply" or answer.text[0] == "4"
    with milter.mta() as mta:
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert stamp(answer) == "a@example.com"


@pytest.mark.parametrize("steps", range(5))
def test_connection_lost_anywhere(milter, steps):
    with milter.mta() as mta:
        todo = [lambda: mta.mail("<e@example.com>", USER),
                lambda: mta.rcpt("<to@example.org>"),
                lambda: mta.header("X-MSGraph-A", "1"),
                lambda: mta.eom()]
        for step in todo[:steps]:
            step()
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


@pytest.mark.parametrize("steps", range(5))
def test_quit_anywhere(milter, steps):
    with milter.mta() as mta:
        todo = [lambda: mta.mail("<e@example.com>", USER),
                lambda: mta.rcpt("<to@example.org>"),
                lambda: mta.header("X-MSGraph-A", "1"),
                lambda: mta.eom()]
        for step in todo[:steps]:
            step()
        mta.quit()
        assert mta.closed()


def test_new_smtp_session_on_the_same_connection(milter):
    with milter.mta() as mta:
        mta.mail("<f@example.com>", USER)
        mta.rcpt("<to@example.org>")
        mta.header("From", "b@example.com")
        mta.send(b"K")
        answer = mta.message(WHOLE, "<e@example.com>", None)
        assert answer.text.startswith("530 ")
        answer = mta.message(WHOLE, "<e@example.com>", USER)
        assert answer.changes == [(STAMP, 0, f"a@example.com/{USER}")]


def test_garbage_costs_one_connection(milter):
    for packet in (b"", b"\0\0\0\1", b"\0\0\0\1?", b"GET / HTTP/1.0\r\n\r\n",
                   b"\0\0\0\5MM", b"\xff\xff\xff\xffM"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(milter.socket)
            sock.sendall(packet)
    with milter.mta() as mta:
        mta.mail("<e@example.com>", USER)
        mta.rcpt("<to@example.org>")
        mta.send(b"L", b"name without value")
        assert mta.closed()
    with milter.mta() as mta:
        assert stamp(mta.message(WHOLE, "<>", USER)) == "a@example.com"


def test_many_connections_at_once(milter):
    def session(number: int) -> list:
        wrong = []
        with milter.mta() as mta:
            for turn in range(5):
                name = f"box{number}-{turn}@example.com"
                headers = [("From", name)] + WHOLE[1:]
                answer = mta.message(headers, "<e@example.com>", USER)
                if answer.changes != [(STAMP, 0, f"{name}/{USER}")]:
                    wrong.append((name, answer))
        return wrong

    with ThreadPoolExecutor(32) as pool:
        assert [w for w in pool.map(session, range(200)) if w] == []


# --- log ---


def test_log_lines(own_milter):
    user = (f"user={USER}, application={TENANT}/{CLIENT}, entry=, ")
    with own_milter.mta() as mta:
        mta.message(WHOLE, "<E@example.com>", USER,
                    client_name="printer.example.com",
                    client_addr="192.0.2.9")
        mta.message([FROM], "<>", USER, queue_id="4ZbQ2k2aBc",
                    client_addr="IPv6:2001:db8::1", client_name="unknown")
        mta.message([("From", "a%b@example.com")], "<e@x>", USER)
        mta.message([*WHOLE[1:], ("From", "a%b@example.com")],
                    "<e@example.com>", USER)
        mta.message(WHOLE, '<"x>, action=accept, y=<"@b.c>', None)
        mta.message(WHOLE, "<>", "x, action=accept", queue_id=None)
        own_milter.policy.rule = lambda question: policyd.ok(
            question, entry="erp")
        mta.mail("<>", USER)
        for number in range(3):
            mta.rcpt(f"<to{number}@example.org>")
        mta.rcpt("<@example.org>")
        mta.content(WHOLE)
    lines = [re.sub(r"<\d+\.[0-9a-f]{32}@", "<ID@", line.split("]: ", 1)[1])
             for line in own_milter.log().splitlines()][1:]
    unknown = "client=unknown[unknown]"
    assert lines == [
        "4ZbQ2k1xYz: client=printer.example.com[192.0.2.9], "
        f"from=<E@example.com>, {user}"
        "mailbox=<a@example.com>, message-id=<1@example.com>, nrcpt=1, "
        "action=accept",
        f"4ZbQ2k2aBc: client=unknown[2001:db8::1], from=<>, {user}"
        "mailbox=<a@example.com>, message-id=<ID@example.com>, nrcpt=1, "
        "action=accept (added Date, Message-ID)",
        f"4ZbQ2k1xYz: {unknown}, from=<e@x>, {user}mailbox=<>, "
        "message-id=<>, nrcpt=1, "
        "action=reject (5.1.7 cannot tell which mailbox of Microsoft 365 "
        "sends this: From is <a%b@example.com> (its local part has a "
        "character that no mailbox has), Sender is missing or empty, the "
        "envelope sender is <e@x> (its domain has no dot))",
        f"4ZbQ2k1xYz: {unknown}, from=<e@example.com>, {user}"
        "mailbox=<e@example.com>, message-id=<1@example.com>, nrcpt=1, "
        "action=accept (From was <a%b@example.com>: its local part has a "
        "character that no mailbox has)",
        f'NOQUEUE: {unknown}, from=<"x???action=accept??y=?"@b.c>, user=, '
        "application=, entry=, mailbox=<>, message-id=<>, nrcpt=0, "
        "action=reject (5.7.0 Authentication required)",
        f"NOQUEUE: {unknown}, from=<>, user=x??action=accept, application=, "
        "entry=, mailbox=<>, message-id=<>, nrcpt=0, action=reject "
        "(5.7.1 not an application)",
        f"NOQUEUE: {unknown}, from=<>, {user.replace('=, ', '=erp, ')}"
        "mailbox=<>, message-id=<>, nrcpt=3, action=reject (5.1.3 "
        "<@example.org> is not an address that a message can be sent to: it "
        "has no local part)",
        f"4ZbQ2k1xYz: {unknown}, from=<>, {user.replace('=, ', '=erp, ')}"
        "mailbox=<a@example.com>, message-id=<1@example.com>, nrcpt=3, "
        "action=accept",
    ]
