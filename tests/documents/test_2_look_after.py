"""What docs/ and the man pages have an admin type on a relay that runs."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from boot.host import CLIENT, SECRET, TENANT, until, wait_postfix

from harness import document
from harness.message import message
from harness.smtp import Answer, Smtp
from harness.typed import Step, follow, follow_block, is_active, mail_log

BY_HAND = "docs/by-hand.md"
CLIENTS = "docs/clients.md"
ENTRA = "docs/entra.md"
EXCHANGE = "docs/moving-from-exchange.md"
GRAPH = "docs/moving-from-smtp2graph.md"
OPERATIONS = "docs/operations.md"
PACKAGING = "docs/packaging.md"
SENDERS = "docs/senders.md"
TROUBLE = "docs/troubleshooting.md"
CTL = "agent/ctl/msgraphctl.8"
DAEMON = "agent/daemon/msgraphd.8"
EXAMPLES = Path("/usr/share/doc/postfix-msgraph/examples")
IS_BOOKWORM = Path("/etc/debian_version").read_text().startswith("12")
UNKNOWN = {"endpoint": "sendMail", "action": "reset", "when": "after",
           "times": 1}


def run(*words: str, **options) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True,
                          **options).stdout


def restart() -> None:
    """After a reload, for a moment, the old processes go on with what was."""
    run("systemctl", "restart", "postfix")
    wait_postfix()


def send(sender: str = "scan@example.com", recipient: str = "a@example.org"
         ) -> Answer:
    with Smtp(8025) as client:
        client.login(f"{TENANT}@{CLIENT}", SECRET)
        return client.transact(sender, [recipient], message(sender))


# --- to look

LOOK = [
    (TROUBLE, Step("journalctl --facility=mail -S today |",
                   "warning: SASL authentication failure")),
    (TROUBLE, Step("journalctl --facility=mail", "msgraphd.* status=sent")),
    (TROUBLE, Step("msgraphctl status", f"{TENANT}/{CLIENT}")),
    (TROUBLE, Step("msgraphd -n", "^allowed_tenants = ")),
    (TROUBLE, Step("postconf -M", "^8025 .* smtpd_sasl_path=msgraph ")),
    (TROUBLE, Step("systemctl status")),
    (TROUBLE, Step("systemctl status msgraphd", r"active \(running\)")),
    (TROUBLE, Step("systemctl status msgraph-milter", r"active \(running\)")),
    (OPERATIONS, Step("postconf -n", "^smtpd_tls_chain_files = ")),
    (OPERATIONS, Step("journalctl -u postfix@-",
                      "postfix/master" if IS_BOOKWORM else "")),
    (OPERATIONS, Step("journalctl -u postfix",
                      "" if IS_BOOKWORM else "postfix/master")),
    (PACKAGING, Step("systemd-analyze security", r"^msgraphd\.service +1\.")),
    (CLIENTS, Step("python3 -c", f"^ERERESIiMzNERFVVVVVVVQ$",
                   here={"<id>": TENANT})),
    (EXCHANGE, Step("ipcalc 192.0.2.1 - 192.0.2.50",
                    r"192\.0\.2\.1/32(?s:.*)192\.0\.2\.48/")),
    (CTL, Step("msgraphctl status --watch", f"{TENANT}/{CLIENT}", 124,
               here={"msgraphctl": "timeout 5 msgraphctl"})),
    (CTL, Step("msgraphctl entra-script -m", folder=Path("/root"))),
    (CTL, Step("msgraphctl setup --tenant", "nothing had to be", 2)),
    (CTL, Step("msgraphctl setup --service port25 --service submissions "
               "--dry-run", "^add .* 465/inet",
               here={"port25": "port25=2525"})),
    (CTL, Step("msgraphctl username", "^ERERESIiMzNERFVVVVVVVQ@")),
]


@pytest.mark.parametrize("name, step", LOOK, ids=str)
def test_look(name, step):
    follow(name, step)


def test_what_was_refused_or_may_be_twice(m365):
    m365.rules(UNKNOWN)
    send()
    assert until(lambda: "outcome=unknown" in mail_log(), 30) is not None
    follow(DAEMON, Step("journalctl --facility=mail --grep",
                        "msgraphd.* outcome=unknown"))
    assert send("no-domain").code == 550
    follow("milter/msgraph-milter.8", Step("journalctl -t", "action=reject"))


# --- to change

def test_settings():
    follow(OPERATIONS, Step("systemctl reload msgraphd msgraph-milter",
                            logged="msgraph-milter.*: reloaded "))
    follow(TROUBLE, Step("systemctl reload msgraphd",
                         logged="msgraphd.* configuration reloaded"))
    follow(DAEMON, Step("msgraphd -t", logged="configuration reloaded"))


def test_group_and_folder_are_mended():
    """By the one command, and by each of its two halves."""
    folder = Path("/var/spool/postfix/msgraph")
    for commands in (["gpasswd -a postfix msgraph; systemd-tmpfiles"],
                     ["systemd-sysusers msgraph.conf",
                      "systemd-tmpfiles --create"]):
        run("gpasswd", "-d", "postfix", "msgraph")
        run("chown", "root:root", str(folder))
        for command in commands:
            follow(TROUBLE, Step(command))
        assert "msgraph" in run("id", "-nG", "postfix").split()
        assert folder.group() == "msgraph"
    follow(TROUBLE, Step("make install"))


def test_mail_that_waits(m365):
    run("postconf", "-e", "defer_transports=msgraph")
    restart()
    for recipient in ("given-up@example.org", "kept@example.org"):
        assert send(recipient=recipient).code == 250
    (queue_id,) = re.findall(r"^(\w+)[*!]? (?s:.{,200}) given-up@", follow(
        TROUBLE, Step("postqueue -p", "kept@example.org")), re.M)
    follow(TROUBLE, Step("postsuper -d", "Deleted: 1 message",
                         here={"<id>": queue_id}))
    run("postconf", "-X", "defer_transports")
    restart()
    follow(TROUBLE, Step("postqueue -f", logged="kept@.* status=sent"))
    went = {name for mail in m365.mail() for name in mail.recipients}
    assert "kept@example.org" in went and "given-up@example.org" not in went


def test_admins():
    follow(OPERATIONS, Step("gpasswd -a", "daemon", here={"NAME": "daemon"}))
    run("setpriv", "--reuid=daemon", "--regid=daemon", "--init-groups",
        "msgraphctl", "status")


def test_bounces_and_without_them():
    follow(OPERATIONS, Step("msgraphctl setup --bounces", "^add .*bounce"))
    for service in ("bounce", "defer", "trace"):
        for name in ("cleanup_service_name", "internal_mail_filter_classes"):
            follow(TROUBLE, Step("postconf -PX", here={
                "postconf -PX": f"postconf -PX {service}/unix/{name}"}))
    assert "= msgraph-bounce" not in run("postconf", "-P")


def test_services():
    follow(SENDERS, Step("msgraphctl setup --service NAME", "^add .*8027/inet",
                         here={"NAME": "oldtls"}))
    said = follow(SENDERS, Step("msgraphctl setup --service port25", status=1))
    (remedy,) = re.findall("postconf -M# .*", said)
    run("sh", "-c", remedy)
    follow(SENDERS, Step("msgraphctl setup --service port25", "^add "))
    follow(SENDERS, Step("postconf -P 25/inet/mynetworks"))
    assert "192.0.2.0/24" in run("postconf", "-P", "25/inet/mynetworks")
    follow(SENDERS, Step("postfix reload", logged="reload -- version"))
    follow(GRAPH, Step("postconf -M# 25/inet", logged="reload --"))
    assert "25         inet" not in run("postconf", "-M")
    follow(CLIENTS, Step("msgraphctl setup --service submissions"))
    follow(EXCHANGE, Step("msgraphctl setup --service local", "8026"))


def test_old_names_and_passwords():
    sasl = Path("/etc/postfix/sasl/msgraph.conf")
    text = sasl.read_text().replace("\nauxprop_plugin: entra\n", "\n")
    text, count = re.subn("(?m)^#(auxprop_plugin|sasldb_path)", r"\1", text)
    assert count == 2
    sasl.write_text(text)
    follow(GRAPH, Step("saslpasswd2", types="old-password"))
    follow(GRAPH, Step("chgrp postfix"))
    restart()
    with Smtp(8025) as client:
        assert client.auth_plain("testuser1", "old-password").code == 235
    with Smtp(8025) as client:
        assert client.auth_plain("testuser1", "other-password").code == 535


def test_one_message_by_another(m365):
    """A file of another relay's queue; the relayhost is the service "local"."""
    Path("/etc/msgraph/identities").write_text(
        f"local application={TENANT}/{CLIENT} clients=127.0.0.1 "
        "daemon_name=local senders=@example.com "
        "secret_file=/etc/msgraph/printers.secret\n")
    for name, step in [
            ("agent/daemon/identities/identities.5", Step("install -m 0400")),
            ("agent/daemon/identities/identities.5",
             Step("cat >/etc", reads=SECRET)),
            ("lib/conf/msgraph.conf.5", Step("install -m 0400")),
            ("lib/conf/msgraph.conf.5", Step("cat >/etc", reads="x")),
            (SENDERS, Step("msgraphd -t", "^identity_maps = /etc")),
    ]:
        follow(name, step)
    run("systemctl", "reload", "msgraphd")
    run("postconf", "-e", "relayhost=[127.0.0.1]:8026",
        "default_transport=smtp", "smtp_tls_security_level=none")
    restart()
    file = Path("/root/FILE")
    file.write_text("From: scan@example.com\nTo: a@example.org\n"
                    "Subject: from a file\n\nx\n")
    for name in (EXCHANGE, GRAPH):
        follow(name, Step("sendmail -t -i", folder=file.parent,
                          here={"sendmail": "sendmail -f scan@example.com"},
                          logged="msgraphd.* status=sent"))
    assert b"from a file" in m365.mail()[-1].raw


