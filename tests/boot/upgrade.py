"""What an upgrade from version 0.1.0 does to a booted host: to the key, the
state, mail that the old version has queued, and its lines in Postfix's settings.
See the script package.

Each row of the output is one requirement. The exit status is 1 when one was not
met.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from pathlib import Path

from harness import document
from host import (
    CLIENT, CONF, KEY, SECRET, STATE, TENANT, auth, prepare, run, until,
    wait_postfix, write_conf)
from installed import (
    EXAMPLES, POSTFIX, apt, are_active, arrives, check_bounce, end, hold, log,
    mail_log, owner, row, send, succeeds, undo)

WORK = Path(sys.argv[1])
(OLD,) = (WORK / "old").glob("postfix-msgraph_0.1.0-1_*.deb")
(NEW,) = (WORK / "one").glob("postfix-msgraph_*.deb")
BEFORE = WORK / "postfix.before"
COPY = Path("/var/lib/msgraph/state.db-2")
TENANTS = (TENANT, "99999999-2222-3333-4444-555555555555")
NEW_CLIENT = "77777777-7777-8888-9999-aaaaaaaaaaaa"
STRANGER = "88888888-2222-3333-4444-555555555555"
WAITING = ("tried by the old version", "queued by the old version",
           "of the other tenant")


def set_up_as_then() -> None:
    """The steps of that version's README."""
    (POSTFIX / "sasl").mkdir(exist_ok=True)
    shutil.copy(EXAMPLES / "sasl/msgraph.conf", POSTFIX / "sasl")
    shutil.copy(EXAMPLES / "postfix/msgraph_route.pcre", POSTFIX)
    for name in ("main.cf", "master.cf"):
        with (POSTFIX / name).open("a") as file:
            file.write((EXAMPLES / "postfix" / f"{name}.msgraph").read_text())
    # which later Postfixes than that of Debian 12 need
    run("postconf", "-e", "cyrus_sasl_config_path=/etc/postfix/sasl",
        check=True)
    for name in ("bounce", "defer", "trace"):
        run("postconf", "-P",
            f"{name}/unix/cleanup_service_name=msgraph-bounce",
            f"{name}/unix/internal_mail_filter_classes=bounce", check=True)
    run("postfix", "reload", check=True)
    wait_postfix()


def install_old() -> None:
    succeeds("version 0.1.0 is installed", apt("install", OLD))
    until(are_active, 20)
    set_up_as_then()


def write_conf_as_then() -> None:
    """Without the setting that it did not have."""
    write_conf()
    CONF.write_text("".join(
        line for line in CONF.read_text().splitlines(keepends=True)
        if not line.startswith("allowed_tenants")))
    run("systemctl", "restart", "msgraphd", "msgraph-milter", check=True)


def queued() -> list[str]:
    """The route that each queue file names last, which is the one that counts."""
    ids = re.findall(r'"queue_id": "(\w+)"', run("postqueue", "-j").stdout)
    return [run("postcat", "-e", "-q", name).stdout.rpartition(
        "content_filter: ")[2].split("\n")[0] for name in ids]


def use_old() -> None:
    for tenant in TENANTS:
        m365.app(tenant, CLIENT, SECRET)
        row("a client signs in with 0.1.0",
            auth(f"{tenant}@{CLIENT}").code == 235)
    send("sent by the old version")
    arrives("and sends", 1)
    # Graph does not answer: the journal knows this one
    m365.rules({"endpoint": "sendMail", "status": 503})
    send(WAITING[0])
    row("Graph is down, and it is deferred", until(lambda: any(
        "status=deferred" in line and "msgraphd" in line
        for line in mail_log()), 30) is not None)
    hold(True)
    send(WAITING[1])
    send(WAITING[2], user=f"{TENANTS[1]}@{CLIENT}")
    until(lambda: len(queued()) == 3, 10)
    routes = queued()
    row("three wait, with routes that name no application",
        routes == ["msgraph:scan@example.com"] * 3, routes)


