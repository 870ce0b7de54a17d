"""msgraphd alone, in trouble: throttling, refusals, outages, bounces."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, MESSAGE, NUMBERS, SECRET, TENANT, USER, daemon, m365, send, settings_for,
    shared_m365, token_requests)

# --- throttling, concurrency, refusals

def throttled(after: str, code: str = "ApplicationThrottled") -> dict:
    return {"endpoint": "sendMail", "status": 429,
            "headers": {"Retry-After": after},
            "body": {"error": {"code": code, "message": "slow down"}}}


def test_short_retry_after_is_waited_out(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules(throttled("1"))
    assert send(daemon, identity=USER).status == "sent"
    first, second = m365.requests("sendMail")
    assert second.time - first.time >= 1.0


@pytest.mark.parametrize("code, other_is_held", [
    ("ApplicationThrottled", False), ("TooManyRequests", True)])
def test_long_retry_after_holds_and_survives(m365, daemon, code,
                                             other_is_held):
    daemon.auth(USER, SECRET)
    m365.rules(throttled("300", code))
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.5")
    assert code in reply.text
    daemon.stop(9)
    daemon.start()
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.5")
    assert len(m365.requests("sendMail")) == 1
    message = MESSAGE.replace(b"scan@", b"other@")
    other = daemon.submit(message, identity=USER, mailbox="other@example.com")
    assert (other.status == "deferred") == other_is_held


def test_retry_after_as_a_date_and_absurd(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules(throttled("99999999999"))
    assert send(daemon, identity=USER).status == "deferred"
    assert re.search(r"for 3[56]\d\d more seconds",
                     send(daemon, identity=USER).text)


TOO_MANY = {"endpoint": "token", "status": 429, "body": "Too Many",
            "headers": {"Retry-After": "300"}}
OTHERS = [CLIENT.replace("a", letter) for letter in "fb"]


def test_entra_throttles_an_application_then_its_tenant(m365, daemon):
    """One is held for itself; a second one within a minute holds all."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    users = [USER, *(f"{TENANT}:{other}" for other in OTHERS)]
    for user in users:
        m365.app(TENANT, user[37:], SECRET)
        assert daemon.auth(user, SECRET) == "OK"
    m365.rules({**TOO_MANY, "times": 2})
    assert daemon.auth(USER, SECRET) == ""
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == ""
    assert token_requests(m365) == 4
    # what was told last is not kept over a restart
    assert daemon.auth(f"{TENANT}:{OTHERS[0]}", SECRET) == ""
    m365.rules(TOO_MANY)
    assert daemon.auth(f"{TENANT}:{OTHERS[1]}", SECRET) == ""
    assert token_requests(m365) == 6
    third = CLIENT.replace("a", "d")
    m365.app(TENANT, third, SECRET)
    for _ in range(2):
        assert daemon.auth(f"{TENANT}:{third}", SECRET) == ""
        daemon.stop()
        daemon.start()
    assert token_requests(m365) == 6


def test_one_throttled_application_holds_no_other(m365, daemon):
    m365.app(TENANT, OTHERS[0], SECRET)
    m365.rules({**TOO_MANY, "times": 1})
    assert daemon.auth(USER, SECRET) == ""
    assert daemon.auth(f"{TENANT}:{OTHERS[0]}", SECRET) == "OK"


@pytest.mark.parametrize("token", ["lives", "is near its end"])
def test_throttling_is_no_outage(m365, daemon, token):
    """A guess of somebody else brings it about; the withdrawn secret, which was
    accepted a moment ago, stays out."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    if token != "lives":
        m365.app(TENANT, CLIENT, SECRET, expires_in=3)
    assert daemon.auth(USER, SECRET) == "OK"
    m365.app(TENANT, CLIENT, "new")
    m365.rules({**TOO_MANY, "times": -1})
    assert daemon.auth(USER, "guess") == ""
    assert daemon.auth(USER, SECRET) == ""
    assert daemon.auth(USER, SECRET) == ""
    assert "status=accepted" not in daemon.log()
    assert "reason=throttled, status=unavailable" in daemon.log()
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == ""


@pytest.mark.parametrize("rule", [
    {"status": 403, "body": "<html>blocked</html>"},
    {"status": 500, "body": {"error": "server_error"}},
    {"action": "close"}], ids=str)
def test_failure_over_a_guess_is_no_outage(m365, daemon, rule):
    """Somebody in front of Entra may dislike what was typed."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.app(TENANT, CLIENT, "new")
    # a connection that closes is tried twice
    m365.rules({"endpoint": "token", **rule})
    guess = daemon.auth(USER, "<script>")
    assert guess == "" or rule.get("action")
    assert daemon.auth(USER, SECRET).startswith("NO AADSTS7000215")
    m365.app(TENANT, CLIENT, SECRET)
    assert daemon.auth(USER, "new").startswith("NO")
    assert "status=accepted" not in daemon.log()


