"""The emulator's own tests: Entra, sendMail, Sent Items, HTTP, the process."""

from __future__ import annotations

import base64
import signal
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from emulator.client import (
    COMMAND, ENVIRONMENT, Emulator, EmulatorError)
from emulator.graph_client import CLIENT, MAIL, SECRET, SEND, TENANT, Client

OTHER = "33333333-3333-3333-3333-333333333333"


# --- the process

def test_starts_and_stops(tmp_path: Path):
    emulator = Emulator(tmp_path).start()
    assert Client(emulator).ask("GET", "/").status == 401
    first_ca = Path(emulator.ca_file).read_bytes()
    assert emulator.stop() == 0
    with Emulator(tmp_path) as again:
        assert Path(again.ca_file).read_bytes() == first_ca
    assert (tmp_path / "stderr").read_bytes() == b""


@pytest.mark.parametrize("how", ["sigterm", "eof"])
def test_stops_with_connections_open(tmp_path: Path, how: str):
    emulator = Emulator(tmp_path).start()
    Client(emulator).ask("GET", "/")
    process = emulator.process
    if how == "eof":
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_needs_a_free_port(tmp_path: Path, m365: Emulator):
    port = m365.url.rpartition(":")[2]
    with pytest.raises(EmulatorError, match="in use"):
        Emulator(tmp_path, "--port", port).start()


