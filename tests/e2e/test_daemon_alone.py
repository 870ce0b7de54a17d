"""msgraphd alone: its sockets, what it asks Entra, what it posts to Graph."""

from __future__ import annotations

import base64
import itertools
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.client import Emulator  # noqa: E402
from harness.daemon import Daemon, Reply  # noqa: E402

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}:{CLIENT}"
SECRET = "s3cr3t~with+odd/chars=&%"
MESSAGE = (b"From: scan@example.com\r\nTo: rcpt@example.org\r\n"
           b"Subject: t\r\n\r\nbody\r\n")
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def shared_m365(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        yield m365


@pytest.fixture
def m365(shared_m365):
    shared_m365.reset()
    shared_m365.app(TENANT, CLIENT, SECRET)
    return shared_m365


@pytest.fixture
def daemon(m365, tmp_path):
    daemon = Daemon(tmp_path, settings_for(m365))
    with daemon:
        yield daemon


def settings_for(m365: Emulator) -> dict[str, str]:
    return {"login_endpoint": m365.url, "graph_endpoint": m365.url,
            "ca_file": m365.ca_file, "connect_timeout": "2s",
            "request_timeout": "3s"}


def send(daemon: Daemon, **fields: str) -> Reply:
    """A message that no other is like: the journal knows them by bytes."""
    return daemon.submit(
        MESSAGE + f"number {next(NUMBERS)}\r\n".encode(), **fields)


def token_requests(m365: Emulator) -> int:
    return len(m365.requests("token"))


# --- sign-in

def test_right_secret_is_accepted_and_cached(m365, daemon):
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(USER, SECRET) == "OK"
    assert token_requests(m365) == 1


def test_wrong_secret_is_refused_and_cached(m365, daemon):
    assert daemon.auth(USER, "wrong").startswith("NO AADSTS7000215")
    assert daemon.auth(USER, "wrong").startswith("NO")
    assert token_requests(m365) == 1
    assert daemon.auth(USER, SECRET) == "OK"


def test_realm_is_joined_again(daemon):
    assert daemon.auth(TENANT, SECRET, realm=CLIENT) == "OK"


@pytest.mark.parametrize("rule", [
    {"status": 503, "body": {"error": "temporarily_unavailable"}},
    {"status": 500, "body": {"error": "server_error"}},
    {"status": 429, "headers": {"Retry-After": "1"},
     "body": "Too Many Requests"},
    {"status": 400, "body": "<html>proxy says no</html>"},
    {"status": 200, "body": "not json"},
    {"status": 200, "body": {"token_type": "Bearer", "expires_in": 3599}},
    {"status": 200, "body": {"access_token": "a\r\nb", "expires_in": 3599}},
    {"status": 200, "body": {"access_token": "a", "expires_in": "soon"}},
    {"status": 302, "headers": {"Location": "https://localhost/"}},
    {"action": "garbage"}, {"action": "reset"}, {"action": "close"},
    {"action": "stall"},
], ids=lambda rule: str(rule.get("action") or rule.get("body"))[:24])
def test_odd_answer_is_not_now(m365, daemon, rule):
    m365.rules({"endpoint": "token", **rule})
    assert daemon.auth(USER, SECRET) == ""
    m365.call("POST", "/release")
    Daemon.wait(lambda: daemon.auth(USER, SECRET) == "OK")


def test_entra_down(m365, tmp_path):
    settings = settings_for(m365)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        settings["login_endpoint"] = f"https://localhost:{port}"
        with Daemon(tmp_path, settings) as daemon:
            assert daemon.auth(USER, SECRET) == ""


def test_untrusted_certificate_is_not_now(m365, tmp_path):
    settings = settings_for(m365)
    del settings["ca_file"]
    with Daemon(tmp_path, settings) as daemon:
        assert daemon.auth(USER, SECRET) == ""
        assert "certificate" in daemon.log()
    assert token_requests(m365) == 0


def test_many_sign_ins_are_one_token_request(m365, daemon):
    m365.rules({"endpoint": "token", "delay": 0.3, "accept": True})
    answers = []
    threads = [threading.Thread(
        target=lambda: answers.append(daemon.auth(USER, SECRET)))
        for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["OK"] * 20
    assert token_requests(m365) == 1


def test_strangers_do_not_delay_a_cached_sign_in(m365, daemon):
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "action": "stall", "times": -1})
    thread = threading.Thread(target=daemon.auth, args=(USER, "guess"))
    thread.start()
    m365.wait_requests("token", 2)
    assert daemon.auth(USER, SECRET) == "OK"
    m365.call("POST", "/release")
    thread.join()