def test_outage_that_a_guess_meets_first(m365, daemon):
    """The stored secret is asked about all the same, and then in grace."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    assert daemon.auth(USER, "guess") == ""
    assert daemon.auth(USER, "guess") == ""
    assert token_requests(m365) == 2
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(USER, "guess") == ""
    assert daemon.auth(USER, SECRET) == "OK"
    assert token_requests(m365) == 3


def test_throttling_after_an_outage_is_none_either(m365, daemon):
    """Nor does it begin while Entra is asked again."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "status": 503},
               {**TOO_MANY, "headers": {"Retry-After": "1"}},
               {"endpoint": "token", "action": "stall"})
    assert daemon.auth(USER, SECRET) == "OK"
    Daemon.wait(lambda: daemon.auth(USER, SECRET) == "" and
                token_requests(m365) == 3)
    Daemon.wait(lambda: daemon.auth(USER, "guess", timeout=20) == "" and
                token_requests(m365) == 4, 30)
    m365.call("POST", "/release")


def test_short_retry_after_of_entra_is_waited_out(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.expire_tokens()
    m365.rules({"endpoint": "token", "status": 429, "body": "Too Many",
                "headers": {"Retry-After": "2"}})
    assert send(daemon, identity=USER).status == "sent"
    _, first, second = m365.requests("token")
    assert second.time - first.time >= 2


def test_long_retry_after_of_entra_defers_the_tenant(m365, daemon):
    users = [USER, *[f"{TENANT}:{other}" for other in OTHERS]]
    for user in users:
        m365.app(TENANT, user[37:], SECRET)
        daemon.auth(user, SECRET)
    m365.expire_tokens()
    m365.rules({**TOO_MANY, "times": 2})
    for user in users:
        reply = send(daemon, identity=user)
        assert (reply.status, reply.dsn) == ("deferred", "4.4.5")
        assert re.search("Entra asks to slow down for (300|299) s",
                         reply.text)
    assert token_requests(m365) == 5


CONCURRENCY = "Application is over its MailboxConcurrency limit."


@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests",
                                  "ErrorExceededMessageLimit", ""])
def test_concurrency_is_of_a_mailbox_then_of_the_application(m365, daemon,
                                                             code):
    """Whatever the code is."""
    boxes = [f"{name}@example.com" for name in ("one", "two", "three")]
    rule = {"endpoint": "sendMail", "status": 429, "times": 1,
            "headers": {"Retry-After": "300"},
            "body": {"error": {"code": code, "message": CONCURRENCY}}}

    def try_all() -> list[str]:
        replies = [daemon.submit(
            MESSAGE.replace(b"scan@example.com", box.encode()) +
            f"{next(NUMBERS)}\r\n".encode(), identity=USER, mailbox=box)
            for box in boxes]
        assert {r.dsn for r in replies} <= {"2.0.0", "4.4.5"}
        return [r.status for r in replies]

    daemon.auth(USER, SECRET)
    m365.rules({**rule, "match": {"mailbox": boxes[0]}})
    assert try_all() == ["deferred", "sent", "sent"]
    m365.rules({**rule, "match": {"mailbox": boxes[1]}})
    assert try_all() == ["deferred"] * 3
    assert len(m365.requests("sendMail")) == 4
    assert "reason=throttled, dsn=4.4.5, status=deferred" in daemon.log()


def test_four_at_once_to_a_mailbox_and_others_go_on(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "match": {
        "mailbox": "scan@example.com"}, "action": "stall", "times": 4})
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(
        send(daemon, identity=USER))) for _ in range(9)]
    for thread in threads:
        thread.start()
    m365.wait_requests("sendMail", 4)
    other = MESSAGE.replace(b"scan@", b"other@")
    assert daemon.submit(other, identity=USER,
                         mailbox="other@example.com").status == "sent"
    assert len(m365.requests("sendMail")) == 5
    m365.call("POST", "/release")
    for thread in threads:
        thread.join()
    assert len(replies) == 9
    most = m365.stats()["max_simultaneous"]["sendMail"]
    assert most["scan@example.com"] == 4


