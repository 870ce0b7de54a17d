"""One application's mail does not keep that of another out: msgraphd alone,
and in Postfix's place processes that hand over whatever there is."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from harness.daemon import Daemon
from harness.daemon_alone import (CLIENT, SECRET, TENANT, USER, m365,
                                  send, settings_for, shared_m365)
from harness.pipes import Pipes

__all__ = ["m365", "shared_m365"]  # fixtures

OTHER_TENANT = "22222222-2222-3333-4444-555555555555"
OTHER = f"{OTHER_TENANT}:{CLIENT}"
BOXES = [f"scan{number}@example.com" for number in range(30)]
POST = {"endpoint": "sendMail", "match": {"tenant": TENANT}, "times": -1}
FROM = "scan@example.com"  # of the message that send() sends
PROCESSES = 50

# What Graph does with the mail of the first application.
SLOW = {**POST, "action": "stall"}
THROTTLED = {**POST, "status": 429, "headers": {"Retry-After": "50"},
             "body": {"error": {"code": "ApplicationThrottled"}}}
THROTTLED_SHORTLY = {**THROTTLED, "headers": {"Retry-After": "4"}}
BRIEFLY = {**THROTTLED, "headers": {"Retry-After": "1"}, "times": 20}


def start(m365, tmp_path, processes: int, **settings: str) -> Daemon:
    m365.app(OTHER_TENANT, CLIENT, SECRET)
    return Daemon(tmp_path, {**settings_for(m365), "request_timeout": "120s",
                             "process_limit": str(processes),
                             "log_level": "info", **settings})


def sign_in(daemon: Daemon) -> None:
    for user in (USER, OTHER):
        assert daemon.auth(user, SECRET) == "OK"


@pytest.mark.parametrize("quick", [0, 100], ids=["new", "quick before"])
@pytest.mark.parametrize("rule", [SLOW, THROTTLED, THROTTLED_SHORTLY],
                         ids=["slow", "throttled", "throttled shortly"])
def test_backlog_that_stands_lets_others_through(m365, tmp_path, rule, quick):
    """quick: so many messages of the application have gone without trouble."""
    m365.rules(rule if not quick else {**POST, "delay": 0.05})
    with start(m365, tmp_path, PROCESSES) as daemon:
        sign_in(daemon)
        with Pipes(daemon, PROCESSES) as pipes:
            pipes.queue(USER, BOXES, 3000)
            if quick:
                pipes.wait(USER, quick, 30)
                m365.clear_rules()
                m365.rules(rule)
            for number in range(1, 5):
                pipes.queue(OTHER, ["box@example.net"], 1)
                last = pipes.wait(OTHER, number, 30)[-1]
                assert last.reply.status == "sent"
                assert last.waited < 2
                time.sleep(0.5)
            pipes.forget()
            assert set(pipes.statuses(USER)) - {("sent", "2.0.0")} == {
                ("deferred", "4.4.5")}
            m365.clear_rules()
            m365.release()
            daemon.stop()  # the few that wait would do so for long
        assert "reason=throttled, dsn=4.4.5" in daemon.log()


def test_short_throttling_is_waited_out(m365, tmp_path):
    m365.rules(BRIEFLY)
    with start(m365, tmp_path, 40) as daemon:
        sign_in(daemon)
        with Pipes(daemon, 20) as pipes:
            pipes.queue(USER, BOXES[:5], 40)
            pipes.wait(USER, 40, 30)
        assert pipes.statuses(USER) == {("sent", "2.0.0"): 40}


@pytest.mark.parametrize("boxes, inside", [(BOXES[:1], 2), (BOXES, 8)],
                         ids=["of a mailbox", "of an application"])
def test_few_wait_for_a_long_throttling(m365, tmp_path, boxes, inside):
    m365.rules({**THROTTLED, "headers": {"Retry-After": "6"}, "times": 1,
                "body": "Too Many Requests"})  # the application
    with start(m365, tmp_path, 100) as daemon:
        sign_in(daemon)
        with Pipes(daemon, 1) as pipes:
            pipes.queue(USER, BOXES[-1:], 1)
            m365.wait_requests("sendMail", 1)
            with Pipes(daemon, 40) as more:
                more.queue(USER, boxes, 40)
                deferred = 40 - inside + (len(boxes) > 1)
                more.wait(USER, deferred, 5)
                more.wait(USER, 40, 30)
                assert more.statuses(USER) == {
                    ("deferred", "4.4.5"): deferred,
                    ("sent", "2.0.0"): 40 - deferred}


def test_quick_backlog_goes_through_as_a_whole(m365, tmp_path):
    """Nothing is deferred, and the processes are in use: 1.2 times the ideal,
    and what starting takes."""
    processes, count, each = 20, 600, 0.3
    m365.rules({**POST, "delay": each})
    with start(m365, tmp_path, processes) as daemon:
        sign_in(daemon)
        began = time.monotonic()
        with Pipes(daemon, processes) as pipes:
            pipes.queue(USER, BOXES, count)
            pipes.wait(USER, count, 60)
        took = time.monotonic() - began
        assert pipes.statuses(USER) == {("sent", "2.0.0"): count}
        assert took < 1.2 * count * each / processes + 1


# --- a stop

def test_stop_defers_what_only_waits(m365, tmp_path):
    """Throttled, or behind others at its mailbox: neither is waited for."""
    m365.rules({**THROTTLED, "match": {"mailbox": BOXES[0]}},
               {**POST, "match": {"mailbox": FROM}, "action": "stall",
                "accept": True, "times": 1})
    replies = {}
    with start(m365, tmp_path, 100, mailbox_concurrency="1") as daemon:
        sign_in(daemon)

        def hand_over(name: str, mailbox: str) -> None:
            replies[name] = send(daemon, identity=USER, mailbox=mailbox)
        threads = [threading.Thread(target=hand_over, args=pair)
                   for pair in (("throttled", BOXES[0]), ("posted", FROM))]
        for thread in threads:
            thread.start()
        m365.wait_stalled()
        m365.wait_requests("sendMail", 2)
        threads.append(threading.Thread(target=hand_over,
                                        args=("behind", FROM)))
        threads[-1].start()
        Daemon.wait(lambda: submissions(daemon) == 3)
        daemon.process.send_signal(signal.SIGTERM)
        Daemon.wait(lambda: len(replies) == 2, 3)
        assert {(r.status, r.dsn) for r in replies.values()} == {
            ("deferred", "4.3.2")}
        assert daemon.process.poll() is None
        m365.release()
        assert daemon.stop() == 0
        for thread in threads:
            thread.join()
        assert replies["posted"].status == "sent"
    assert len(m365.mail()) == 1


def submissions(daemon: Daemon) -> int:
    """Connections to the submit socket that msgraphd has taken."""
    path = daemon.settings["submit_socket"]
    with open("/proc/net/unix", encoding="ascii") as table:
        return sum(line.split()[-1] == path and line.split()[5] == "03"
                   for line in table)


def test_stop_answers_sign_ins_not_now(m365, tmp_path):
    m365.rules({"endpoint": "token", "action": "stall"})
    with start(m365, tmp_path, 100) as daemon:
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(daemon.auth(USER, SECRET)))
        thread.start()
        m365.wait_stalled()
        began = time.monotonic()
        assert daemon.stop() == 0
        thread.join()
        assert time.monotonic() - began < 3
        assert answers == [""]
        m365.release()