def test_strangers_leave_room_for_known_clients(m365, daemon):
    """Guesses at identities that do not exist, all waiting for Entra."""
    assert daemon.auth(USER, SECRET) == "OK"
    daemon.stop()
    daemon.start()
    m365.expire_tokens()
    m365.rules({"endpoint": "token", "action": "stall", "times": 32})
    guesses = [threading.Thread(target=daemon.auth, args=(
        f"{TENANT}:{number:08x}{CLIENT[8:]}", "x")) for number in range(40)]
    for thread in guesses:
        thread.start()
    m365.wait_requests("token", 33)
    assert send(daemon, identity=USER).status == "sent"
    m365.call("POST", "/release")
    for thread in guesses:
        thread.join()
    assert "not known here sign in at once" in daemon.log()


@pytest.mark.parametrize("name", [
    "", ":", f"{TENANT}:", f":{CLIENT}", TENANT, f"{TENANT}:{CLIENT}:x",
    f"{TENANT}::{CLIENT}", f"{TENANT}:{CLIENT[:-1]}g", "é:ü",
])
def test_malformed_name_is_refused_without_asking(m365, daemon, name):
    assert daemon.auth(name, SECRET).startswith("NO")
    assert token_requests(m365) == 0


@pytest.mark.parametrize("request_bytes", [
    b"\xff\xff", b"\x00\x01a\x04\x01", b"\x00\x00" * 4 + b"x"])
def test_malformed_auth_request_is_dropped(daemon, request_bytes):
    assert daemon.auth_raw(request_bytes) == ""
    assert daemon.auth(USER, SECRET) == "OK"


# --- delivery

def test_message_is_posted_as_graph_wants_it(m365, daemon):
    daemon.auth(USER, SECRET)
    reply = send(daemon, identity=USER, mailbox="o'neil+a@ex.com")
    assert (reply.status, reply.dsn) == ("deferred", "4.7.60"), reply
    message = MESSAGE.replace(b"scan@example.com", b"o'neil+a@ex.com")
    reply = daemon.submit(message, identity=USER, mailbox="o'neil+a@ex.com")
    assert reply.status == "sent", reply
    request = m365.requests("sendMail")[-1]
    assert request.path == "/v1.0/users/o%27neil%2Ba%40ex.com/sendMail"
    assert request.header("Content-Type") == "text/plain"
    assert int(request.header("Content-Length")) == len(request.body)
    assert base64.b64decode(request.body, validate=True) == message
    assert request.header("Authorization").startswith("Bearer ")
    assert request.header("client-request-id")
    assert request.request_id in reply.text


def test_segments_are_joined_in_order(m365, daemon):
    daemon.auth(USER, SECRET)
    spool = b"xx" + MESSAGE[10:] + b"yy" + MESSAGE[:10]
    half = len(MESSAGE) - 10
    reply = daemon.submit(
        spool, [(2 + half + 2, 10), (2, 5), (7, half - 5)], identity=USER)
    assert reply.status == "sent", reply
    assert m365.mail()[0].raw == MESSAGE


@pytest.mark.parametrize("size", [1, 2, 3, 4, 48 * 1024, 48 * 1024 + 1,
                                  256 * 1024, 700_001])
