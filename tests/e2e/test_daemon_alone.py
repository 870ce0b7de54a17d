"""msgraphd alone: its sockets, what it asks Entra, what it posts to Graph, and
what survives its end."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, MESSAGE, SECRET, TENANT, USER, daemon, m365, send, settings_for,
    shared_m365, token_requests)

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


def test_each_question_to_entra_has_its_own_connection(m365, daemon):
    """One that closes is no refusal."""
    other = CLIENT.replace("a", "f")
    m365.app(TENANT, other, SECRET)
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "action": "close", "when": "after"})
    assert daemon.auth(f"{TENANT}:{other}", SECRET) == ""
    Daemon.wait(lambda: daemon.auth(f"{TENANT}:{other}", SECRET) == "OK")
    connections = [r.connection for r in m365.requests("token")]
    assert len(connections) == len(set(connections)) == 3


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


def test_unverified_ones_do_not_delay_a_cached_sign_in(m365, daemon):
    assert daemon.auth(USER, SECRET) == "OK"
    m365.rules({"endpoint": "token", "action": "stall", "times": -1})
    thread = threading.Thread(target=daemon.auth, args=(USER, "guess"))
    thread.start()
    m365.wait_requests("token", 2)
    assert daemon.auth(USER, SECRET) == "OK"
    m365.call("POST", "/release")
    thread.join()


def test_unverified_ones_leave_room_for_known_clients(m365, daemon):
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


def test_client_that_says_that_nothing_more_comes(m365, daemon):
    """Stock saslauthd answers it as well."""
    daemon.half_close = True
    m365.rules({"endpoint": "token", "delay": 0.3, "accept": True})
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth(USER, SECRET) == "OK"
    assert daemon.auth_raw(b"\x00\x01a") == ""
    assert send(daemon, identity=USER).status == "sent"


# --- delivery

@pytest.mark.parametrize("half_close", [False, True])
def test_agent_that_goes_away_is_noticed(m365, daemon, half_close):
    daemon.auth(USER, SECRET)
    daemon.half_close = half_close
    m365.rules({"endpoint": "sendMail", "status": 429,
                "headers": {"Retry-After": "9"}})
    with pytest.raises(TimeoutError):
        send(daemon, identity=USER, timeout=1.5)
    Daemon.wait(lambda: "the agent went away before" in daemon.log(), 4)
    assert m365.mail() == []


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
    assert "the connection was lost" in reply.text
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
    assert "run: chmod 0400" in daemon.log()


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


def test_log_of_a_damaged_state_is_moved_as_it_is(daemon):
    """SQLite would write it into the file and delete it."""
    daemon.auth(USER, SECRET)
    daemon.stop(9)
    state = Path(daemon.settings["state_directory"]) / "state.db"
    log = Path(f"{state}-wal").read_bytes()
    whole = state.read_bytes()
    assert log
    run = subprocess.run(daemon.command("-M"), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    moved = run.stdout.split(";")[0].removeprefix("moved to ")
    assert Path(moved).read_bytes() == whole
    assert Path(f"{moved}-wal").read_bytes() == log


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


def test_stop_that_breaks_off_says_what_is_unknown(m365, daemon):
    """Graph has the one message whole, and the other in part."""
    daemon.stop()
    daemon.settings["request_timeout"] = "30s"
    daemon.start()
    daemon.auth(USER, SECRET)
    threads = []
    for when in ("after", "before"):
        mailbox = f"{when}@example.com"
        m365.rules({"endpoint": "sendMail", "match": {"mailbox": mailbox},
                    "action": "stall", "when": when})
        threads.append(threading.Thread(
            target=daemon.submit, kwargs={"identity": USER,
                                          "mailbox": mailbox},
            args=(MESSAGE + (b"x" * 70 + b"\r\n") * 38_000,)))
        threads[-1].start()
    m365.wait_stalled(2)
    # a shorter one counts for the stop, not for what is under way
    daemon.settings["request_timeout"] = "1s"
    daemon.write_conf()
    daemon.process.send_signal(signal.SIGHUP)
    Daemon.wait(lambda: "configuration reloaded" in daemon.log())
    assert daemon.stop() == 0
    for thread in threads:
        thread.join()
    lines = [line for line in daemon.log().splitlines()
             if "status=deferred (msgraphd was stopped before" in line]
    assert sorted(("<after@" in line, "outcome=unknown" in line)
                  for line in lines) == [(False, False), (True, True)]
    m365.release()


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