def test_refusal_bounces_after_its_grace(m365, daemon):
    daemon.settings["access_denied_grace"] = "0s"
    daemon.stop()
    daemon.start()
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "status": 403, "times": -1,
                "body": {"error": {"code": "ErrorSendAsDenied"}}})
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("bounced", "5.7.60")


REFUSED = {"endpoint": "sendMail", "status": 403,
           "body": {"error": {"code": "ErrorAccessDenied"}}}
NO_MAILBOX = {"endpoint": "sendMail", "status": 404,
              "body": {"error": {"code": "ErrorInvalidUser"}}}


@pytest.mark.parametrize("between, status", [
    ([REFUSED], "bounced"),
    ([], "bounced"),
    ([NO_MAILBOX], "deferred"),
    ([REFUSED, NO_MAILBOX], "deferred"),
    ([{"endpoint": "sendMail", "status": 503}], "deferred"),
    ([{"endpoint": "sendMail", "action": "close"}], "deferred"),
], ids=["the same", "nothing", "another", "it and another", "busy", "none"])
def test_grace_is_of_a_refusal_that_has_stood(m365, daemon, between, status):
    """One that was mended, or is another now, has its own time."""
    daemon.stop()
    daemon.settings["access_denied_grace"] = "2s"
    daemon.start()
    daemon.auth(USER, SECRET)
    m365.rules(REFUSED, *between)
    for _ in range(1 + len(between)):
        assert daemon.submit(MESSAGE, identity=USER).status == "deferred"
        time.sleep(0.2)
    daemon.stop(9)
    time.sleep(2)
    daemon.start()
    m365.rules(REFUSED)
    reply = daemon.submit(MESSAGE, identity=USER)
    assert (reply.status, reply.dsn[1:]) == (status, ".7.1")


def test_connection_that_gave_503_is_not_used_again(m365, daemon):
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    m365.rules({"endpoint": "sendMail", "status": 503})
    assert send(daemon, identity=USER).dsn == "4.3.2"
    assert send(daemon, identity=USER).status == "sent"
    a, b, c = (r.connection for r in m365.requests("sendMail"))
    assert a == b and b != c


# --- outages

@pytest.fixture
def slow_dns(m365, tmp_path):
    """A msgraphd whose resolver does not answer."""
    library = tmp_path / "slowdns.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE",
                    "-o", library, Path(__file__).parent / "slowdns.c"],
                   check=True)
    daemon = Daemon(tmp_path, {**settings_for(m365), "connect_timeout": "1s",
                               "login_endpoint": "https://login.test"})
    daemon.env |= {"LD_PRELOAD": str(library),
                   "ASAN_OPTIONS": "verify_asan_link_order=0"}
    with daemon:
        yield daemon


def test_dead_resolver_holds_nobody_up(slow_dns):
    """Neither when a question times out nor when msgraphd stops."""
    asked = threading.Thread(target=slow_dns.auth, args=(USER, SECRET))
    asked.start()
    waits = []
    while asked.is_alive():
        start = time.monotonic()
        assert slow_dns.auth("no name of ours", "x").startswith("NO")
        waits.append(time.monotonic() - start)
        time.sleep(0.02)
    asked.join()
    assert "cannot ask Entra" in slow_dns.log()
    assert max(waits) < 3
    asked = threading.Thread(target=slow_dns.auth, args=(
        USER.replace("a", "f"), SECRET))
    asked.start()
    Daemon.wait(lambda: slow_dns.log().count("slowdns: asked") == 2)
    start = time.monotonic()
    assert slow_dns.stop() == 0
    assert time.monotonic() - start < 5
    asked.join()


def test_outage_grace_accepts_the_stored_secret_only(m365, daemon):
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(USER, "wrong") == ""
    assert daemon.auth(USER.replace("a", "f"), SECRET) == ""
    assert "status=accepted (Entra cannot be asked" in daemon.log()


def test_stalled_entra_is_not_waited_for_in_grace(m365, daemon):
    daemon.settings |= {"auth_cache_ttl": "0s", "request_timeout": "30s"}
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "action": "stall", "times": -1})
    start = time.monotonic()
    assert daemon.auth(USER, SECRET) == "OK"
    assert 3 < time.monotonic() - start < 10
    start = time.monotonic()
    assert daemon.auth(USER, SECRET) == "OK"
    assert time.monotonic() - start < 2
    m365.call("POST", "/release")


