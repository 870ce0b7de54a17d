"""The emulator's own tests: scripted answers, outages, waiting, counters."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time

import pytest

from emulator.client import EmulatorError
from emulator.graph_client import CLIENT, MAIL, SECRET, SEND, TENANT, Client

MOVED = SEND.replace("a%40", "other%40")


# --- answers

def test_answer_then_as_ever(m365, client):
    m365.rules({"endpoint": "sendMail", "status": 503, "times": 2,
                "headers": {"Retry-After": 7}, "body": {"error": {}}})
    for _ in range(2):
        answer = client.send()
        assert (answer.status, answer.json) == (503, {"error": {}})
        assert answer.headers["Retry-After"] == "7"
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["request-id"]
    assert client.send().status == 202
    assert m365.fired() == [2]
    assert [r.rule for r in m365.requests("sendMail")] == [0, 0, None]
    assert len(m365.mail()) == 1
    assert client.graph("GET", SEND).status == 405


def test_skip_order_and_for_ever(m365, client):
    m365.rules({"endpoint": "sendMail", "status": 500, "skip": 1},
               {"endpoint": "any", "status": 504, "times": -1, "skip": 1})
    assert [client.send().status for _ in range(4)] == [202, 500, 504, 504]
    m365.clear_rules()
    assert client.send().status == 202


@pytest.mark.parametrize("match, fires", [
    ({"mailbox": "OTHER@x.example"}, True), ({"mailbox": "a@x.example"}, False),
    ({"tenant": TENANT, "client": CLIENT}, True), ({"client": "x"}, False),
    ({"method": "POST", "path": MOVED}, True), ({"method": "GET"}, False),
])
def test_match(m365, client, match, fires):
    for when in ("before", "after"):
        m365.rules({"match": match, "when": when, "status": 418})
        mail = MAIL.replace(b"From: a@", b"From: other@")
        assert client.send(mail, MOVED).status == (418 if fires else 202)
        client.http.close()
        m365.clear_rules()


def test_token_rule_knows_the_client_after_the_body(m365, client):
    m365.rules({"endpoint": "token", "match": {"client": CLIENT},
                "status": 429, "body": "Too Many Requests",
                "headers": {"Retry-After": 60}})
    answer = client.ask_token()
    assert (answer.status, answer.body) == (429, b"Too Many Requests")
    assert answer.headers["Content-Type"] == "text/plain"
    assert client.ask_token().status == 200


def test_accept_but_say_otherwise(m365, client):
    m365.rules({"endpoint": "sendMail", "accept": True, "status": 504})
    assert client.send().status == 504
    assert len(m365.mail()) == 1


def test_before_the_body(m365, client):
    m365.rules({"when": "before", "status": 500, "body": "no"})
    with client.send_raw(1000) as sock:
        data = sock.recv(65536)
    assert data.startswith(b"HTTP/1.1 500 ") and data.endswith(b"\r\n\r\nno")
    assert b"\r\nConnection: close\r\n" in data
    [request] = m365.requests("sendMail")
    assert (request.body_file, request.status) == (None, 500)


def test_headers_taken_away_and_doubled(m365, client):
    m365.rules({"status": 202, "headers": [
        ["request-id", None], ["client-request-id", None], ["X", "1"],
        ["X", "2"], ["Date", None], ["Content-Type", "a/b"]], "body": "x"})
    answer = client.send()
    assert answer.headers.get_all("X") == ["1", "2"]
    assert answer.headers["Content-Type"] == "a/b"
    for name in ("request-id", "client-request-id", "Date"):
        assert name not in answer.headers


def test_endless(m365, client):
    m365.rules({"endpoint": "sendMail", "status": 200, "body": "x" * 1000,
                "endless": True})
    sock = client.send_raw(len(MAIL), MAIL)
    got = 0
    while got < 3_000_000:
        got += len(sock.recv(65536))
    sock.close()
    assert client.send().status == 202


def test_big_and_truncated(m365, client):
    m365.rules({"status": 500, "body": "0123456789", "repeat_body": 1 << 20},
               {"status": 202, "body": "half", "truncate": True})
    assert len(client.send().body) == 10 << 20
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.send()
    assert caught.value.partial == b"half"
    client.http.close()
    assert client.send().status == 202


@pytest.mark.parametrize("rule", [
    {"endpoint": "sendmail"}, {"action": "explode"}, {"when": "later"},
    {"match": {"colour": "red"}}, {"stauts": 500}, {"action": "answer"},
    {"fired": 1},
])
def test_a_bad_rule_is_refused(m365, rule):
    with pytest.raises(EmulatorError):
        m365.rules(rule)


# --- silence and worse

def test_delay(m365, client):
    m365.rules({"endpoint": "sendMail", "delay": 0.3})
    began = time.monotonic()
    assert client.send().status == 202
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("when, accept, status, answer", [
    ("before", False, None, 202), ("after", False, None, 202),
    ("after", True, None, 202), ("after", True, 503, 503),
    ("before", False, 503, 503),
])
def test_stall_and_release(m365, client, when, accept, status, answer):
    m365.rules({"endpoint": "sendMail", "action": "stall", "when": when,
                "accept": accept, "status": status})
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.send()))
    thread.start()
    m365.wait_stalled()
    assert len(m365.mail()) == accept
    assert m365.requests("sendMail")[0].state == (
        "arrived" if when == "before" else "read")
    m365.release()
    thread.join(10)
    assert answers[0].status == answer
    assert len(m365.mail()) == (accept or answer == 202)
    assert m365.stats()["stalled"] == 0


@pytest.mark.parametrize("rule", [{"action": "stall"}, {"delay": 30}])
def test_a_client_that_leaves_is_noticed(m365, client, rule):
    m365.rules({"endpoint": "sendMail", **rule})
    with client.send_raw(0):
        m365.wait_requests("sendMail", state="read")
    m365.wait_until(lambda stats: stats["open_connections"] == 1)
    [request] = m365.requests("sendMail")
    assert (request.state, request.status) == ("cut", None)
    assert m365.stats()["stalled"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action, error", [
    # where the reset overtakes the body, writing fails instead of reading
    ("reset", (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)),
    ("close", (http.client.RemoteDisconnected, ssl.SSLEOFError,
               ConnectionResetError, BrokenPipeError)),
    ("garbage", http.client.BadStatusLine),
])
def test_no_answer(m365, client, action, error, when):
    m365.rules({"endpoint": "sendMail", "action": action, "when": when})
    with pytest.raises(error):
        client.send()
    client.http.close()
    [request] = m365.requests("sendMail")
    assert (request.state, request.status) == ("dropped", None)
    assert client.send().status == 202


@pytest.mark.parametrize("action, resets", [("reset", True), ("close", False)])
def test_a_reset_is_one_on_the_wire(m365, client, action, resets):
    m365.rules({"endpoint": "sendMail", "action": action})
    with client.send_raw(0) as sock:
        try:
            # below TLS, which makes an end of file of either
            while socket.socket.recv(sock, 4096):
                pass
            assert not resets
        except ConnectionResetError:
            assert resets


def test_accepted_and_reset(m365, client):
    m365.rules({"endpoint": "sendMail", "action": "reset", "accept": True})
    with pytest.raises(ConnectionResetError):
        client.send()
    assert len(m365.mail()) == 1


def test_down_and_up(m365, client):
    m365.down()
    with pytest.raises((OSError, http.client.RemoteDisconnected)):
        client.send()
    client.http.close()
    with pytest.raises(ConnectionRefusedError):
        client.send()
    client.http.close()
    m365.up()
    assert client.send().status == 202
    m365.up()
    m365.hang_up()
    with pytest.raises((OSError, http.client.RemoteDisconnected)):
        client.send()
    client.http.close()
    assert client.send().status == 202


def test_reset_forgets(m365, client):
    m365.rules({"endpoint": "sendMail", "action": "stall"})
    m365.limits(request_bytes=5)
    m365.limits(request_bytes=5000)
    m365.mailboxes("a@x.example")
    m365.down()
    m365.up()
    client.http.close()
    thread = threading.Thread(target=client.send)
    thread.start()
    m365.wait_stalled()
    m365.reset()
    thread.join(10)
    assert not thread.is_alive()
    assert m365.requests() == [] and m365.mail() == []
    assert m365.call("GET", "/rules") == []
    assert m365.limits()["request_bytes"] == 4_000_000
    assert client.send().status == 401
    assert client.ask_token().json["error_codes"] == [90002]


# --- waiting and counting

def test_wait(m365, client):
    later = threading.Timer(0.1, client.send)
    later.start()
    assert m365.wait_mail(1) == 1
    for state in ("arrived", "read", "answered", "sent"):
        assert m365.wait_requests("sendMail", 1, state=state) == 1
    later.join()
    with pytest.raises(TimeoutError):
        m365.wait_requests("sendMail", 2, timeout=0.05)
    with pytest.raises(EmulatorError):
        m365.wait_requests("sendmail", 1)


def test_a_reset_ends_a_wait(m365):
    began = time.monotonic()
    later = threading.Timer(0.1, m365.reset)
    later.start()
    with pytest.raises(TimeoutError):
        m365.wait_mail(1, timeout=20)
    assert time.monotonic() - began < 10
    later.join()


def test_a_release_is_for_those_held_now(m365, client):
    m365.release()
    m365.rules({"endpoint": "sendMail", "action": "stall", "times": 2})
    for _ in range(2):
        [thread] = hold(m365, ["a"])
        assert thread.is_alive()
        m365.release()
        thread.join(10)
    assert m365.fired() == [2]


def hold(m365, mailboxes: list[str]) -> list[threading.Thread]:
    """Requests that arrive one after the other and stay until a release."""
    threads = []
    for count, mailbox in enumerate(mailboxes, 1):
        client = Client(m365).sign_in()
        threads.append(threading.Thread(
            target=client.send, args=(b"To: b@y.example\r\n\r\n",
                                      SEND.replace("a%40", mailbox + "%40"))))
        threads[-1].start()
        m365.wait_stalled(count)
    return threads


def test_at_once(m365):
    m365.rules({"endpoint": "sendMail", "action": "stall", "times": -1})
    threads = hold(m365, ["a", "a", "b", "a"])
    stats = m365.stats()
    assert stats["max_simultaneous"]["sendMail"] == {"a@x.example": 3,
                                                     "b@x.example": 1}
    assert stats["open_connections"] >= 4
    m365.release()
    for thread in threads:
        thread.join(10)
    assert m365.stats()["mail"] == 4


def test_mailbox_concurrency(m365, client):
    m365.limits(mailbox_concurrency=2, retry_after=9)
    m365.rules({"endpoint": "sendMail", "action": "stall", "times": 2})
    threads = hold(m365, ["a", "a"])
    answer = client.send()
    assert (answer.status, answer.code) == (429, "ApplicationThrottled")
    assert answer.headers["Retry-After"] == "9"
    mail = MAIL.replace(b"From: a@", b"From: other@")
    assert client.send(mail, MOVED).status == 202
    m365.release()
    for thread in threads:
        thread.join(10)
    assert client.send().status == 202


def test_token_requests_at_once(m365):
    m365.rules({"endpoint": "token", "action": "stall", "times": 2})
    threads = [threading.Thread(target=Client(m365).ask_token)
               for _ in range(2)]
    for thread in threads:
        thread.start()
    m365.wait_stalled(2)
    m365.release()
    for thread in threads:
        thread.join(10)
    stats = m365.stats()
    name = f"{TENANT}/{CLIENT}"
    assert stats["token_requests"] == {name: 2}
    assert stats["max_simultaneous"]["token"] == {name: 2}


# --- the control port

@pytest.mark.parametrize("method, path, body", [
    ("GET", "/nonsense", None), ("POST", "/nonsense", {}),
    ("POST", "/apps", {"tenant": "t"}), ("POST", "/apps", {"color": 1}),
    ("POST", "/limits", {"nonsense": 1}), ("GET", "/mail/7/raw", None),
    ("GET", "/wait?count=x", None), ("DELETE", "/mail", None),
])
def test_control_refuses(m365, method, path, body):
    with pytest.raises(EmulatorError):
        m365.call(method, path, body)


def test_secret_of_an_app_is_replaced(m365, client):
    m365.app(TENANT, CLIENT, "new")
    assert client.ask_token(client_secret=SECRET).status == 401
    assert client.ask_token(client_secret="new").status == 200
    assert client.send().status == 202