def format_of(file: Path) -> int:
    """By a look at the bytes, since a daemon has the file locked."""
    return int.from_bytes(file.read_bytes()[60:64], "big")


def upgrade() -> str:
    key, settings = KEY.read_bytes(), run("postconf", "-n").stdout
    services = run("postconf", "-M").stdout
    words = document.command("docs/packaging.md", "apt-get -o").split()
    done = apt(*words[1:], NEW)
    succeeds("upgraded", done)
    row("units are active", until(are_active, 20) is not None)
    row("the key is the same", KEY.read_bytes() == key)
    row("key and folder", (owner(str(KEY)), owner("/var/lib/msgraph")) == (
        "400 msgraphd root", "700 msgraphd msgraph"))
    row("Postfix's settings are the same",
        settings == run("postconf", "-n").stdout
        and services == run("postconf", "-M").stdout)
    row("the old state is kept beside the new one", COPY.exists()
        and owner(str(COPY)) == "600 msgraphd msgraph"
        and format_of(COPY) == 2, COPY.exists() and owner(str(COPY)))
    return done.stdout


def check_known() -> None:
    """The copy has the tenants, and the new state opens with the key."""
    with sqlite3.connect(f"file:{COPY}?mode=ro&immutable=1",
                         uri=True) as copy:
        names = {name.split("/")[0] for name, in copy.execute(
            "SELECT identity FROM credential")}
    row("both tenants are in the state", names == set(TENANTS), names)
    complaints = re.findall(r"(?:error|warning): (?!allowed_tenants).*",
                            log("msgraphd").rpartition("Starting ")[2])
    row("msgraphd complains of nothing else", not complaints, complaints)


def check_notice(said: str) -> None:
    wanted = f"allowed_tenants = {', '.join(sorted(TENANTS))}"
    row("the log names the tenants", wanted in log("msgraphd"))
    row("so does the upgrade", wanted in said, "" if wanted in said else said)
    row("NEWS has it", "allowed_tenants" in run(
        "zcat", "/usr/share/doc/postfix-msgraph/NEWS.Debian.gz").stdout)
    row("who is known signs in", auth().code == 235)
    for tenant in (TENANT, STRANGER):
        m365.app(tenant, NEW_CLIENT, SECRET)
        answer = auth(f"{tenant}@{NEW_CLIENT}")
        row("who is new hears 454", answer.code == 454, answer)
    with CONF.open("a") as file:
        file.write(wanted + "\n")
    run("systemctl", "reload", "msgraphd", check=True)
    row("with that line a new client signs in", until(
        lambda: auth(f"{TENANT}@{NEW_CLIENT}").code == 235, 10) is not None)
    answer = auth(f"{STRANGER}@{NEW_CLIENT}")
    row("and one of another tenant is refused", answer.code == 535, answer)


def check_mail() -> None:
    m365.clear_rules()
    hold(False)
    arrives("the three that waited go out, once each", 4)
    # what Graph refused is tried again, each under its own application
    found = [(mail.subject, mail.tenant) for mail in m365.mail()[1:]]
    row("under the application that sent each", set(found) == set(
        zip(WAITING, (TENANT, TENANT, TENANTS[1]))), found)
    send("sent by the new version, along the old settings")
    arrives("the old settings go on working", 5)
    check_bounce()


def remove() -> None:
    undo(apt("remove", "postfix-msgraph").stdout, BEFORE, by_hand=True)
    succeeds("purged", apt("purge", "postfix-msgraph"))
    row("the copy of the state is gone too", not STATE.parent.exists())


install_old()
m365 = prepare()
try:
    write_conf_as_then()
    use_old()
    said = upgrade()
    check_known()
    check_mail()
    check_notice(said)
    remove()
finally:
    m365.stop()
sys.exit(end())
