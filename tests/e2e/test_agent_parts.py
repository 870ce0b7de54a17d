"""msgraph-agent alone: what is more recipients than Graph takes at once, and
what Postfix rewrote."""

from __future__ import annotations

import email
import email.policy
import random

import pytest

from harness.agent import AGENT, OPTIONS, Agent
from harness.submitd import SENT, its_daemon, reply  # noqa: F401

LATER = reply("deferred", "4.7.28", "later")
NEVER = reply("bounced", "5.1.3", "never")
PEOPLE = [f"r{n}@x.test" for n in range(7)]
MESSAGE = b"From: m@x.test\r\n\r\nbody\r\n"


@pytest.fixture
def agent(tmp_path):
    agent = Agent(tmp_path)
    agent.configure("max_recipients = 3\n")
    return agent


def requests(daemon, count):
    found = [daemon.next() for _ in range(count)]
    assert daemon.idle()
    return found


def mailed(request) -> list[str]:
    """Whom Exchange would mail."""
    parsed = email.message_from_bytes(request.message,
                                      policy=email.policy.default)
    return [address.addr_spec for name in ("To", "Cc", "Bcc")
            for value in parsed.get_all(name, [])
            for address in value.addresses]


def test_parts(agent, daemon):
    """Each recipient once, and no more than allowed in a part."""
    done = agent.run(agent.argv(*PEOPLE), MESSAGE)
    assert (done.returncode, done.stdout) == \
        (0, b"Graph accepted, request-id=1")
    found = requests(daemon, 3)
    assert [len(mailed(request)) for request in found] == [3, 3, 1]
    assert sorted(sum(map(mailed, found), [])) == PEOPLE
    for request in found:
        assert request.get("recipient") == mailed(request)
        assert request.raw == MESSAGE


def test_parts_do_not_depend_on_the_order(agent, daemon):
    """msgraphd knows a delivery again by its recipients."""
    random.seed(1)
    parts = set()
    for _ in range(5):
        people = PEOPLE[:]
        random.shuffle(people)
        assert agent.run(agent.argv(*people), MESSAGE).returncode == 0
        parts |= {frozenset(request.get("recipient"))
                  for request in requests(daemon, 3)}
    assert len(parts) == 3


def test_names_in_to_are_only_in_their_part(agent, daemon):
    message = b"To: r6@x.test, r0@x.test, f@x.test\r\nCc: r5@x.test\r\n\r\n"
    assert agent.run(agent.argv(*PEOPLE), message).returncode == 0
    first, second, third = requests(daemon, 3)
    assert first.message == (
        b"To: r0@x.test\r\nBcc: r1@x.test,\r\n\tr2@x.test\r\n\r\n")
    assert second.message == (
        b"Cc: r5@x.test\r\nBcc: r3@x.test,\r\n\tr4@x.test\r\n\r\n")
    assert third.message == b"To: r6@x.test\r\n\r\n"


@pytest.mark.parametrize("answer", [SENT, NEVER])
def test_kept_addresses_are_in_the_first_part(agent, daemon, answer):
    """They are mailed once, and count; the others have no room for them."""
    agent.configure("max_recipients = 3\nheader_recipients = keep\n")
    daemon.answers = [answer, SENT]
    message = b"To: f@x.test, r0@x.test\r\n\r\n"
    agent.run(agent.argv(*PEOPLE[:5]), message)
    first, second = requests(daemon, 2)
    assert mailed(first) == ["f@x.test", "r0@x.test", "r1@x.test"]
    assert mailed(second) == ["r2@x.test", "r3@x.test", "r4@x.test"]


def test_more_kept_addresses_than_fit(agent, daemon):
    agent.configure("max_recipients = 2\nheader_recipients = keep\n")
    message = b"To: f@x.test, g@x.test, h@x.test\r\n\r\n"
    assert agent.run(agent.argv(*PEOPLE[:2]), message).returncode == 0
    first, second = requests(daemon, 2)
    assert (len(mailed(first)), mailed(second)) == (4, ["r1@x.test"])


def test_longest_answer(agent, daemon):
    """All but one have got it, as msgraphd says of each."""
    agent.configure("max_recipients = 1000\n")
    people = [f"r{n}@x.test" for n in range(1000)]
    done = reply("deferred", "4.3.0", "before")[:-1] + b"".join(
        b"accepted=%d\n" % n for n in range(999)) + b"\n"
    daemon.answers = [done, SENT]
    assert agent.run(agent.argv(*people)).returncode == 0
    assert requests(daemon, 2)[1].get("recipient") == people[-1:]