def test_every_length_is_encoded_whole(m365, daemon, size):
    daemon.auth(USER, SECRET)
    message = MESSAGE + (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert daemon.submit(message, identity=USER).status == "sent"
    assert m365.mail()[0].raw == message


def test_connection_is_reused(m365, daemon):
    daemon.auth(USER, SECRET)
    for _ in range(5):
        assert send(daemon, identity=USER).status == "sent"
    assert len({r.connection for r in m365.requests("sendMail")}) == 1


def test_expired_token_is_renewed_once(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.expire_tokens()
    assert send(daemon, identity=USER).status == "sent"
    assert token_requests(m365) == 2
    m365.rules({"endpoint": "sendMail", "status": 401, "times": -1})
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert token_requests(m365) == 3


def test_two_tenants_have_their_own_tokens(m365, daemon):
    other = TENANT.replace("1", "2")
    m365.app(other, CLIENT, "other secret")
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(f"{other}:{CLIENT}", "other secret") == "OK"
    send(daemon, identity=USER)
    send(daemon, identity=f"{other}:{CLIENT}")
    assert [m.tenant for m in m365.mail()] == [TENANT, other]


def test_unknown_identity_is_deferred(daemon):
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert "sign in again" in reply.text


def test_no_answer_after_the_body_is_an_unknown_outcome(m365, daemon):
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    m365.rules({"endpoint": "sendMail", "action": "close", "when": "after",
                "times": -1})
    reply = send(daemon, identity=USER)
    assert reply.status == "deferred"
    assert "outcome=unknown" in daemon.log()
    # over the pooled connection libcurl would have posted it once more
    assert len(m365.requests("sendMail")) == 2


@pytest.mark.parametrize("record", [
    b"queue-id=4Z\n\n",
    b"queue-id=4Z\nidentity=bob\nmailbox=a@b\nrecipient=c@d\n"
    b"raw=4\nsegment=0,4\n\n",
    b"queue-id=4Z\nidentity=" + USER.encode() + b"\nmailbox=a@b\n"
    b"recipient=c@d\nraw=4\nsegment=0,4000\n\n",
    b"queue-id=4Z\nidentity=" + USER.encode() + b"\nmailbox=a@b\n"
    b"recipient=c@d\nraw=4\nsegment=-1,4\n\n",
    b"queue-id=4Z\nidentity=" + USER.encode() + b"\nmailbox=" + b"a" * 400 +
    b"\nrecipient=c@d\nraw=4\nsegment=0,4\n\n",
])
def test_malformed_record_is_deferred(daemon, record):
    reply = daemon.submit_raw(record, b"test")
    assert reply.status == "deferred"
    assert reply.dsn.startswith("4.3."), reply


def test_record_that_is_none_is_dropped(daemon):
    assert daemon.submit_raw(b"no equals sign\n\n", b"test").status == ""


# --- what survives

def test_restart_keeps_token_and_secret(m365, daemon):
    daemon.auth(USER, SECRET)
    daemon.stop()
    daemon.start()
    assert send(daemon, identity=USER).status == "sent"
    assert token_requests(m365) == 1
    m365.expire_tokens()
    daemon.stop()
    daemon.start()
    assert send(daemon, identity=USER).status == "sent"
    assert token_requests(m365) == 2


def test_killed_daemon_starts_again(daemon):
    daemon.auth(USER, SECRET)
    daemon.stop(9)
    daemon.start()
    assert send(daemon, identity=USER).status == "sent"


def test_wrong_and_missing_vault_key_stop_the_start(daemon):
    daemon.auth(USER, SECRET)
    daemon.stop()
    key = Path(daemon.settings["vault_key_file"])
    right = key.read_bytes()
    key.unlink()
    daemon.start()
    assert daemon.stop() == 78
    assert "vault key" in daemon.log() and "backup" in daemon.log()
    assert not key.exists()
    key.write_bytes(bytes(32))
    key.chmod(0o400)
    daemon.start()
    assert daemon.stop() == 78
    assert "sealed with another vault key" in daemon.log()
    key.write_bytes(right)
    daemon.start()
    assert send(daemon, identity=USER).status == "sent"


def test_open_key_file_is_refused(daemon):
    daemon.stop()
    Path(daemon.settings["vault_key_file"]).chmod(0o440)
    daemon.start()
    assert daemon.stop() == 78
    assert "chmod it to 0400" in daemon.log()


def test_damaged_state_is_named_and_moved_aside(daemon):
    daemon.auth(USER, SECRET)
    run = subprocess.run(daemon.command("-M"), capture_output=True, text=True)
    assert run.returncode == 78 and "stop it first" in run.stderr
    daemon.stop()
    file = Path(daemon.settings["state_directory"]) / "state.db"
    damaged = b"damaged" * 1000
    file.write_bytes(damaged)
    daemon.start()
    assert daemon.stop() == 78
    assert "msgraphd -M" in daemon.log()
    run = subprocess.run(daemon.command("-M"), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    moved = Path(run.stdout.split(";")[0].removeprefix("moved to "))
    assert moved.read_bytes() == damaged
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"


def test_second_daemon_says_so(daemon, tmp_path):
    second = Daemon(tmp_path, {})
    second.log_file = tmp_path / "second.log"
    with second.log_file.open("wb") as log:
        process = subprocess.run(daemon.command(), stderr=log, timeout=30)
    assert process.returncode == 78
    assert "another msgraphd" in second.log()


def test_stop_finishes_what_is_under_way(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "delay": 0.5, "accept": True,
                "status": 202})
    replies = []
    thread = threading.Thread(target=lambda: replies.append(
        send(daemon, identity=USER)))
    thread.start()
    m365.wait_requests("sendMail", 1)
    assert daemon.stop() == 0
    thread.join()
    assert replies[0].status == "sent"


def test_reload_takes_over_settings_and_survives_mistakes(daemon):
    daemon.settings["log_level"] = "loud"
    daemon.write_conf()
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: "the old settings stay" in daemon.log())
    daemon.settings["log_level"] = "info"
    daemon.settings["username_delimiter"] = "|"
    daemon.write_conf()
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: "configuration reloaded" in daemon.log())
    assert daemon.auth(USER, SECRET).startswith("NO")
    assert daemon.auth(USER.replace(":", "|"), SECRET) == "OK"