def test_entra_that_fails_is_asked_ever_less_often(m365, daemon):
    """And once it has failed, nobody in grace waits for what it says next."""
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "status": 503, "times": 2},
               {"endpoint": "token", "action": "stall"})
    Daemon.wait(lambda: daemon.auth(USER, SECRET) == "OK" and
                token_requests(m365) == 4)
    start = time.monotonic()
    assert daemon.auth(USER, SECRET) == "OK"
    assert time.monotonic() - start < 2
    _, first, second, third = (r.time for r in m365.requests("token"))
    assert second - first >= 1
    assert third - second >= 2
    Daemon.wait(lambda: daemon.log().count("status=unavailable") == 3)
    assert daemon.auth(USER, "wrong") == ""
    assert token_requests(m365) == 4
    m365.call("POST", "/release")


def test_refusal_ends_the_outage_grace(m365, daemon):
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.app(TENANT, CLIENT, "new")
    for _ in range(2):
        assert daemon.auth(USER, SECRET).startswith("NO")
    assert daemon.log().count("warning: NOQUEUE") == 1
    assert "is not accepted any more: AADSTS7000215" in daemon.log()
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == ""


def test_renewal_that_fails_keeps_a_valid_token(m365, daemon):
    m365.app(TENANT, CLIENT, SECRET, expires_in=4)
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "token", "status": 503, "times": -1})
    Daemon.wait(lambda: send(daemon, identity=USER).status == "sent" and
                token_requests(m365) > 1)
    assert send(daemon, identity=USER).status == "sent"


def test_refused_secret_defers_and_heals(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.app(TENANT, CLIENT, "new", expired_secrets=[SECRET])
    m365.expire_tokens()
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert "AADSTS7000222" in reply.text and "expired" in reply.text
    send(daemon, identity=USER)
    assert daemon.log().count("mail waits") == 1
    assert daemon.auth(USER, "new") == "OK"
    assert send(daemon, identity=USER).status == "sent"


# --- bounces

BOUNCE = (b"From: scan@example.com\r\nTo: scan@example.com\r\n"
          b"Subject: Undelivered Mail\r\n\r\nbounce\r\n")


def test_bounce_table_knows_who_has_sent(m365, daemon):
    daemon.auth(USER, SECRET)
    assert daemon.bounce("To: scan@example.com") == ["NOTFOUND "]
    send(daemon, identity=USER)
    assert daemon.bounce(
        "Subject: x", "To: Scan@Example.com", "To: rcpt@example.org",
        "to:scan@example.com", "To: scan@example.com, other@example.com",
        "X-To: scan@example.com", "To: <scan@example.com>") == [
        "NOTFOUND ", "OK FILTER msgraph:scan@example.com", "NOTFOUND ",
        "OK FILTER msgraph:scan@example.com", "NOTFOUND ", "NOTFOUND ",
        "NOTFOUND "]


def test_bounce_goes_as_the_client_that_sent_last(m365, daemon):
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    daemon.stop()
    daemon.start()
    reply = daemon.submit(BOUNCE, identity="", sender="",
                          recipient="Scan@example.com")
    assert reply.status == "sent"
    assert m365.mail()[-1].recipients == ["scan@example.com"]


@pytest.mark.parametrize("fields", [
    {"sender": "x@example.com"}, {"recipient": "other@example.org"},
    {"mailbox": "new@example.com", "recipient": "new@example.com"}])
def test_no_identity_for_what_is_no_bounce(m365, daemon, fields):
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    reply = daemon.submit(BOUNCE, **{
        "identity": "", "sender": "", "recipient": "scan@example.com",
        **fields})
    assert (reply.status, reply.dsn) == ("deferred", "4.3.5")
    assert len(m365.mail()) == 1


def test_loop_of_bounces_ends(m365, daemon):
    """A rule of the mailbox may turn each notice into the next."""
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    daemon.submit(MESSAGE.replace(b"scan@", b"quiet@"), identity=USER,
                  mailbox="quiet@example.com")
    line = "To: scan@example.com"
    assert daemon.bounce(*[line] * 62) == \
        ["OK FILTER msgraph:scan@example.com"] * 60 + ["NOTFOUND "] * 2
    assert daemon.bounce("To: quiet@example.com") == \
        ["OK FILTER msgraph:quiet@example.com"]
    assert daemon.log().count("more than 60 notices") == 1


def test_bounce_via_graph_can_be_off(m365, daemon):
    daemon.settings["bounce_via_graph"] = "no"
    daemon.stop()
    daemon.start()
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    assert daemon.bounce("To: scan@example.com") == ["NOTFOUND "]
