"""The emulator's own tests: what becomes of mail after the 202."""

from __future__ import annotations

import base64

import pytest

from emulator.graph_client import Client, MAIL

BOX = "/v1.0/users/a%40x.example"
FOLDERS = ("drafts", "sentitems")


def folders(client: Client) -> tuple[int, int]:
    """How many messages Drafts and Sent Items have."""
    return tuple(len(client.graph(
        "GET", f"{BOX}/mailFolders/{name}/messages").json["value"])
        for name in FOLDERS)


def look(client: Client, item: str):
    return client.graph("GET", f"{BOX}/messages/{item}")


def new_draft(client: Client) -> str:
    return client.graph("POST", f"{BOX}/messages",
                        base64.b64encode(MAIL)).json["id"]


def test_sent_at_once(m365, client):
    assert client.send().status == 202
    assert folders(client) == (0, 1)


def test_stays_in_drafts_for_a_time(m365, client):
    m365.limits(in_drafts=0.3)
    client.send()
    assert folders(client) == (1, 0)
    [mail] = m365.mail()
    assert look(client, mail.id).json["isDraft"] is True
    while m365.mail()[0].in_drafts:
        pass
    assert folders(client) == (0, 1)
    assert look(client, mail.id).code == "ErrorItemNotFound"


def test_stays_in_drafts_for_ever(m365, client):
    m365.limits(in_drafts=None)
    client.send()
    m365.limits(in_drafts=0)
    assert folders(client) == (1, 0)


def test_draft_that_was_handed_over(m365, client):
    m365.limits(in_drafts=None)
    item = new_draft(client)
    assert look(client, item).json["isDraft"] is True
    path = f"{BOX}/messages/{item}"
    assert client.graph("POST", path + "/send", b"").status == 202
    assert look(client, item).json["isDraft"] is False
    assert (folders(client), m365.drafts()) == ((1, 0), [])
    # the worst that may come of a second order
    assert client.graph("POST", path + "/send", b"").status == 202
    assert len(m365.mail()) == 2


def test_handed_over_and_deleted(m365, client):
    m365.limits(in_drafts=None)
    client.send()
    path = f"{BOX}/messages/{m365.mail()[0].id}"
    assert client.graph("DELETE", path).status == 204
    assert client.graph("DELETE", path).status == 404
    assert folders(client) == (0, 0)


def test_drafts_are_listed(m365, client):
    """With what Sent Items have, so that both can be read alike."""
    item = new_draft(client)
    [found] = client.graph("GET", f"{BOX}/mailFolders/drafts/messages?"
                           "$select=isDraft,lastModifiedDateTime,toRecipients"
                           ).json["value"]
    assert (found["id"], found["isDraft"]) == (item, True)
    assert found["lastModifiedDateTime"].endswith("Z")
    assert found["toRecipients"][0]["emailAddress"]["address"] == "b@y.example"


@pytest.mark.parametrize("field, kept", [
    (b"Subject: x\r\n", [True, True]),
    (b"List-Id: <x>\r\n", [True, True]),
    (b"Auto-Submitted: auto-replied\r\n", [False, False]),
    (b"Return-Path: <>\r\n", [False, False]),
    (b"Foo: x\r\n folded\r\n", [False, False]),
    (b"X-Foo: x\r\n", [False, True]),
])
def test_fields_that_go_on_the_way(m365, client, field, kept):
    m365.limits(drop_fields=True)
    client.send(field + MAIL)
    client.send(field + MAIL)
    assert [mail.raw for mail in m365.mail()] == [
        field * there + MAIL for there in kept]