# --- once, and only once where it can be known

def test_accepted_message_is_not_posted_again(m365, daemon):
    daemon.auth(USER, SECRET)
    first = daemon.submit(MESSAGE, identity=USER)
    daemon.stop(9)
    daemon.start()
    again = daemon.submit(MESSAGE, identity=USER)
    assert again.status == "sent"
    assert again.text.startswith("accepted before, request-id=")
    assert first.text.split("=")[1] == again.text.split("=")[1]
    assert len(m365.mail()) == 1


@pytest.mark.parametrize("change", [
    {"mailbox": "other@example.com"}, {"recipient": "other@example.org"}])
def test_other_mailbox_or_recipient_is_another_delivery(m365, daemon, change):
    daemon.auth(USER, SECRET)
    daemon.submit(MESSAGE, identity=USER)
    daemon.submit(MESSAGE, identity=USER, **change)
    assert len(m365.requests("sendMail")) == 2


def post_and_kill(m365: Emulator, daemon: Daemon) -> None:
    """Leaves a message posted, accepted by Graph and not answered."""
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "accept": True, "action": "stall"})
    thread = threading.Thread(target=lambda: daemon.submit(
        MESSAGE, identity=USER, message_id="<it's@example.com>"))
    thread.start()
    m365.wait_mail(1)
    daemon.stop(9)
    thread.join()
    m365.call("POST", "/release")


MESSAGE_WITH_ID = MESSAGE.replace(
    b"Subject", b"Message-ID: <it's@example.com>\r\nSubject")


def test_killed_while_posting_is_posted_again_and_named(m365, daemon):
    post_and_kill(m365, daemon)
    daemon.start()
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert len(m365.mail()) == 2


@pytest.mark.parametrize("permission, mails", [(True, 1), (False, 2)])
def test_verify_unknown_searches_sent_items(m365, daemon, permission, mails,
                                            monkeypatch):
    monkeypatch.setitem(globals(), "MESSAGE", MESSAGE_WITH_ID)
    daemon.settings["verify_unknown"] = "yes"
    m365.app(TENANT, CLIENT, SECRET, permissions=["Mail.Send"] + (
        ["Mail.Read"] if permission else []))
    post_and_kill(m365, daemon)
    daemon.start()
    reply = daemon.submit(MESSAGE, identity=USER,
                          message_id="<it's@example.com>")
    assert reply.status == "sent"
    assert ("Sent Items" in reply.text) == permission
    assert ("needs the permission Mail.Read" in daemon.log()) != permission
    assert len(m365.mail()) == mails


