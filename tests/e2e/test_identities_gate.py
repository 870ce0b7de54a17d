"""msgraphd alone with a table of identities: who may sign in, what is answered
before Entra is asked, and a table that changes, is wrong or goes while msgraphd
runs and mail waits."""

from __future__ import annotations

import base64
import os
import re
import uuid
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, m365, send, settings_for, shared_m365,
    token_requests)
from harness.daemon_table import policy, raw_auth, reload, write

OTHER = "99999999-2222-3333-4444-555555555555"
NAME = f"{TENANT}@{CLIENT}"
APP = f"application={TENANT}/{CLIENT}"
# the same 16 bytes each, as printers with a short field have them
SHORT = base64.urlsafe_b64encode(
    uuid.UUID(TENANT).bytes).decode().rstrip("=")
LATER, REFUSED = "", "NO "
NEITHER = {"allowed_tenants": "", "identity_maps": ""}


@pytest.fixture
def make(m365, tmp_path):  # noqa: F811
    """Starts a daemon with a table."""
    daemons = []

    def start(table: str, **settings: str) -> Daemon:
        daemon = Daemon(tmp_path, {**settings_for(m365), **settings})
        write(daemon, table)
        daemons.append(daemon.start())
        return daemon
    yield start
    for daemon in daemons:
        daemon.__exit__()


# --- whose applications may sign in

GATE = {
    "neither, unknown": ("", NEITHER, NAME, LATER, 0),
    "any": ("", {"allowed_tenants": "any"}, NAME, f"OK user={NAME}", 1),
    "tenant": ("", {"allowed_tenants": SHORT}, NAME, f"OK user={NAME}", 1),
    "other tenant": ("", {"allowed_tenants": OTHER}, NAME, REFUSED, 0),
    "entry": (f"a {APP}\n", {"allowed_tenants": ""}, NAME,
              f"OK user={NAME}.a", 1),
    "other entry": (f"a application={OTHER}/{CLIENT}\n",
                    {"allowed_tenants": ""}, NAME, REFUSED, 0),
    "look-up": (f"a {APP}\n", {}, "A@lookup", f"OK user={NAME}.a", 1),
    "look-up, nobody": (f"a {APP}\n", {}, "b@lookup", REFUSED, 0),
    "other suffix": (f"a {APP}\n", {"identity_lookup_suffix": "relay"},
                     "a:relay", f"OK user={NAME}.a", 1),
    "two entries": (f"a {APP}\nb {APP}\n", {}, NAME, REFUSED, 0),
    "one of two": (f"a {APP}\nb {APP}\n", {}, f"{NAME}.b",
                   f"OK user={NAME}.b", 1),
    "short": (f"a {APP}\n", {}, f"{SHORT}:{CLIENT.upper()}.x.y",
              f"OK user={NAME}.a", 1),
    "disabled": (f"a {APP} disabled=yes\n", {}, NAME, REFUSED, 0),
    "for clients": (f"a {APP} secret_file=/s from=a@x clients=::1\n",
                    {"allowed_tenants": ""}, NAME, REFUSED, 0),
}


@pytest.mark.parametrize("row", GATE)
def test_gate(m365, make, row):  # noqa: F811
    table, settings, name, answer, asked = GATE[row]
    daemon = make(table, **settings)
    got = raw_auth(daemon, name)
    assert got.startswith(answer) and bool(got) == bool(answer)
    if answer.startswith("OK"):
        assert got == answer
    assert token_requests(m365) == asked


def test_line_to_add_lets_in(make):
    daemon = make("", **NEITHER)
    for _ in range(20):
        assert raw_auth(daemon, NAME) == LATER
    lines = re.findall(r"reason=identity, status=unavailable .*: "
                       r"(allowed_tenants = .*)\)", daemon.log())
    assert lines == [f"allowed_tenants = {TENANT}"]
    name, _, value = lines[0].partition(" = ")
    daemon.settings[name] = value
    daemon.write_conf()
    reload(daemon)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"


def test_known_application_goes_on(m365, make):  # noqa: F811
    """After an update from a release that had neither setting."""
    daemon = make("", allowed_tenants="any")
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"
    m365.app(OTHER, CLIENT, SECRET)
    daemon.settings.update(NEITHER)
    daemon.write_conf()
    reload(daemon)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"
    assert policy(daemon, user=NAME).status == "ok"
    assert raw_auth(daemon, f"{OTHER}@{CLIENT}") == LATER
    assert policy(daemon, user=f"{OTHER}@{CLIENT}").status == "later"


def test_wrong_secret_is_wrong_with_an_entry_of_its_own(make, tmp_path):
    """The relay's own credential answers no sign-in."""
    own = tmp_path / "own"
    own.write_text(SECRET)
    own.chmod(0o400)
    daemon = make(f"a {APP} secret_file={own}\n")
    assert send(daemon, identity=NAME, entry="a").status == "sent"
    assert raw_auth(daemon, NAME, "wrong").startswith(REFUSED)
    assert raw_auth(daemon, "a@lookup", "wrong").startswith(REFUSED)
    assert raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a"


# --- the table changes