MIXTURES = [
    # what msgraphd answers: (exit status, output)
    ([SENT, SENT, SENT], 0, "Graph accepted, request-id=1"),
    ([SENT, LATER, SENT], 75, "4.7.28 later"),
    ([LATER, SENT, SENT], 75, "4.7.28 later"),
    ([SENT, SENT, NEVER], 75, "4.1.3 never"),
    ([NEVER, SENT, SENT], 75, "4.1.3 never"),
    ([NEVER, NEVER, LATER], 75, "4.7.28 later"),
    ([LATER, NEVER, SENT], 75, "4.7.28 later"),
    ([NEVER, NEVER, NEVER], 67, "5.1.3 never"),
    ([SENT, b"", SENT], 75, "4.3.0 msgraphd went away without an answer, "
     "outcome unknown"),
]


@pytest.mark.parametrize("answers, status, line", MIXTURES)
def test_one_status_for_all(agent, daemon, answers, status, line):
    """Sent only where all are, bounced only where all are."""
    daemon.answers = answers[:]
    done = agent.run(agent.argv(*PEOPLE), MESSAGE)
    assert (done.returncode, done.stdout.decode()) == (status, line)
    requests(daemon, 3)


def replaced(request) -> tuple[int, int]:
    """Where in the spool file that lies which is not of the raw message."""
    segments = [tuple(map(int, segment.split(",")))
                for segment in request.get("segment")]
    written = [(at, at + length) for at, length in segments
               if at >= len(request.raw)]
    return min(at for at, _ in written), max(end for _, end in written)


@pytest.mark.parametrize("answers, grows", [
    ([SENT, LATER, SENT], False), ([SENT, b"", SENT], True)])
def test_spool_file_does_not_grow(agent, daemon, answers, grows):
    """But what msgraphd may still be reading stays where it is."""
    message = (b"From: m@x.test\r\nContent-Type: text/plain; charset=utf-8"
               b"\r\n\r\n" + "ä line\r\n".encode() * 10000)
    daemon.answers = answers[:]
    agent.run(agent.argv(*PEOPLE), message)
    places = [replaced(request) for request in requests(daemon, 3)]
    starts = [len(message)] * 2 + [places[1][1] if grows else len(message)]
    for (at, _), start in zip(places, starts):
        assert start < at < start + 100  # behind it, the header's new fields


# --- what Postfix rewrote

REWRITTEN = {
    # name: (originals, recipients, To before, To after, Bcc)
    "in its place": (
        ["l@x.a"], ["a@y.a"], "K <k@x.a>,\r\n L <L@x.a>", "L <a@y.a>", None),
    "two, in their places": (
        ["l@x.a", "k@x.a"], ["a@y.a", "b@y.a"], "K <k@x.a>,\r\n L <l@x.a>",
        "K <b@y.a>,\r\n L <a@y.a>", None),
    "for several": (
        ["l@x.a", "l@x.a"], ["a@y.a", "b@y.a"], "l@x.a", None,
        "a@y.a,\r\n\tb@y.a"),
    "not known": ([""], ["a@y.a"], "l@x.a", None, "a@y.a"),
    "none given": ([], ["a@y.a"], "l@x.a", None, "a@y.a"),
    "one too few": (
        ["l@x.a"], ["a@y.a", "b@y.a"], "l@x.a", None, "a@y.a,\r\n\tb@y.a"),
    "one too many": (["l@x.a", "k@x.a"], ["a@y.a"], "l@x.a", None, "a@y.a"),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_rewritten(agent, daemon, name):
    originals, recipients, before, after, bcc = REWRITTEN[name]
    argv = [str(AGENT), "-c", str(agent.conf), *OPTIONS,
            *(f"--original-recipient={a}" for a in originals), "--",
            *recipients]
    assert agent.run(argv, f"To: {before}\r\n\r\n".encode()).returncode == 0
    want = "".join(f"{field}: {value}\r\n"
                   for field, value in (("To", after), ("Bcc", bcc)) if value)
    assert daemon.next().message.decode() == want + "\r\n"
