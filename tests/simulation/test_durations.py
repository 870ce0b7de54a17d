"""Each duration that msgraphd keeps, looked at just before its end and just
after, on a clock that is moved there; and the same when the wall clock is set
meanwhile, which must change nothing."""

from __future__ import annotations

import pytest

from simulation.day import Client, Message, SimulatedDaemon
from emulator.client import Emulator

HOUR = 60
DAY = 24 * HOUR
STEPS = [0, 3 * HOUR, -3 * HOUR]  # of the wall clock, in minutes


class Person:
    """An application that has signed in, and its messages."""

    def __init__(self, m365: Emulator, daemon: SimulatedDaemon,
                 life: int = 3599) -> None:
        self.m365, self.daemon = m365, daemon
        self.client = Client("person", life, 0)
        self.count = 0
        m365.app(self.client.user[:36], self.client.id, self.client.secret,
                 expires_in=life)
        assert self.sign_in() == "OK"

    def sign_in(self, secret: str | None = None) -> str:
        return self.daemon.auth(
            self.client.user, self.client.secret if secret is None else secret)

    def message(self) -> Message:
        self.count += 1
        return Message(self.client, self.count, 0)

    def send(self, message: Message | None = None):
        message = message or self.message()
        return self.daemon.submit(
            message.raw, identity=self.client.user,
            mailbox=self.client.mailbox, queue_id=f"P{message.number}")

    def asked(self) -> int:
        return len([r for r in self.m365.requests("token")
                    if r.client == self.client.id])


@pytest.fixture
def person(m365, daemon):
    return Person(m365, daemon)


@pytest.fixture(params=STEPS, ids=lambda step: f"wall{step:+}")
def set_wall(request, daemon):
    """Sets the wall clock by so much when it is called."""
    return lambda: daemon.clock.wall_steps(request.param)


def passes(daemon: SimulatedDaemon, minutes: int) -> None:
    daemon.clock.passes(minutes)


# --- sign-in

def test_accepted_secret_counts_for_ten_minutes(daemon, person, set_wall):
    passes(daemon, 9)
    set_wall()
    assert (person.sign_in(), person.asked()) == ("OK", 1)
    passes(daemon, 1)
    assert (person.sign_in(), person.asked()) == ("OK", 2)


def test_refused_secret_counts_for_half_a_minute(daemon, person, set_wall):
    assert person.sign_in("guess").startswith("NO")
    set_wall()
    assert person.sign_in("guess").startswith("NO")
    assert person.asked() == 2
    passes(daemon, 1)
    assert person.sign_in("guess").startswith("NO")
    assert person.asked() == 3


def test_outage_grace_is_twelve_hours(m365, daemon, person):
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    passes(daemon, 12 * HOUR - 1)
    assert person.sign_in() == "OK"
    assert person.sign_in("guess") == ""
    passes(daemon, 2)
    assert person.sign_in() == ""
    m365.clear_rules()
    passes(daemon, 1)
    assert person.sign_in() == "OK"


def test_living_token_outlasts_the_grace(m365, daemon):
    person = Person(m365, daemon, life=86399)
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    passes(daemon, 23 * HOUR)
    assert person.sign_in() == "OK"
    passes(daemon, HOUR)
    assert person.sign_in() == ""


TOO_MANY = {"endpoint": "token", "status": 429, "body": "Too Many",
            "headers": {"Retry-After": "600"}}


def test_entra_is_left_alone_as_long_as_it_says(m365, daemon, person,
                                                set_wall):
    """One application; the whole tenant, once a second one is told within a
    minute."""
    first, second, third, fourth, *others = (
        Client(name, 3599, 0) for name in "abcdef")

    def is_asked(client: Client) -> bool:
        before = len(m365.requests("token"))
        daemon.auth(client.user, "x")
        return len(m365.requests("token")) > before

    m365.rules({**TOO_MANY, "times": 2})
    assert is_asked(first)
    passes(daemon, 1)
    assert is_asked(second)
    assert is_asked(third)
    assert not is_asked(first)
    set_wall()
    m365.rules(TOO_MANY)
    assert is_asked(fourth)
    assert not is_asked(others[0])
    passes(daemon, 9)
    assert not is_asked(third)
    passes(daemon, 1)
    assert is_asked(others[1])