def test_sent_items_of_other_recipients_are_not_ours(m365, daemon,
                                                     monkeypatch):
    """The same message goes to each recipient in a transaction of its own."""
    monkeypatch.setitem(globals(), "MESSAGE", MESSAGE_WITH_ID)
    daemon.settings["verify_unknown"] = "yes"
    daemon.stop()
    daemon.start()
    m365.app(TENANT, CLIENT, SECRET, permissions=["Mail.Send", "Mail.Read"])
    daemon.auth(USER, SECRET)
    fields = {"identity": USER, "message_id": "<it's@example.com>"}
    daemon.submit(MESSAGE, **fields)
    other = MESSAGE.replace(b"rcpt@", b"Other@")
    m365.rules({"endpoint": "sendMail", "action": "close", "when": "after"})
    fields["recipient"] = "other@example.org"
    assert daemon.submit(other, **fields).status == "deferred"
    assert "request-id=" in daemon.submit(other, **fields).text
    assert [m.recipients for m in m365.mail()] == [
        ["rcpt@example.org"], ["other@example.org"]]


def test_refused_message_is_not_an_unknown_one(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "status": 403,
                "body": {"error": {"code": "ErrorAccessDenied"}}})
    assert daemon.submit(MESSAGE, identity=USER).dsn == "4.7.1"
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert "unknown" not in daemon.log()


def test_stalled_agent_that_goes_away_is_recorded(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "delay": 1, "accept": True,
                "status": 202})
    with pytest.raises(TimeoutError):
        daemon.submit(MESSAGE, identity=USER, timeout=0.3)
    Daemon.wait(lambda: "status=sent" in daemon.log())
    assert "accepted before" in daemon.submit(MESSAGE, identity=USER).text


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
    assert (reply.status, reply.dsn) == ("deferred", "4.7.28")
    assert code in reply.text
    daemon.stop(9)
    daemon.start()
    reply = send(daemon, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.7.28")
    assert len(m365.requests("sendMail")) == 1
    message = MESSAGE.replace(b"scan@", b"other@")
    other = daemon.submit(message, identity=USER, mailbox="other@example.com")
    assert (other.status == "deferred") == other_is_held


def test_retry_after_as_a_date_and_absurd(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules(throttled("99999999999"))
    assert send(daemon, identity=USER).status == "deferred"
    assert re.search(r"for 3(600|599|601) more seconds",
                     send(daemon, identity=USER).text)


def test_entra_throttles_a_tenant(m365, daemon):
    m365.app(TENANT, CLIENT.replace("a", "f"), SECRET)
    m365.rules({"endpoint": "token", "status": 429, "body": "Too Many",
                "headers": {"Retry-After": "300"}})
    assert daemon.auth(USER, SECRET) == ""
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER.replace("a", "f"), SECRET) == ""
    assert token_requests(m365) == 1


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


def test_connection_that_gave_503_is_not_used_again(m365, daemon):
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    m365.rules({"endpoint": "sendMail", "status": 503})
    assert send(daemon, identity=USER).dsn == "4.3.2"
    assert send(daemon, identity=USER).status == "sent"
    a, b, c = (r.connection for r in m365.requests("sendMail"))
    assert a == b and b != c


# --- outages

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


def test_refusal_ends_the_outage_grace(m365, daemon):
    daemon.settings["auth_cache_ttl"] = "0s"
    daemon.stop()
    daemon.start()
    assert daemon.auth(USER, SECRET) == "OK"
    m365.app(TENANT, CLIENT, "new")
    assert daemon.auth(USER, SECRET).startswith("NO")
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


def test_bounce_via_graph_can_be_off(m365, daemon):
    daemon.settings["bounce_via_graph"] = "no"
    daemon.stop()
    daemon.start()
    daemon.auth(USER, SECRET)
    send(daemon, identity=USER)
    assert daemon.bounce("To: scan@example.com") == ["NOTFOUND "]