def test_changed_table_counts_without_a_reload(make):
    daemon = make(f"a {APP}\n", allowed_tenants="")
    assert raw_auth(daemon, NAME) == f"OK user={NAME}.a"
    write(daemon, f"b {APP} senders=@example.com\n")
    Daemon.wait(lambda: raw_auth(daemon, NAME) == f"OK user={NAME}.b", 20)
    log = daemon.log()
    assert f"audit: entry=a, application={TENANT}/{CLIENT}, action=removed (" \
        in log
    assert f"audit: entry=b, application={TENANT}/{CLIENT}, action=added (" \
        in log
    # what waits for the entry that was renamed goes by the stored secret
    assert send(daemon, identity=NAME, entry="a").status == "sent"


def test_mistake_and_vanished_file_keep_the_table(make):
    daemon = make(f"a {APP}\n", allowed_tenants="")
    write(daemon, f"a {APP} sender=@x\n")
    Daemon.wait(lambda: 'did you mean "senders"?' in daemon.log(), 20)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}.a"
    reload(daemon)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}.a"
    (daemon.directory / "identities").unlink()
    Daemon.wait(lambda: "has gone; the old table stays" in daemon.log(), 20)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}.a"
    reload(daemon)
    # as if there had never been a table: the application is known
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"


def test_mistake_at_the_start(make):
    daemon = make(f"\na {APP}\n  sender=@x\n", allowed_tenants="any")
    where = f"{daemon.directory}/identities:3: unknown attribute"
    assert raw_auth(daemon, NAME) == LATER
    asked = policy(daemon, client_address="192.0.2.1")
    assert (asked.status, asked.dsn) == ("later", "4.3.5")
    assert where in asked.text
    reply = send(daemon, identity=NAME)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.5")
    assert where in reply.text
    write(daemon, f"a {APP}\n")
    Daemon.wait(lambda: raw_auth(daemon, NAME) == f"OK user={NAME}.a", 20)
    assert send(daemon, identity=NAME, entry="a").status == "sent"


def test_disabled_while_mail_waits(m365, make):  # noqa: F811
    daemon = make(f"a {APP}\nb {APP}\n")
    assert raw_auth(daemon, f"{NAME}.a") == f"OK user={NAME}.a"
    write(daemon, f"a {APP} disabled=yes\nb {APP}\n")
    reload(daemon)
    before = token_requests(m365)
    assert raw_auth(daemon, f"{NAME}.a").startswith(REFUSED)
    asked = policy(daemon, user=f"{NAME}.a")
    assert (asked.status, asked.dsn) == ("refused", "5.7.13")
    reply = send(daemon, identity=NAME, entry="a")
    assert (reply.status, reply.dsn) == ("deferred", "4.7.13")
    assert "disabled=yes" in reply.text
    assert m365.mail() == [] and token_requests(m365) == before
    write(daemon, f"a {APP}\nb {APP}\n")
    reload(daemon)
    assert send(daemon, identity=NAME, entry="a").status == "sent"


# --- what strangers can do to the log, and to the answers of others

def test_strangers_do_not_fill_the_log(make):
    daemon = make(f"a {APP}\n", allowed_tenants="")
    before = len(daemon.log())
    for number in range(300):
        name = f"{number:08x}{TENANT[8:]}@{CLIENT}"
        assert raw_auth(daemon, name).startswith(REFUSED)
    assert daemon.log()[before:].count("reason=identity") <= 20


def processor_seconds(daemon: Daemon) -> float:
    """What msgraphd has used: others may keep it waiting."""
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text()
    user, system = fields.rpartition(") ")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_ten_thousand_entries_delay_nobody(make):
    """Neither reading them nor a look costs what somebody would notice."""
    daemon = make("")
    table = "".join(
        f"e{n} application={TENANT}/{n:08x}{CLIENT[8:]} "
        f"secret_file=/nowhere/{n} clients=10.{n // 256}.{n % 256}.0/24 "
        f"senders=scan{n}@example.com\n" for n in range(10000))
    began = processor_seconds(daemon)
    write(daemon, table)
    reload(daemon)
    Daemon.wait(lambda: policy(
        daemon, client_address="10.39.15.7").status == "ok", 60)
    read = processor_seconds(daemon)
    for n in range(500):
        assert policy(daemon, client_address=f"10.7.{n % 256}.9",
                      daemon_name="port25").status == "ok"
    print(f"read in {read - began:.2f} s (10,000 audit lines included), "
          f"{(processor_seconds(daemon) - read) / 500 * 1000:.2f} ms each")
    assert read - began < 2
    assert processor_seconds(daemon) - read < 2


# --- the way back of a bounce

@pytest.mark.parametrize("question, known", [
    ({"stage": "end", "user": f"{NAME}.own", "mailbox": "scan@x.org"},
     "scan@x.org"),
    ({"stage": "end", "user": f"{NAME}.fixed", "mailbox": "b@x.org"},
     "fixed@x.org"),
    # who may not send, or has not yet
    ({"stage": "end", "user": f"{NAME}.own", "mailbox": "b@x.org"}, None),
    ({"stage": "mail", "user": f"{NAME}.own", "mailbox": "scan@x.org"}, None),
])
def test_who_is_expected_to_send(make, question, known):  # noqa: F811
    daemon = make(f"own {APP} senders=scan@x.org\nfixed {APP} "
                  "from=fixed@x.org\n")
    policy(daemon, **question)
    mailboxes = ("scan@x.org", "b@x.org", "fixed@x.org")
    assert daemon.bounce(*(f"To: {name}" for name in mailboxes)) == [
        f"OK FILTER msgraph:{name}" if name == known else "NOTFOUND "
        for name in mailboxes]
