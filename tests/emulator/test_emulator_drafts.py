"""The emulator's own tests: drafts, attachments, upload sessions."""

from __future__ import annotations

import base64
import hashlib

import pytest

from emulator.graph_client import CLIENT, MAIL, TENANT, Client

MESSAGES = "/v1.0/users/a%40x.example/messages"
SIZE = 3_500_000
DATA = bytes(range(250)) * (SIZE // 250)
ITEM = {"attachmentType": "file", "name": "f.bin", "size": SIZE,
        "isInline": True, "contentId": "c@1", "contentType": "image/png"}
FILE = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "s.txt",
        "contentType": "text/plain", "isInline": False,
        "contentBytes": base64.b64encode(b"small").decode()}


def draft(client: Client, mail: bytes = MAIL) -> str:
    """A new draft's path."""
    answer = client.graph("POST", MESSAGES, base64.b64encode(mail))
    assert answer.status == 201
    assert answer.json["isDraft"] is True
    return f"{MESSAGES}/{answer.json['id']}"


class Upload:
    """An upload session and a connection to its host."""

    def __init__(self, client: Client, path: str, **changes) -> None:
        self.answer = client.post_json(
            path + "/attachments/createUploadSession",
            {"AttachmentItem": {**ITEM, **changes}})
        if self.answer.status == 201:
            self.url = self.answer.json["uploadUrl"]
            self.client = Client(client.m365, self.url)

    @property
    def target(self) -> str:
        return f"{self.client.place.path}?{self.client.place.query}"

    def ask(self, method: str, **headers: str):
        return self.client.ask(method, self.target, **headers)

    def put(self, start: int, end: int, total: int = SIZE, **headers: str):
        return self.client.ask(
            "PUT", self.target, DATA[start:end],
            **{"Content_Type": "application/octet-stream",
               "Content_Range": f"bytes {start}-{end - 1}/{total}", **headers})