# --- tokens

def test_token_is_used_to_its_end_and_not_longer(m365, daemon, person,
                                                 set_wall):
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    passes(daemon, 59)
    set_wall()
    assert person.send().status == "sent"
    passes(daemon, 1)
    assert person.send().dsn == "4.4.1"


def test_host_that_slept_asks_for_a_token_first(m365, daemon, person):
    passes(daemon, 8 * HOUR)
    assert person.send().status == "sent"
    assert [r.status for r in m365.requests("sendMail")] == [202]
    assert person.asked() == 2


# --- refusals and throttling

def test_refusal_bounces_after_a_day(m365, daemon, person):
    m365.rules({"endpoint": "sendMail", "status": 403, "times": -1,
                "body": {"error": {"code": "ErrorAccessDenied"}}})
    message = person.message()
    assert person.send(message).dsn == "4.7.1"
    for minutes in (12 * HOUR, 12 * HOUR - 1):
        passes(daemon, minutes)
        daemon.stop(9)
        daemon.start()
        assert person.send(message).dsn == "4.7.1"
    assert person.send().dsn == "4.7.1"  # another has its own day
    passes(daemon, 1)
    reply = person.send(message)
    assert (reply.status, reply.dsn) == ("bounced", "5.7.1")


def test_other_trouble_never_bounces(m365, daemon, person):
    m365.rules({"endpoint": "sendMail", "status": 500, "times": -1})
    message = person.message()
    for _ in range(6):
        assert person.send(message).status == "deferred"
        passes(daemon, DAY)


def test_hold_lasts_as_long_as_graph_says(m365, daemon, person, set_wall):
    m365.rules({"endpoint": "sendMail", "status": 429,
                "headers": {"Retry-After": "600"}})
    assert person.send().dsn == "4.4.5"
    set_wall()
    passes(daemon, 9)
    assert person.send().dsn == "4.4.5"
    passes(daemon, 1)
    assert person.send().status == "sent"
    assert len(m365.requests("sendMail")) == 2


@pytest.mark.parametrize("step, sent", [(0, False), (-3 * HOUR, False),
                                        (3 * HOUR, True)])
def test_hold_over_a_restart_is_never_too_long(m365, daemon, person, step,
                                               sent):
    """After one, only the wall clock can tell; what it says is not believed
    beyond an hour."""
    m365.rules({"endpoint": "sendMail", "status": 429,
                "headers": {"Retry-After": "600"}})
    assert person.send().dsn == "4.4.5"
    daemon.clock.wall_steps(step)
    daemon.stop()
    daemon.start()
    passes(daemon, 9)
    assert (person.send().status == "sent") == sent
    passes(daemon, 51)
    assert person.send().status == "sent"


# --- the journal

def test_acceptance_is_remembered_for_a_week(m365, daemon, person):
    message = person.message()
    assert person.send(message).status == "sent"
    passes(daemon, 7 * DAY - 2)
    daemon.stop()
    daemon.start()
    assert "accepted before" in person.send(message).text
    passes(daemon, 12)  # what is old goes every ten minutes
    daemon.wait(lambda: "accepted before" not in person.send(message).text)
    assert len(m365.mail()) == 2


def test_silent_client_is_forgotten_after_400_days(m365, daemon, person):
    """Not before: a secret is what its mail waits for."""
    passes(daemon, 2 * DAY)
    other = Person(m365, daemon)
    passes(daemon, 399 * DAY)
    daemon.wait(lambda: "forgot 1 applications" in daemon.log())
    reply = person.send()
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert "it must sign in again" in reply.text
    assert other.send().status == "sent"
    assert person.sign_in() == "OK"
    assert person.send().status == "sent"


def test_loop_of_bounces_is_counted_by_the_hour(m365, daemon, person):
    assert person.send().status == "sent"
    line = f"To: {person.client.mailbox}"
    first = daemon.bounce(line)
    assert daemon.bounce(*[line] * 60)[-1] == "NOTFOUND "
    passes(daemon, 59)
    assert daemon.bounce(line) == ["NOTFOUND "]
    passes(daemon, 1)
    assert daemon.bounce(line) == first
