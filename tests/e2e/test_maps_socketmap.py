"""msgraphd alone with a socketmap: what is asked and what an answer lets in, at
AUTH, MAIL and delivery; and servers that are killed, stall, or lie."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from e2e.test_identities_gate import (  # noqa: F401
    APP, NAME, OTHER, make, policy, raw_auth, reload, write)
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, SECRET, TENANT, m365, send, shared_m365, token_requests)
from harness.socketmap import SocketMap, endless, netstring

LATER, REFUSED = "", "NO "


@pytest.fixture(name="names")
def socketmap_server(tmp_path):
    with SocketMap(tmp_path / "names") as server:
        yield server


def maps(daemon_folder, names: SocketMap) -> str:
    return f"{daemon_folder}/identities, {names.item}"


@pytest.fixture(name="begin")
def daemon_with_map(make, names, tmp_path):  # noqa: F811
    """Starts a daemon with a table and the map."""
    def start(table: str = "", **settings: str) -> Daemon:
        return make(table, **{"identity_maps": maps(tmp_path, names),
                              "allowed_tenants": "", **settings})
    return start


REQUIRED = {"identity_required": "yes"}
ALLOWED = {"allowed_tenants": TENANT}
ROW = {"scan": APP}
RAW = {NAME: "from=raw@example.com"}

# rows of the map, table, settings, name that signs in, the answer, keys asked
WHO = {
    "look-up": (ROW, "", {}, "scan@lookup", f"OK user={NAME}.scan", ["scan"]),
    "look-up, other case": (ROW, "", {}, "SCAN@LookUp",
                            f"OK user={NAME}.scan", ["scan"]),
    "look-up, nobody": (ROW, "", {}, "none@lookup", REFUSED, ["none"]),
    "no name of an entry": (ROW, "", {}, "a.b@lookup", REFUSED, []),
    "suffix": (ROW, "", {}, f"{NAME}.scan", f"OK user={NAME}.scan", ["scan"]),
    "suffix of another": (
        {"scan": f"application={OTHER}/{CLIENT}"}, "", ALLOWED,
        f"{NAME}.scan", f"OK user={NAME}", ["scan", NAME]),
    "suffix of nobody, no tenant": ({}, "", {}, f"{NAME}.x", REFUSED, ["x"]),
    "file first": ({"scan": f"application={OTHER}/{CLIENT}"},
                   f"scan {APP}\n", {}, "scan@lookup",
                   f"OK user={NAME}.scan", []),
    "raw, not named here": (RAW, "", {}, NAME, REFUSED, []),
    "raw, tenant allowed": ({}, "", ALLOWED, NAME, f"OK user={NAME}", [NAME]),
    "raw, any": (RAW, "", {"allowed_tenants": "any"}, NAME,
                 f"OK user={NAME}", [NAME]),
    "raw, tenant in the table": (
        RAW, f"x application={TENANT}/{OTHER}\n", {}, NAME,
        f"OK user={NAME}", [NAME]),
    "raw, of the table": (RAW, f"x {APP}\n", {}, NAME, f"OK user={NAME}.x",
                          []),
    "raw, required": (RAW, "", REQUIRED, NAME, f"OK user={NAME}", [NAME]),
    "raw, required, nobody": ({}, "", {**REQUIRED, **ALLOWED}, NAME, REFUSED,
                              [NAME]),
    "required, any": ({}, "", {**REQUIRED, "allowed_tenants": "any"}, NAME,
                      REFUSED, [NAME]),
    "required, table": ({}, f"x {APP}\n", REQUIRED, NAME,
                        f"OK user={NAME}.x", []),
    "raw, application said": ({NAME: APP}, "", REQUIRED, NAME,
                              f"OK user={NAME}", [NAME]),
    "raw, another application": (
        {NAME: f"application={OTHER}/{CLIENT}"}, "", REQUIRED, NAME, LATER,
        [NAME]),
    "disabled": ({"scan": f"{APP} disabled=yes"}, "", {}, "scan@lookup",
                 REFUSED, ["scan"]),
    "raw, disabled": ({NAME: "disabled=yes"}, "", ALLOWED, NAME, REFUSED,
                      [NAME]),
    "braces": ({"scan": f"{APP} {{ senders = a@x, @y }}"}, "", {},
               "scan@lookup", f"OK user={NAME}.scan", ["scan"]),
    "no application": ({"scan": "from=a@x"}, "", {}, "scan@lookup", LATER,
                       ["scan"]),
    "empty": ({"scan": ""}, "", {}, "scan@lookup", LATER, ["scan"]),
    "unknown attribute": ({"scan": f"{APP} sender=@x"}, "", {},
                          "scan@lookup", LATER, ["scan"]),
    "sign_in": ({"scan": f"{APP} sign_in=yes"}, "", {}, "scan@lookup", LATER,
                ["scan"]),
    **{f"{what}, which is root's": (
        {"scan": f"{APP} {what}"}, "", {}, "scan@lookup", LATER, ["scan"])
       for what in ("secret_file=/s", "certificate_file=/s", "daemon_name=x",
                    "federated_token_file=/s", "clients=::1", "logins=bob",
                    "{ client_certificate = a, b }")},
}


@pytest.mark.parametrize("row", WHO)
def test_who(m365, begin, names, row):  # noqa: F811
    names.rows, table, settings, name, answer, keys = WHO[row]
    daemon = begin(table, **settings)
    got = raw_auth(daemon, name)
    assert got.startswith(answer) and bool(got) == bool(answer)
    if answer.startswith("OK"):
        assert got == answer
    assert names.keys() == keys
    assert token_requests(m365) == answer.startswith("OK")
    if "which is root's" in row:
        assert "counts in root's files alone" in daemon.log()


def test_files_alone_ask_nobody(make, names):  # noqa: F811
    daemon = make(f"scan {APP}\n")
    assert raw_auth(daemon, "scan@lookup") == f"OK user={NAME}.scan"
    assert raw_auth(daemon, "other@lookup").startswith(REFUSED)
    assert names.connections == 0


def test_what_a_row_says_counts(m365, begin, names):  # noqa: F811
    names.rows = {
        "scan": f"{APP} senders=@example.com recipients=@example.org "
                "rate_limit=2/d transport=msgraph-slow",
        "fixed": f"{APP} from=app@example.com"}
    daemon = begin()
    user = f"{NAME}.scan"
    assert raw_auth(daemon, "scan@lookup") == f"OK user={user}"
    end = {"stage": "end", "user": user, "mailbox": "a@example.com"}
    assert policy(daemon, user=user).status == "ok"
    asked = policy(daemon, user=user, stage="recipient", recipient="a@x.org")
    assert (asked.status, asked.dsn) == ("refused", "5.7.1")
    asked = policy(daemon, **{**end, "mailbox": "a@x.org"})
    assert (asked.status, asked.dsn) == ("refused", "5.7.1")
    for _ in range(2):
        answer = policy(daemon, **end)
        assert answer.status == "ok"
        assert {"entry=scan", "transport=msgraph-slow",
                "recipients=yes"} <= set(answer.more)
    asked = policy(daemon, user=user)
    assert (asked.status, asked.dsn) == ("later", "4.7.1")
    answer = policy(daemon, stage="end", user=f"{NAME}.fixed", mailbox="b@x")
    assert "from=app@example.com" in answer.more
    assert names.keys() == ["scan", "fixed"]
    assert send(daemon, identity=NAME, entry="scan").status == "sent"


def test_row_of_an_application_counts(begin, names):
    """The row has no name: what it says holds for the application."""
    names.rows = {NAME: "senders=@example.com rate_limit=1/d"}
    daemon = begin(**ALLOWED)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"
    end = {"stage": "end", "user": NAME}
    asked = policy(daemon, mailbox="a@x.org", **end)
    assert (asked.status, asked.dsn) == ("refused", "5.7.1")
    assert f'entry "{NAME}" may not send from a@x.org' in asked.text
    answer = policy(daemon, mailbox="a@example.com", **end)
    assert answer.status == "ok"
    assert not any(line.startswith("entry=") for line in answer.more)
    assert policy(daemon, user=NAME).dsn == "4.7.1"


def test_changed_and_vanished_rows_count(begin, names):
    names.rows = {"scan": APP}
    daemon = begin(identity_cache_ttl="1s")
    user = f"{NAME}.scan"
    assert raw_auth(daemon, "scan@lookup") == f"OK user={user}"
    assert send(daemon, identity=NAME, entry="scan").status == "sent"
    names.rows = {"scan": f"{APP} disabled=yes"}
    Daemon.wait(lambda: policy(daemon, user=user).dsn == "5.7.13", 10)
    reply = send(daemon, identity=NAME, entry="scan")
    assert (reply.status, reply.dsn) == ("deferred", "4.7.13")
    assert "disabled=yes, socketmap:unix:" in reply.text
    names.rows = {}
    Daemon.wait(lambda: raw_auth(
        daemon, "scan@lookup").startswith(REFUSED), 10)
    # what waits for an entry that is gone goes by the stored secret
    Daemon.wait(lambda: send(
        daemon, identity=NAME, entry="scan").status == "sent", 10)


def test_reload_asks_anew(begin, names):
    daemon = begin()
    assert raw_auth(daemon, "scan@lookup").startswith(REFUSED)
    names.rows = {"scan": APP}
    assert raw_auth(daemon, "scan@lookup").startswith(REFUSED)
    reload(daemon)
    assert raw_auth(daemon, "scan@lookup") == f"OK user={NAME}.scan"


def test_other_maps_after_a_reload(begin, make, names, tmp_path):  # noqa: F811
    names.rows = {"scan": APP}
    daemon = begin()
    assert raw_auth(daemon, "scan@lookup") == f"OK user={NAME}.scan"
    with SocketMap(tmp_path / "others", {"other": APP}) as others:
        daemon.settings["identity_maps"] = others.item
        daemon.write_conf()
        reload(daemon)
        assert raw_auth(daemon, "scan@lookup").startswith(REFUSED)
        assert raw_auth(daemon, "other@lookup") == f"OK user={NAME}.other"
        daemon.settings["identity_maps"] = "socketmap:unix:nowhere:x"
        daemon.write_conf()
        reload(daemon)
        assert "a socket begins with /" in daemon.log()
        assert raw_auth(daemon, "other@lookup") == f"OK user={NAME}.other"


def test_first_map_comes_first(make, names, tmp_path):  # noqa: F811
    names.rows = {"both": f"{APP} disabled=yes"}
    rows = {"both": APP, "second": APP}
    with SocketMap(tmp_path / "others", rows) as others:
        daemon = make("", identity_maps=f"{names.item} {others.item}",
                      allowed_tenants="")
        assert raw_auth(daemon, "both@lookup").startswith(REFUSED)
        assert raw_auth(daemon, "second@lookup") == f"OK user={NAME}.second"
        assert others.keys() == ["second"]
        # behind a map that does not answer nobody knows what counts
        names.kill()
        assert raw_auth(daemon, "third@lookup") == LATER
        assert others.keys() == ["second"]


# --- servers that do not answer, or lie: what is done to the server

def kill(names: SocketMap) -> None:
    names.kill()


def stall(names: SocketMap) -> None:
    names.stalls = True


def answering(raw: object):
    def change(names: SocketMap) -> None:
        names.raw = raw
    return change


TROUBLE = {
    "killed": (kill, "No such file"),
    "stalled": (stall, "no answer within 3 s"),
    "hangs up": (answering(b""), ""),
    "temp": (answering(netstring("TEMP the server's server is away")),
             "the server says TEMP: the server's server is away"),
    "timeout": (answering(netstring("TIMEOUT ")), "the server says TIMEOUT"),
    "perm": (answering(netstring("PERM no")), "the server says PERM: no"),
    "another word": (answering(netstring("MAYBE so")), "with no word of"),
    "lower case": (answering(netstring("ok " + APP)), "with no word of"),
    "nothing": (answering(netstring("")), "with no word of"),
    "no netstring": (answering(b"OK " + APP.encode() + b"\n"),
                     "is no netstring"),
    "http": (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
             "is no netstring"),
    "json": (answering(b'{"application": 1}'), "is no netstring"),
    "negative": (answering(b"-1:OK,"), "is no netstring"),
    "no comma": (answering(b"4:OK x;"), "is no netstring"),
    "two answers": (answering(netstring("OK " + APP) * 2), "nobody asked"),
    "two lines": (answering(netstring(f"OK {APP}\nother {APP}")),
                  "more than one line"),
    "a NUL": (answering(netstring(b"OK " + APP.encode() + b"\0")),
              "more than one line"),
    "10 MB": (answering(netstring(b"OK " + b"x" * 10_000_000)),
              "too long"),
    "16 KB": (answering(netstring(b"OK " + b"x" * 16_384)), ""),
    "endless": (answering(endless), "too long"),
    "wrong types": (answering(netstring("OK 12345 true null")),
                    "neither name=value"),
}


@pytest.mark.parametrize("row", TROUBLE)
def test_trouble(m365, begin, names, row):  # noqa: F811
    """Nothing known: 454, 451, deferred. Known: all goes on, and what it
    refuses is not for certain. The server is well again: so are we."""
    change, text = TROUBLE[row]
    names.rows = {"known": f"{APP} senders=@example.com"}
    daemon = begin(identity_cache_ttl="1s")
    user = f"{NAME}.known"
    assert raw_auth(daemon, "known@lookup") == f"OK user={user}"
    change(names)
    if row == "hangs up":
        names.hangs_up = True
    assert raw_auth(daemon, "new@lookup") == LATER
    asked = policy(daemon, user=f"{NAME}.new")
    assert (asked.status, asked.dsn) == ("later", "4.4.3")
    reply = send(daemon, identity=NAME, entry="new")
    assert (reply.status, reply.dsn) == ("deferred", "4.4.3")
    assert text in reply.text and text in daemon.log()
    if row != "wrong types":  # a row with a mistake replaces what was known
        Daemon.wait(lambda: names.keys().count("known") >= 2 or
                    policy(daemon, user=user).status != "ok" or
                    row == "killed", 10)
        assert raw_auth(daemon, "known@lookup") == f"OK user={user}"
        assert policy(daemon, user=user).status == "ok"
        assert send(daemon, identity=NAME, entry="known").status == "sent"
    names.kill()
    names.raw, names.stalls, names.hangs_up = None, False, False
    names.rows["new"] = APP
    names.start()
    Daemon.wait(lambda: raw_auth(
        daemon, "new@lookup") == f"OK user={NAME}.new", 30)
    assert daemon.peak_memory() < 60_000


def test_refusal_by_what_was_known_once_is_not_for_certain(begin, names):
    names.rows = {"a": f"{APP} senders=@example.com recipients=@example.com",
                  "b": f"{APP} disabled=yes"}
    daemon = begin(identity_cache_ttl="1s")
    end = {"stage": "end", "user": f"{NAME}.a", "mailbox": "a@x.org"}
    assert policy(daemon, **end).dsn == "5.7.1"
    assert raw_auth(daemon, "b@lookup").startswith(REFUSED)
    assert raw_auth(daemon, "c@lookup").startswith(REFUSED)
    names.kill()
    Daemon.wait(lambda: policy(daemon, **end).dsn == "4.7.1", 10)
    Daemon.wait(lambda: raw_auth(daemon, "b@lookup") == LATER, 10)
    Daemon.wait(lambda: raw_auth(daemon, "c@lookup") == LATER, 10)
    asked = policy(daemon, stage="recipient", user=f"{NAME}.a",
                   recipient="a@x.org")
    assert (asked.status, asked.dsn) == ("later", "4.7.1")


def test_grace_ends(begin, names):
    names.rows = {"a": APP}
    daemon = begin(identity_cache_ttl="1s", identity_cache_grace="2s")
    assert raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a"
    names.kill()
    Daemon.wait(lambda: raw_auth(daemon, "a@lookup") == LATER, 20)
    assert daemon.log().count(f"{names.item}: ") >= 1
    warned = daemon.log().count("others get 454 or 451")
    assert warned == 1
    names.start()
    Daemon.wait(lambda: raw_auth(daemon, "a@lookup") == f"OK user={NAME}.a",
                30)
    assert f"{names.item} answers again" in daemon.log()


# --- connections, and who waits for whom

def test_one_connection_serves_all(begin, names):
    names.rows = {f"e{n}": APP for n in range(200)}
    daemon = begin()
    for n in range(200):
        assert policy(daemon, user=f"{NAME}.e{n}").status == "ok"
    assert names.connections == 1
    assert len(names.asked) == 200
    for n in range(200):
        assert policy(daemon, user=f"{NAME}.e{n}").status == "ok"
    assert len(names.asked) == 200


def test_closed_connection_is_made_anew(begin, names):
    """Servers close those that are idle; also just when a question comes."""
    names.rows = {f"e{n}": APP for n in range(20)}
    daemon = begin()
    for n in range(10):
        assert policy(daemon, user=f"{NAME}.e{n}").status == "ok"
        names.hang_up()
    names.hangs_up = True
    for n in range(10, 20):
        assert policy(daemon, user=f"{NAME}.e{n}").status == "ok"


def test_stalled_server_delays_nobody_else(m365, begin, names):  # noqa: F811
    names.rows = {"known": APP}
    daemon = begin(f"file {APP}\n")
    assert policy(daemon, user=f"{NAME}.known").status == "ok"
    names.stalls = True
    waited: list[float] = []

    def ask(n: int) -> None:
        began = time.monotonic()
        assert policy(daemon, user=f"{NAME}.new{n}").status == "later"
        waited.append(time.monotonic() - began)
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    Daemon.wait(lambda: len(names.asked) > 1)
    with daemon.watched() as silence:
        while any(thread.is_alive() for thread in threads):
            assert policy(daemon, user=f"{NAME}.known").status == "ok"
            assert policy(daemon, user=f"{NAME}.file").status == "ok"
            assert raw_auth(daemon, "file@lookup").startswith("OK")
            assert send(daemon, identity=NAME, entry="file").status == "sent"
    print(f"others waited {silence.longest:.2f} s at most, "
          f"those who asked {max(waited):.2f} s")
    assert silence.longest < 1
    assert len(waited) == 50 and max(waited) < 8


def test_slow_server_is_not_waited_for_longer_than_the_milter_waits(
        begin, names):
    """It hears "later" in time (milter/question.h), or it would take msgraphd
    for stalled, and hurry the questions of all others."""
    def slow():
        time.sleep(1.9)
        yield netstring("NOTFOUND ")
    names.raw = slow
    daemon = begin()
    waited: list[float] = []

    def ask(n: int) -> None:
        began = time.monotonic()
        policy(daemon, user=f"{NAME}.x{n}")
        waited.append(time.monotonic() - began)
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waited) == 4 and max(waited) < 4.8


def test_made_up_names_push_out_nothing(begin, names):
    names.rows = {"used": f"{APP} rate_limit=1/d"}
    daemon = begin(log_level="info")
    end = {"stage": "end", "user": f"{NAME}.used", "mailbox": "a@x"}
    assert policy(daemon, **end).status == "ok"
    for n in range(10_000):
        raw_auth(daemon, f"made-up-{n}@lookup")
    names.kill()
    assert policy(daemon, user=f"{NAME}.used").dsn == "4.7.1"
    assert names.keys().count("used") == 1
    assert daemon.peak_memory() < 60_000
    assert daemon.log().count("made-up") < 100


def may_send(daemon: Daemon, user: str, recipient: str) -> bool:
    """As policy(), in little time: nothing is written."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(daemon.settings["submit_socket"])
        sock.sendall(f"request=policy\nstage=recipient\nuser={user}\n"
                     f"recipient={recipient}\n\n".encode())
        return sock.recv(4096).startswith(b"status=ok\n")


def test_ten_thousand_entries(begin, names):
    names.rows = {f"e{n}": f"{APP} recipients=scan{n}@example.com"
                  for n in range(10_000)}
    daemon = begin(log_level="info")
    for n in range(10_000):
        assert may_send(daemon, f"{NAME}.e{n}", f"scan{n}@example.com")
    assert not may_send(daemon, f"{NAME}.e0", "scan1@example.com")
    names.kill()
    for n in range(0, 10_000, 100):
        assert may_send(daemon, f"{NAME}.e{n}", f"scan{n}@example.com")
    print(f"{daemon.peak_memory()} kB")
    assert daemon.peak_memory() < 100_000
