"""The emulator's own tests: Azure Table storage."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from emulator.client import Emulator
from emulator.graph_client import CLIENT, SECRET, SEND, TENANT, Answer, Client

AUDIENCE = "https://storage.azure.com"
READER = "Storage Table Data Reader"
POINT = "/users(PartitionKey='user',RowKey='{}')"
HEAD = {"x_ms_version": "2019-02-02",
        "Accept": "application/json;odata=nometadata"}


class Reader(Client):
    """A client with a token for storage."""

    def read(self, path: str, **changes: str | None) -> Answer:
        head = {"x_ms_date": formatdate(usegmt=True), **HEAD,
                "Authorization": f"Bearer {self.token}", **changes}
        return self.ask("GET", path, None,
                        **{k: v for k, v in head.items() if v is not None})

    def rows(self, **options: str) -> Answer:
        return self.read("/users()?" + urlencode(options))


def code(answer: Answer) -> tuple[int, str]:
    """Status and code; header, body and form of the text must agree."""
    value: Any = answer.json["odata.error"]
    assert answer.headers["x-ms-error-code"] == value["code"]
    assert value["message"]["lang"] == "en-US"
    lines = value["message"]["value"].split("\n")
    assert lines[1] == f"RequestId:{answer.headers['x-ms-request-id']}"
    assert lines[2].startswith("Time:")
    return answer.status, value["code"]


@pytest.fixture
def reader(m365: Emulator):
    m365.app(TENANT, CLIENT, SECRET, roles=[READER])
    m365.table("users", {"RowKey": "app1", "n": 1, "yes": True},
               {"RowKey": "o'neil"}, {"RowKey": "a b"})
    signed = Reader(m365).sign_in(scope=AUDIENCE + "/.default")
    yield signed
    signed.http.close()


def test_point_query(m365: Emulator, reader: Reader):
    answer = reader.read(POINT.format("app1"))
    assert answer.status == 200
    assert answer.headers["x-ms-version"] == "2019-02-02"
    value = answer.json
    assert value.pop("Timestamp").endswith("Z")
    assert value == {"PartitionKey": "user", "RowKey": "app1", "n": 1,
                     "yes": True}
    [request] = m365.requests("entity")
    assert (request.tenant, request.client) == (TENANT, CLIENT)
    assert reader.read(POINT.format("app1").replace("users", "USERS")
                       ).status == 200


@pytest.mark.parametrize("key, status, error", [
    ("o''neil", 200, None),
    ("o%27%27neil", 200, None),
    ("a%20b", 200, None),
    ("APP1", 404, "ResourceNotFound"),
    ("o'neil", 400, "InvalidInput"),
    ("o%27neil", 400, "InvalidInput"),
    ("app1',RowKey='app1", 400, "InvalidInput"),
    ("a%2Fb", 400, "OutOfRangeInput"),
    ("a%5Cb", 400, "OutOfRangeInput"),
    ("a%23b", 400, "OutOfRangeInput"),
    ("a%3Fb", 400, "OutOfRangeInput"),
    ("a%0Ab", 400, "OutOfRangeInput"),
    ("a" * 513, 400, "OutOfRangeInput"),
])
def test_keys(reader, key, status, error):
    answer = reader.read(POINT.format(key))
    assert answer.status == status
    if error:
        assert code(answer) == (status, error)


@pytest.mark.parametrize("changes, status, error", [
    ({"Authorization": None}, 401, "NoAuthenticationInformation"),
    ({"Authorization": "Bearer x"}, 401, "InvalidAuthenticationInfo"),
    ({"Authorization": "SharedKey a:b"}, 401, "InvalidAuthenticationInfo"),
    ({"x_ms_version": None}, 403, "AuthenticationFailed"),
    ({"x_ms_version": "2015-12-11"}, 403, "AuthenticationFailed"),
    ({"x_ms_date": None}, 403, "AuthenticationFailed"),
    ({"x_ms_date": "now"}, 403, "AuthenticationFailed"),
    ({"x_ms_date": formatdate(0, usegmt=True)}, 403, "AuthenticationFailed"),
    ({"Accept": None}, 415, "AtomFormatNotSupported"),
    ({"Accept": "application/atom+xml"}, 415, "AtomFormatNotSupported"),
])
def test_head_is_strict(reader, changes, status, error):
    answer = reader.read(POINT.format("app1"), **changes)
    assert code(answer) == (status, error)
    if status == 401:
        assert (f"resource_id={AUDIENCE}"
                in answer.headers["WWW-Authenticate"])


def test_token_of_graph_is_none(m365, reader):
    reader.sign_in()
    assert code(reader.read(POINT.format("app1"))) == (
        401, "InvalidAuthenticationInfo")
    reader.sign_in(scope=AUDIENCE + "/.default")
    answer = reader.send(path=SEND)
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    m365.expire_tokens()
    assert reader.read(POINT.format("app1")).status == 401


def test_role(m365, reader):
    m365.app(TENANT, CLIENT, SECRET, permissions=["Mail.Send"])
    assert code(reader.read(POINT.format("app1"))) == (
        403, "AuthorizationPermissionMismatch")


def test_not_there(m365, reader):
    assert code(reader.read(POINT.format("app2"))) == (404, "ResourceNotFound")
    m365.drop_table("users")
    assert code(reader.read(POINT.format("app1"))) == (404, "TableNotFound")
    assert code(reader.rows()) == (404, "TableNotFound")
    answer = reader.ask("DELETE", POINT.format("app1"))
    assert code(answer) == (405, "UnsupportedHttpVerb")


@pytest.mark.parametrize("text, found", [
    ("", 3),
    ("PartitionKey eq 'user'", 3),
    ("PartitionKey eq 'other'", 0),
    ("RowKey eq 'o''neil'", 1),
    ("PartitionKey eq 'user' and (RowKey eq 'app1' or RowKey eq 'a b')", 2),
    ("PartitionKey eq 'x' and RowKey eq 'app1' or RowKey eq 'a b'", 1),
    ("tenant eq 'x'", 0),
    ("RowKey eq 'o'neil'", None),
    ("RowKey eq", None),
    ("(RowKey eq 'a'", None),
    ("RowKey ne 'a'", None),
    ("RowKey eq 'a') or (RowKey eq 'b'", None),
])
def test_filter(reader, text, found):
    answer = reader.rows(**{"$filter": text})
    if found is None:
        assert code(answer) == (400, "InvalidInput")
    else:
        assert len(answer.json["value"]) == found


def test_pages(m365, reader):
    m365.table("users", *({"RowKey": f"{n:02}"} for n in range(25)))
    m365.limits(page=10)
    options: dict[str, str] = {"$filter": "RowKey eq '24'"}
    sizes = []
    while True:
        answer = reader.rows(**options)
        sizes.append(len(answer.json["value"]))
        if not answer.headers["x-ms-continuation-NextRowKey"]:
            break
        for name in ("NextPartitionKey", "NextRowKey"):
            options[name] = answer.headers[f"x-ms-continuation-{name}"]
    assert sizes == [0, 0, 1]
    answer = reader.rows(**{"$top": "2", "$select": "RowKey,from"})
    assert answer.json["value"] == [{"RowKey": "00", "from": None},
                                    {"RowKey": "01", "from": None}]
    assert answer.headers["x-ms-continuation-NextRowKey"] == "1!4!MDI="


def test_unknown_option(reader):
    assert code(reader.rows(**{"$expand": "x"})) == (400, "InvalidInput")
    assert reader.read("/users()?" + quote("$filter=")).status == 400
    assert code(reader.rows(NextPartitionKey="1!4!x")) == (400, "InvalidInput")