def test_the_next_free_mailbox(m365):
    """Where From names none; the log says so."""
    entries = Path("/etc/msgraph/identities")
    erp = next(command for block in document.blocks(SENDERS)
               for command in block if command.startswith("erp "))
    entries.write_text(erp.replace("<tenant>/<client>", f"{TENANT}/{CLIENT}"))
    run("systemctl", "reload", "msgraphd")
    m365.mailboxes("relay@example.com")
    assert send("nobody@example.com").code == 250
    assert until(lambda: "instead-of=" in mail_log(), 30) is not None
    m365.mailboxes()
    entries.unlink()
    run("systemctl", "reload", "msgraphd")
    follow(SENDERS, Step("journalctl --facility=mail --grep=instead-of=",
                         "msgraphd.* instead-of="))


def test_names_from_a_database():
    """A timer writes the file."""
    Path("/var/lib/devices").mkdir()
    with sqlite3.connect("/var/lib/devices/devices.db") as database:
        database.executescript(
            "create table devices (name text, tenant text, client text, "
            "senders text, rate_limit text, active integer); insert into "
            f"devices values ('scan1', '{TENANT}', '{CLIENT}', null, null, 1)")
    follow_block(SENDERS, f"cd {EXAMPLES}/maps")
    assert is_active("msgraph-names.timer")
    run("systemctl", "start", "msgraph-names.service")
    assert Path("/etc/msgraph/names").read_text().startswith("scan1 ")
    follow("docs/azure-tables.md", Step("msgraphd -t"))
    follow(SENDERS, Step("postmap -s", f"^scan1\\s+application={TENANT}", here={
        "postmap -s": "postmap -s texthash:/etc/msgraph/names"}))