def test_apps_of_the_command_line(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("of the file\n")
    with Emulator(tmp_path / "m365", "--app",
                  f"{TENANT}:{CLIENT}:{secret}") as emulator:
        emulator.app(OTHER, CLIENT, "x")
        emulator.reset()
        client = Client(emulator)
        assert client.ask_token(client_secret="of the file").status == 200
        assert client.ask_token(OTHER, client_secret="x").status == 400


def test_help_and_bad_option():
    done = subprocess.run([*COMMAND, "--nonsense"], env=ENVIRONMENT,
                          capture_output=True, check=False)
    assert done.returncode == 2 and b"usage" in done.stderr


def test_certificate_is_for_those_who_trust_the_ca(m365: Emulator):
    stranger = Client(m365)
    stranger.http = type(stranger.http)("localhost", stranger.place.port)
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.ask("GET", "/")
    m365.wait_until(lambda stats: stats["failed_handshakes"] == 1)


# --- Entra

def test_token(m365: Emulator, client: Client):
    m365.app(TENANT, CLIENT, SECRET, expires_in=600)
    answer = client.ask_token(TENANT.upper(), client_id=CLIENT.upper())
    assert answer.status == 200
    value = answer.json
    assert (value["token_type"], value["expires_in"]) == ("Bearer", 600)
    assert value["access_token"].count(".") == 2
    assert value["access_token"].startswith("eyJ")
    assert value["access_token"] != client.token
    assert answer.headers["x-ms-request-id"]
    assert m365.stats()["token_requests"] == {f"{TENANT}/{CLIENT}": 2}
    assert b"s%26c%2Br%25t" in m365.requests("token")[-1].body


@pytest.mark.parametrize("tenant, changes, number, status, error", [
    (OTHER, {}, 90002, 400, "invalid_request"),
    ("no.such.example", {}, 90002, 400, "invalid_request"),
    ("not%20a%20tenant", {}, 900023, 400, "invalid_request"),
    (TENANT, {"client_id": OTHER}, 700016, 400, "unauthorized_client"),
    (TENANT, {"client_id": "off"}, 7000112, 400, "unauthorized_client"),
    (TENANT, {"client_secret": "wrong"}, 7000215, 401, "invalid_client"),
    (TENANT, {"client_secret": "old"}, 7000222, 401, "invalid_client"),
    (TENANT, {"client_secret": ""}, 7000218, 401, "invalid_client"),
    (TENANT, {"client_secret": None}, 7000218, 401, "invalid_client"),
    (TENANT, {"grant_type": "password"}, 70003, 400,
     "unsupported_grant_type"),
    (TENANT, {"grant_type": None}, 900144, 400, "invalid_request"),
    (TENANT, {"scope": "https://graph.other.example/.default"}, 500011, 400,
     "invalid_resource"),
    (TENANT, {"scope": "Mail.Send"}, 1002012, 400, "invalid_scope"),
])
def test_token_refused(m365, tenant, changes, number, status, error):
    m365.app(TENANT, CLIENT, SECRET, expired_secrets=["old"])
    m365.app(TENANT, "off", SECRET, disabled=True)
    answer = Client(m365).ask_token(tenant, **changes)
    assert answer.status == status
    value = answer.json
    assert value["error"] == error
    assert value["error_codes"] == [number]
    lines = value["error_description"].split("\r\n")
    assert lines[0].startswith(f"AADSTS{number}: ")
    assert lines[1:] == [f"Trace ID: {value['trace_id']}",
                         f"Correlation ID: {value['correlation_id']}",
                         f"Timestamp: {value['timestamp']}"]
    assert value["trace_id"] == answer.headers["x-ms-request-id"]
    assert str(number) in value["error_uri"]


@pytest.mark.parametrize("body, kind, number", [
    ("client_id=a&client_id=a", "x-www-form-urlencoded", 9000411),
    ("client_id=a%zz", "x-www-form-urlencoded", 9002313),
    ("client_id=a b", "x-www-form-urlencoded", 9002313),
    ("client_id=a%ff", "x-www-form-urlencoded", 9002313),
    ("client_id", "x-www-form-urlencoded", 9002313),
    ("", "x-www-form-urlencoded", 900144),
    ("client_id=a", "json", 9002313),
])
def test_form_is_strict(m365, body, kind, number):
    answer = Client(m365).ask("POST", f"/{TENANT}/oauth2/v2.0/token",
                              body.encode(), Content_Type=f"application/{kind}")
    assert answer.json["error_codes"] == [number]


def test_unescaped_plus_is_a_space(m365):
    m365.app(TENANT, CLIENT, "a+b")
    client = Client(m365)
    form = (f"client_id={CLIENT}&grant_type=client_credentials"
            f"&scope={m365.url}/.default&client_secret=a")
    path = f"/{TENANT}/oauth2/v2.0/token"
    kind = "application/x-www-form-urlencoded"
    for text, status in (("+b", 401), ("%2Bb", 200)):
        answer = client.ask("POST", path, (form + text).encode(),
                            Content_Type=kind)
        assert answer.status == status


def test_token_by_get(m365):
    answer = Client(m365).ask("GET", f"/{TENANT}/oauth2/v2.0/token")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


# --- sendMail

def test_send(m365: Emulator, client: Client):
    answer = client.send(client_request_id="mine")
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["client-request-id"] == "mine"
    assert answer.headers["Date"].endswith(" GMT")
    [request] = m365.requests("sendMail")
    assert request.request_id == answer.headers["request-id"]
    assert request.path == SEND
    assert request.body == base64.b64encode(MAIL)
    assert request.header("content-length") == str(len(request.body))
    assert ["Content-Type", "text/plain"] in request.headers
    assert (request.tenant, request.client, request.mailbox,
            request.status) == (TENANT, CLIENT, "a@x.example", 202)
    [mail] = m365.mail()
    assert mail.raw == MAIL
    assert (mail.mailbox, mail.client) == ("a@x.example", CLIENT)
    assert (mail.request, mail.request_id) == (request.seq, request.request_id)
    assert mail.message_id == "<1@x>"
    assert mail.sender == ["a@x.example"]


@pytest.mark.parametrize("fields, recipients, duplicates", [
    ("To: b@y.example", ["b@y.example"], []),
    ("Bcc: b@y.example", ["b@y.example"], []),
    ("to: B@Y.example\r\nCC: c@y.example\r\nbcc: b@y.EXAMPLE",
     ["b@y.example", "c@y.example"], ["b@y.example"]),
    ("To: b@y.example\r\nTo: c@y.example", ["b@y.example", "c@y.example"], []),
    ('To: "No, not@this" <b@y.example>,\r\n =?utf-8?q?=2C_x=40y?=\r\n'
     "\t<c@y.example> (com, d@y.example)", ["b@y.example", "c@y.example"], []),
    ("To: undisclosed-recipients:;\r\nBcc: b@y.example", ["b@y.example"], []),
    ("To: all: b@y.example, C <c@y.example>;, d@y.example",
     ["b@y.example", "c@y.example", "d@y.example"], []),
    ('To: "b c"@y.example', ['"b c"@y.example'], []),
    ("To: b@y.example\r\nResent-To: no@y.example\r\nX-Bcc: no@y.example",
     ["b@y.example"], []),
    ("To: b@y.example\r\n\r\nTo: no@y.example", ["b@y.example"], []),
])
def test_recipients(m365, client, fields, recipients, duplicates):
    assert client.send(fields.encode() + b"\r\n\r\n").status == 202
    [mail] = m365.mail()
    assert mail.recipients == recipients
    assert mail.duplicates == duplicates


def many(count: int) -> bytes:
    return b"To: " + b",\r\n ".join(
        b"u%d@y.example" % i for i in range(count)) + b"\r\n\r\n"


@pytest.mark.parametrize("mail, status, code", [
    (b"", 400, "ErrorMimeContentInvalidBase64String"),
    (b"no header\r\n\r\n", 400, "ErrorMimeContentInvalid"),
    (b"\r\nTo: b@y.example\r\n", 400, "ErrorMimeContentInvalid"),
    (b"To: b@y.example\n\nHello\n", 400, "ErrorMimeContentInvalid"),
    (b"Subject: x\r\n\r\n", 400, "ErrorInvalidRecipients"),
    (b"To: undisclosed-recipients:;\r\n\r\n", 400, "ErrorInvalidRecipients"),
    (b"To: root\r\nCc: b@y.example\r\n\r\n", 400, "ErrorInvalidRecipients"),
    (many(500), 202, None),
    (many(501), 400, "ErrorExceededMaxRecipientLimit"),
    (b"From: z@x.example\r\nTo: b@y.example\r\n\r\n", 403,
     "ErrorSendAsDenied"),
    (b"From: A@X.Example\r\nTo: b@y.example\r\n\r\n", 202, None),
    (b"From: Z <shared@x.example>\r\nTo: b@y.example\r\n\r\n", 202, None),
    (b"From: a@x.example <a@x.example>\r\nTo: b@y.example\r\n\r\n", 403,
     "ErrorSendAsDenied"),
    (b'From: "a@x.example" <a@x.example>\r\nTo: b@y.example\r\n\r\n', 403,
     "ErrorSendAsDenied"),
    (b"From: =?utf-8?q?a=40x?= <a@x.example>\r\nTo: b@y.example\r\n\r\n", 403,
     "ErrorSendAsDenied"),
])
def test_messages_judged(m365, client, mail, status, code):
    m365.app(TENANT, CLIENT, send_as={"a@x.example": ["Shared@x.example"]})
    answer = client.send(mail)
    assert answer.status == status
    assert len(m365.mail()) == (status == 202)
    if code:
        assert answer.code == code
        inner = answer.json["error"]["innerError"]
        assert inner["request-id"] == answer.headers["request-id"]
        assert "date" in inner and "client-request-id" in inner


@pytest.mark.parametrize("body", [
    base64.encodebytes(MAIL), base64.b64encode(MAIL) + b"\r\n",
    base64.b64encode(MAIL)[:-1], base64.urlsafe_b64encode(b"To\xff\xfe: x"),
    base64.b64encode(MAIL) + b"====", MAIL,
])
def test_base64_is_strict(m365, client, body):
    answer = client.graph("POST", SEND, body)
    assert answer.status == 400
    assert answer.code == "ErrorMimeContentInvalidBase64String"


@pytest.mark.parametrize("change, flag", [
    (b"\n", "bare_newline"), (b"\r", "bare_newline"), (b"\0", "nul"),
    (b"\xc3\xa9", "eight_bit_body"), (b"x" * 999, "long_line"),
])
def test_flags(m365, client, change, flag):
    client.send(MAIL + b"a" + change + b"b\r\n")
    client.send(MAIL + b"x" * 998 + b"\r\n")
    client.send("Subject: é\r\n".encode() + MAIL)
    client.send(b"Cc: c@y.example; d@y.example\r\n" + MAIL)
    names = ("bare_newline", "nul", "eight_bit_body", "long_line",
             "eight_bit_header", "address_defects")
    flags = [{n for n in names if mail.values[n]} for mail in m365.mail()]
    assert flags == [{flag}, set(), {"eight_bit_header"}, {"address_defects"}]


def test_recipient_behind_a_bare_newline_counts(m365, client):
    client.send(b"Subject: x\nBcc: evil@y.example\r\n" + MAIL)
    assert "evil@y.example" in m365.mail()[0].recipients


@pytest.mark.parametrize("path, change, status, code", [
    (SEND, {"Content-Type": "application/json"}, 400, "BadRequest"),
    (SEND, {"Authorization": None}, 401, "InvalidAuthenticationToken"),
    (SEND, {"Authorization": "Bearer eyJ.no.ne"}, 401,
     "InvalidAuthenticationToken"),
    (SEND.replace("a%40", "nobody%40"), {}, 404, "ErrorInvalidUser"),
    ("/v1.0/users/a@x.example/sendMail", {}, 202, None),
    ("/v1.0/users/a%40x.example/sendmial", {}, 404, "BadRequest"),
    ("/v1.0/users//sendMail", {}, 404, "BadRequest"),
    ("/beta/users/a%40x.example/sendMail", {}, 404, "BadRequest"),
])
def test_calls_judged(m365, client, path, change, status, code):
    m365.mailboxes("A@x.example")
    headers = {"Content-Type": "text/plain",
               "Authorization": f"Bearer {client.token}", **change}
    client.http.request("POST", path, base64.b64encode(MAIL), {
        k: v for k, v in headers.items() if v})
    answer = client.http.getresponse()
    assert answer.status == status
    if code:
        assert f'"code": "{code}"'.encode() in answer.read()


def test_permissions_count_when_used(m365, client):
    m365.app(TENANT, CLIENT, permissions=["Mail.Read"])
    answer = client.send()
    assert (answer.status, answer.code) == (403, "ErrorAccessDenied")
    m365.app(TENANT, CLIENT)
    assert client.send().status == 202


def test_tokens_end(m365, client):
    assert m365.expire_tokens() == 1
    assert client.send().code == "InvalidAuthenticationToken"
    m365.app(TENANT, CLIENT, SECRET, expires_in=0)
    assert client.sign_in().send().status == 401
    assert "expired" in client.send().json["error"]["message"]


def test_sent_items(m365, client):
    client.send()
    client.send(MAIL.replace(b"1@x", b"it's+2@x"))
    client.send(path=SEND, mail=b"To: b@y.example\r\n\r\n")
    path = "/v1.0/users/a%40x.example/mailFolders/sentitems/messages"
    found = {}
    for name in ("%3C1@x%3E", "%3Cit%27%27s%2B2@x%3E", "%3C3@x%3E"):
        answer = client.graph("GET", f"{path}?$filter=internetMessageId%20eq%20"
                              f"'{name}'&$select=id")
        assert answer.status == 200
        found[name] = [item["id"] for item in answer.json["value"]]
    ids = [mail.id for mail in m365.mail()]
    assert list(found.values()) == [[ids[0]], [ids[1]], []]
    assert client.graph("GET", f"{path}?$filter=subject%20eq%20'x'"
                        ).code == "BadRequest"
    assert client.graph("HEAD", path).body == b""
    assert client.graph("GET", f"{path}?$top=1001").code == "BadRequest"
    m365.app(TENANT, CLIENT)
    assert client.graph("GET", path).code == "ErrorAccessDenied"


def test_sent_items_go_on_elsewhere(m365, client):
    for _ in range(3):
        client.send()
    link = ("/v1.0/users/a%40x.example/mailFolders/sentitems/messages"
            "?$select=id&$top=2")
    m365.limits(page=2)
    found = []
    for count in (2, 1):
        answer = client.graph("GET", link).json
        assert len(answer["value"]) == count
        found += [item["id"] for item in answer["value"]]
        link = answer.get("@odata.nextLink", "").removeprefix(m365.url)
    assert (found, link) == ([mail.id for mail in m365.mail()], "")


# --- HTTP

def test_keep_alive(m365, client):
    before = m365.stats()["total_connections"]
    for _ in range(50):
        assert client.send().status == 202
    assert m365.stats()["total_connections"] == before
    assert len({r.connection for r in m365.requests()}) == 1


def test_pipelining_and_close(m365, client):
    body = base64.b64encode(MAIL)
    one = (f"POST {SEND} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
           f"Authorization: Bearer {client.token}\r\n"
           f"Content-Length: {len(body)}\r\n").encode()
    with client.raw(one + b"\r\n" + body
                    + one + b"Connection: close\r\n\r\n" + body) as sock:
        data = b""
        while more := sock.recv(65536):
            data += more
    assert data.count(b"HTTP/1.1 202 Accepted\r\n") == 2
    assert data.count(b"Connection: close\r\n") == 1


def test_too_large_is_refused_unread(m365, client):
    with client.send_raw(4_000_001) as sock:
        data = sock.recv(65536)
        assert data.startswith(b"HTTP/1.1 413 ")
        assert b"\r\nConnection: close\r\n" in data
        assert b"The maximum request length supported is 4MB." in data
    m365.limits(request_bytes=10)
    assert client.send().status == 413
    m365.limits(request_bytes=10_000)
    assert client.send().status == 202


def test_lengths(m365, client):
    with client.raw(f"POST {SEND} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) as s:
        assert s.recv(100).startswith(b"HTTP/1.1 411 ")
    client.http.request("POST", SEND, iter([b"x"]), {
        "Authorization": f"Bearer {client.token}"}, encode_chunked=True)
    assert client.http.getresponse().status == 411
    client.http.close()
    with client.raw(b"DELETE / HTTP/1.1\r\nHost: x\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") as sock:
        assert sock.recv(100).startswith(b"HTTP/1.1 411 ")


def test_methods(m365, client):
    for method in ("GET", "HEAD", "DELETE"):
        answer = client.graph(method, SEND)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert bool(answer.body) == (method != "HEAD")
    assert client.send().status == 202


@pytest.mark.parametrize("head, status", [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /<1@x> HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nBad : 1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nA: 1\nB: 2\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
     "Content-Length: 1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: x\r\nA: " + "x" * 70000, 431),
])
def test_malformed(m365, client, head, status):
    with client.raw(head.encode()) as sock:
        assert sock.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())
    [request] = m365.requests("malformed")
    assert request.status == status
    assert head.encode().startswith(request.body)


def test_expect_100_continue(m365, client):
    body = base64.b64encode(MAIL)
    with client.send_raw(len(body), more="Expect: 100-continue\r\n") as sock:
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(100).startswith(b"HTTP/1.1 202 ")


def test_body_cut_short(m365, client):
    with client.send_raw(100, b"VG86") as sock:
        m365.wait_requests("sendMail", 1)
        assert sock.fileno() >= 0
    m365.wait_until(lambda stats: stats["open_connections"] == 1)
    [request] = m365.requests("sendMail")
    assert (request.state, request.status) == ("cut", None)
    assert request.body == b"VG86"
    assert not m365.mail()


def test_many_at_once(m365):
    def work(number: int) -> None:
        client = Client(m365).sign_in()
        path = SEND.replace("a%40", f"{number}%40")
        for _ in range(20):
            done.append(client.send(MAIL.replace(b"From: a@", b"X: a@"),
                                    path).status)

    done: list[int] = []
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [202] * 160
    numbers = [mail.number for mail in m365.mail()]
    assert numbers == list(range(1, 161))