def test_the_whole_way(m365, client):
    path = draft(client)
    assert m365.mail() == []
    answer = client.post_json(path + "/attachments", FILE)
    assert (answer.status, answer.json["size"]) == (201, 5)
    upload = Upload(client, path)
    assert upload.url.startswith(m365.upload + "/")
    assert upload.answer.json["nextExpectedRanges"] == ["0-"]
    assert upload.answer.json["expirationDateTime"].endswith("Z")
    answer = upload.put(0, 2_000_000)
    assert answer.status == 200
    assert answer.json["nextExpectedRanges"] == ["2000000"]
    assert upload.ask("GET").json["nextExpectedRanges"] == ["2000000-"]
    [waiting] = m365.drafts()
    assert waiting["uploads"][0]["received"] == 2_000_000
    answer = upload.put(2_000_000, SIZE)
    assert (answer.status, answer.body) == (201, b"")
    assert "/Attachments('" in answer.headers["Location"]
    assert upload.ask("GET").status == 404

    assert client.graph("POST", path + "/send", b"").status == 202
    [mail] = m365.mail()
    assert mail.raw == MAIL and mail.recipients == ["b@y.example"]
    assert [(a["name"], a["contentType"], a["isInline"], a["contentId"],
             a["size"]) for a in mail.attachments] == [
        ("s.txt", "text/plain", False, None, 5),
        ("f.bin", "image/png", True, "c@1", SIZE)]
    assert mail.attachment(0) == b"small"
    assert mail.attachment(1) == DATA
    assert mail.attachments[1]["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert m365.drafts() == []
    assert client.graph("POST", path + "/send", b"").code == "ErrorItemNotFound"
    endpoints = [r.endpoint for r in m365.requests()][1:]
    assert endpoints == ["messages", "attachments", "createUploadSession",
                         "upload", "upload", "upload", "upload", "send",
                         "send"]


def test_draft_refused(m365, client):
    answer = client.graph("POST", MESSAGES, b"?")
    assert answer.code == "ErrorMimeContentInvalidBase64String"
    assert client.post_json(MESSAGES, {}).code == "BadRequest"
    m365.app(TENANT, CLIENT)
    answer = client.graph("POST", MESSAGES, base64.b64encode(MAIL))
    assert (answer.status, answer.code) == (403, "ErrorAccessDenied")


@pytest.mark.parametrize("mail, code", [
    (b"Subject: x\r\n\r\n", "ErrorInvalidRecipients"),
    (b"From: z@x.example\r\nTo: b@y.example\r\n\r\n", "ErrorSendAsDenied"),
])
def test_send_judges_the_message(m365, client, mail, code):
    path = draft(client, mail)
    assert client.graph("POST", path + "/send", b"").code == code
    assert len(m365.drafts()) == 1 and m365.mail() == []


def test_send_needs_a_length(client):
    path = draft(client)
    assert client.graph("POST", path + "/send", b"x").status == 400
    with client.raw(f"POST {path}/send HTTP/1.1\r\nHost: x\r\n"
                    f"Authorization: Bearer {client.token}\r\n\r\n"
                    .encode()) as sock:
        assert sock.recv(100).startswith(b"HTTP/1.1 411 ")


def test_delete(m365, client):
    path = draft(client)
    upload = Upload(client, path)
    other = path.replace("a%40", "b%40")
    assert client.graph("DELETE", other).status == 404
    answer = client.graph("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    assert client.graph("DELETE", path).status == 404
    assert client.graph("GET", path).status == 404
    assert client.graph("PATCH", path).status == 405
    assert upload.put(0, 1000).status == 404
    assert m365.drafts() == []


def test_message_too_large(m365, client):
    m365.limits(message_bytes=SIZE)
    path = draft(client)
    assert Upload(client, path).put(0, SIZE).status == 201
    answer = client.graph("POST", path + "/send", b"")
    assert (answer.status, answer.code) == (400, "ErrorMessageSizeExceeded")


@pytest.mark.parametrize("change", [
    {"@odata.type": None}, {"name": None}, {"contentBytes": "x\n"},
    {"isInline": "no"}, {"contentId": 1},
])
def test_attachment_refused(m365, client, change):
    path = draft(client)
    answer = client.post_json(path + "/attachments", {**FILE, **change})
    assert (answer.status, answer.code) == (400, "BadRequest")
    assert m365.drafts()[0]["attachments"] == []


@pytest.mark.parametrize("change, code", [
    ({"size": 2_999_999}, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
    ({"size": 150_000_001}, "ErrorAttachmentSizeLimitExceeded"),
    ({"size": "3500000"}, "BadRequest"), ({"name": ""}, "BadRequest"),
    ({"attachmentType": "item"}, "BadRequest"),
])
def test_session_refused(client, change, code):
    answer = Upload(client, draft(client), **change).answer
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize("start, end, total, headers, status", [
    (0, 1000, SIZE, {"Authorization": "Bearer x"}, 401),
    (0, 1000, SIZE, {"Content_Type": "text/plain"}, 400),
    (0, 1000, SIZE, {"Content_Range": "bytes 0-1/2"}, 400),
    (0, 1000, SIZE + 1, {}, 400),
    (0, 1000, SIZE, {"Content_Range": f"bytes 0-1000/{SIZE}"}, 400),
    (1000, 2000, SIZE, {}, 416),
])
def test_range_refused(client, start, end, total, headers, status):
    upload = Upload(client, draft(client))
    assert upload.put(start, end, total, **headers).status == status
    assert upload.ask("GET").json["nextExpectedRanges"] == ["0-"]
    assert upload.put(0, 1000).status == 200
    assert upload.put(0, 1000).status == 416


def test_range_over_the_request_limit(client):
    upload = Upload(client, draft(client), size=5_000_000)
    upload.client.http.putrequest("PUT", upload.target)
    upload.client.http.putheader("Content-Length", "4000001")
    upload.client.http.endheaders()
    assert upload.client.http.getresponse().status == 413


def test_cancel_expiry_and_authtoken(m365, client):
    path = draft(client)
    upload = Upload(client, path)
    assert upload.client.ask("GET", upload.target[:-1] + "!").status == 401
    assert upload.client.ask("POST", upload.target, b"").status == 405
    assert upload.ask("DELETE").status == 204
    assert upload.put(0, 1000).status == 404
    m365.limits(upload_expires_in=0)
    assert Upload(client, path).ask("GET").status == 404


def test_a_fresh_draft_hides(m365, client):
    m365.limits(draft_404=2)
    path = draft(client)
    assert [Upload(client, path).answer.status for _ in range(3)] == [
        404, 404, 201]


def test_upload_rules(m365, client):
    upload = Upload(client, draft(client))
    m365.rules({"endpoint": "upload", "match": {"mailbox": "a@x.example"},
                "status": 503})
    assert upload.put(0, 1000).status == 503
    assert upload.put(0, 1000).status == 200
