"""24 hours of sending: what day.py does, and what must be true of it."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict

import pytest

from simulation.day import (DAY, RENEW_EARLY, RETENTION, STEP, Client, Day,
                 SimulatedDaemon, at)
from emulator.client import Emulator

SETTINGS = {
    "connect_timeout": "5s",
    "request_timeout": "10s",
    "throttle_wait": "0s",
    "auth_cache_ttl": "10m",
    "state_retention": f"{RETENTION}m",
    "log_level": "info",
}

# busy signs in for each message, as printers do; the others rely on what
# msgraphd has stored. A tenant's policy may make tokens short or long.
# None ends within seconds of a step: a clock that was set is followed in whole
# seconds.
BUSY, QUIET, SHORT, LONG, ROTATES = CLIENTS = [
    Client("busy", 3570, STEP),
    Client("quiet", 5370, 0),
    Client("short", 570, 0),
    Client("long", 86370, 60),
    Client("rotates", 3570, 0),
]
GRAPH_DOWN = range(at("08:00"), at("08:40"))
ENTRA_DOWN = range(at("10:00"), at("10:50"))
OLD_SECRET_GONE = at("12:00")
NEW_SECRET = at("14:00")
THROTTLED = range(at("15:00"), at("15:30"))
ASLEEP = range(at("18:00"), at("21:00"))
RESTART = at("22:00")


def graph_goes(day: Day) -> None:
    day.m365.rules({"endpoint": "sendMail", "status": 503, "times": -1})


def entra_goes(day: Day) -> None:
    day.m365.rules({"endpoint": "token", "status": 503, "times": -1})
    day.entra_answers = False


def comes_back(day: Day) -> None:
    day.m365.clear_rules()
    day.entra_answers = True


def secret_is_replaced(_day: Day) -> None:
    ROTATES.secret = "second secret"


def client_learns_it(day: Day) -> None:
    day.register(ROTATES)
    day.sign_in([ROTATES])


def graph_throttles(day: Day) -> None:
    seconds = (THROTTLED.stop - THROTTLED.start) * 60
    day.m365.rules({
        "endpoint": "sendMail", "match": {"mailbox": QUIET.mailbox},
        "status": 429, "headers": {"Retry-After": str(seconds)},
        "body": {"error": {"code": "ApplicationThrottled"}}})


def host_sleeps(day: Day) -> None:
    day.clock.passes(ASLEEP.stop - ASLEEP.start)


def daemon_restarts(day: Day) -> None:
    assert day.daemon.stop() == 0
    day.start_daemon()


def daemon_is_killed(day: Day) -> None:
    day.daemon.stop(9)
    day.start_daemon()


# steps of the wall clock that are too long to be waited out
EVENTS = {
    at("04:00"): lambda day: day.clock.wall_steps(90),
    at("05:00"): lambda day: day.clock.wall_steps(-180),
    GRAPH_DOWN.start: graph_goes, GRAPH_DOWN.stop: comes_back,
    ENTRA_DOWN.start: entra_goes, ENTRA_DOWN.stop: comes_back,
    OLD_SECRET_GONE: secret_is_replaced, NEW_SECRET: client_learns_it,
    THROTTLED.start: graph_throttles,
    at("15:10"): lambda day: day.clock.wall_steps(90),
    ASLEEP.start: host_sleeps,
    RESTART: daemon_restarts, at("23:00"): daemon_is_killed,
}

# Between these nothing is restarted, and all has been met once.
STEADY = range(at("06:00"), at("18:00"))


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        settings = {**SETTINGS, "login_endpoint": m365.url,
                    "graph_endpoint": m365.url, "ca_file": m365.ca_file}
        daemon = SimulatedDaemon(tmp_path_factory.mktemp("day"), settings)
        with daemon:
            day = Day(m365, daemon, CLIENTS)
            day.run(EVENTS)
            yield day


def test_every_message_went_once(day):
    assert not day.waiting
    assert {m.replies[-1][1].status for m in day.messages} == {"sent"}
    taken = Counter(int(mail.subject) for mail in day.m365.mail())
    assert {number: count for number, count in taken.items()
            if number >= 0} == {m.number: 1 for m in day.messages}
    assert len(day.messages) == len(CLIENTS) * len(day.began)
    assert "outcome=unknown" not in day.daemon.log()


def deferrals(day: Day) -> dict[str, set[int]]:
    """For each client, the minutes in which something was deferred."""
    found = defaultdict(set)
    for message in day.messages:
        for minute, reply in message.replies:
            if reply.status != "sent":
                found[message.client.name].add(minute)
    return found


def test_mail_waits_only_where_there_is_a_reason(day):
    """Not for clock steps, not while Entra is away and tokens live, and
    never longer than the trouble lasts."""
    found = deferrals(day)
    graph = set(range(GRAPH_DOWN.start, GRAPH_DOWN.stop, STEP))
    throttled = set(range(THROTTLED.start, THROTTLED.stop, STEP))
    assert found["busy"] == found["long"] == graph
    assert found["quiet"] - set(ENTRA_DOWN) == graph | throttled
    assert found["short"] - set(ENTRA_DOWN) == graph
    old_secret = found["rotates"] - graph - set(ENTRA_DOWN)
    assert old_secret <= set(range(OLD_SECRET_GONE, NEW_SECRET))
    assert at("13:30") in old_secret


def test_mail_waits_for_entra_only_without_a_token(day):
    """Renewal fails for most of an hour; who has a token goes on with it."""
    uses, waits = day.uses(), 0
    for message in day.messages:
        for minute, reply in message.replies:
            if reply.dsn != "4.4.1":
                continue
            client = message.client
            last = max(use.issued for use in uses
                       if use.client == client.name and use.minute <= minute)
            assert (minute - last) * 60 + 60 >= client.life
            waits += 1
    assert waits > 0


def test_deferrals_say_why(day):
    codes = defaultdict(set)
    for message in day.messages:
        for minute, reply in message.replies:
            if reply.status != "sent":
                codes[minute, message.client.name].add(reply.dsn)
    assert codes[GRAPH_DOWN.start, "busy"] == {"4.3.2"}
    assert codes[ENTRA_DOWN.stop - STEP, "short"] == {"4.4.1"}
    assert codes[at("13:30"), "rotates"] == {"4.7.8"}
    assert codes[THROTTLED.start + STEP, "quiet"] == {"4.4.5"}


def test_throttled_mailbox_is_left_alone(day):
    calls = [use.minute for use in day.uses() if use.client == "quiet"]
    assert [m for m in calls if m in THROTTLED] == [THROTTLED.start]


def test_no_token_is_used_past_its_end(day):
    lives = {client.name: client.life for client in CLIENTS}
    late = [use for use in day.uses()
            if (use.minute - use.issued) * 60 >= lives[use.client]]
    assert not late


@pytest.mark.parametrize("client", [QUIET, SHORT], ids=lambda c: c.name)
def test_tokens_are_renewed_on_time(day, client):
    """Not before the last five minutes, and before anybody has to wait."""
    issues = sorted({use.issued for use in day.uses()
                     if use.client == client.name})
    gaps = [(b - a) * 60 for a, b in zip(issues, issues[1:])]
    assert min(gaps) >= client.life - RENEW_EARLY
    disturbed = {*ENTRA_DOWN, *ASLEEP, *THROTTLED,
                 *range(RESTART - STEP, DAY)}
    undisturbed = [gap for gap, start in zip(gaps, issues)
                   if disturbed.isdisjoint(range(start, start + gap // 60))]
    assert len(undisturbed) > len(gaps) / 2
    assert max(undisturbed) < client.life
    expected = DAY * 60 / (client.life - RENEW_EARLY)
    assert len(issues) <= expected + 1


def test_one_request_at_a_time_for_an_identity(day):
    most = day.m365.stats()["max_simultaneous"]["token"]
    assert max(most[identity] for identity in most) == 1


def test_sign_ins_ask_entra_as_seldom_as_they_may(day):
    """busy: three every five minutes, and a cache of ten."""
    assert all(answer == "OK" for _, _, answer in day.sign_ins)
    asked = [r for r in day.m365.requests("token") if r.client == BUSY.id]
    signed_in = [1 for _, client, _ in day.sign_ins if client is BUSY]
    assert len(signed_in) >= 3 * len(day.began)
    # every ten minutes, while Entra is down every five; never three at once
    assert len(asked) <= len(day.began) / 2 + len(ENTRA_DOWN) / STEP + 5


def test_refused_secret_is_one_warning_an_hour(day):
    warnings = re.findall(
        rf"{ROTATES.id}, reason=credential, status=refused \(mail waits",
        day.daemon.log())
    assert 1 <= len(warnings) <= 2


def test_nothing_grows(day):
    """The least of the evening against the most of the morning: how many
    answers meet in one moment, each with its buffers, is chance."""
    steady = [s for s in day.samples if s.minute in STEADY]
    third = len(steady) // 3
    first, last = steady[:third], steady[-third:]
    growth = min(s.memory for s in last) - max(s.memory for s in first)
    assert growth < 128 * 1024
    assert min(s.descriptors for s in last) <= \
        max(s.descriptors for s in first)


def test_state_forgets_what_is_old(day):
    """Rows of the last hour remain, and not those of the day."""
    assert day.daemon.stop() == 0
    file = day.daemon.directory / "state" / "state.db"
    with sqlite3.connect(file) as state:
        rows = {table: state.execute(
            f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in ("delivery", "throttle", "credential")}
    state.close()
    recent = [m for m in day.messages
              if m.replies[-1][0] > DAY - RETENTION - 2 * STEP]
    assert 0 < rows["delivery"] <= len(recent) < len(day.messages) / 10
    assert rows["credential"] == len(CLIENTS)
    assert rows["throttle"] <= 1  # goes when the next one is written
    assert file.stat().st_size < 512 * 1024
    wal = file.with_name("state.db-wal")
    assert not wal.exists() or wal.stat().st_size == 0