def test_certificate_of_the_relay():
    follow_block(ENTRA, "cd /etc/msgraph && umask 077")
    pem = Path("/etc/msgraph/local.pem")
    assert (pem.owner(), pem.stat().st_mode & 0o777) == ("msgraphd", 0o400)
    assert not Path("/etc/msgraph/local.key").exists()
    Path("/etc/msgraph/identities").write_text(
        f"local application={TENANT}/{CLIENT} certificate_file={pem} "
        "clients=192.0.2.1 from=a@example.com\n")
    follow(ENTRA, Step("msgraphd -t"))
    Path("/etc/msgraph/identities").unlink()
    crt = Path("/etc/msgraph/local.crt")
    run("openssl", "x509", "-in", str(crt), "-checkend", str(360 * 86400))


def test_azure_arc():
    run("groupadd", "--system", "himds")
    follow(ENTRA, Step("usermod -aG himds"))
    assert "himds" in run("id", "-nG", "msgraphd").split()
    assert is_active("msgraphd")
    run("gpasswd", "-d", "msgraphd", "himds")


def test_metadata_is_for_msgraphd_alone():
    follow(ENTRA, Step("iptables -A OUTPUT"))
    assert "owner UID match" in run("iptables", "-L", "OUTPUT", "-v")
    run("iptables", "-F", "OUTPUT")


def test_certificate_of_a_vault():
    follow(OPERATIONS, Step("install -m 755 keyvault", folder=EXAMPLES))
    done = subprocess.run(["/usr/local/sbin/fetch-certificate"], text=True,
                          capture_output=True)
    assert done.returncode == 64 and "usage: fetch-certificate" in done.stderr


def test_another_place():
    follow(PACKAGING, Step("make install DESTDIR"))
    assert Path("/tmp/stage/usr/sbin/msgraphd").exists()
    follow(PACKAGING, Step("pkg-config libsasl2", "^/usr/lib", here={
        "libsasl2": "--variable=libdir libsasl2"}))


def test_client_that_is_postfix():
    """Its password file, from the document's line."""
    line = next(command for block in document.blocks(CLIENTS)
                for command in block if command.startswith("[relay."))
    Path("/etc/postfix/sasl_passwd").write_text(f"{line}\n")
    follow(CLIENTS, Step("postmap /etc/postfix/sasl_passwd"))
    assert run("postmap", "-q", "[relay.example.com]:8025",
               "hash:/etc/postfix/sasl_passwd") == line.split()[1] + "\n"


def test_by_hand(m365):
    """Each program by itself, with an emulator of its own."""
    said = follow_block("docs/HACKING.md", "D=$(mktemp -d)")
    assert re.search(r"^OK ", said, re.M) or "0: OK" in said, said
    assert "exit 0" in said and "scan@example.com" in said
    run("sh", "-c", "cp /var/lib/msgraph/state.db* /root")
    follow("docs/HACKING.md", Step("sqlite3 state.db .dump", "^CREATE TABLE ",
                                   folder=Path("/root")))


def test_end_of_the_map():
    follow(EXCHANGE, Step("postconf -X sender_dependent_relayhost_maps"))
    follow(EXCHANGE, Step("postconf -X sender_dependent_relayhost_maps smtp_"))
    run("postconf", "-X", "relayhost", "default_transport",
        "smtp_tls_security_level")
