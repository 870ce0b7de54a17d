"""msgraphctl doctor about what runs: users, files, sockets, certificates, the
network, and what waits."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import cert, doctor
from harness.doctor import (  # noqa: F401
    Breakage, away, chmod, edit, own_site, postconf, put_back, set_main,
    set_option, site)
from harness.message import message
from harness.site import Site
from harness.tls_server import Server


def stop(program: str):
    return lambda site: getattr(site, program).stop()


def start(program: str):
    return lambda site: getattr(site, program).start()


def sasl(site: Site) -> Path:
    return site.postfix.paths.sasl


def configure(**settings: str):
    """The file has them, and msgraphd is told."""
    def make(site: Site) -> None:
        make.before = dict(site.settings)
        site.configure(**settings)
    return make


def unconfigure(*names: str):
    def mend(site: Site) -> None:
        for name in names:
            site.settings.pop(name)
        site.write_conf()
        site.daemon.reload()
    return mend


# --- users: the namespace of tests/with-users has copies of the files

def in_place(path: str, old: str, new: str):
    """The file is mounted: it stays the same one."""
    def make(_: Site) -> None:
        text, count = re.subn(old, new, Path(path).read_text(), flags=re.M)
        assert count == 1, (path, old)
        Path(path).write_text(text)
    return make


USERS = [
    Breakage("B6 postfix not in group", in_place(
        "/etc/group", "^(msgraph:.*)postfix$", r"\1"), "users", "critical",
        "postfix is not in group msgraph", "gpasswd -a postfix msgraph",
        in_place("/etc/group", "^(msgraph:.*)$", r"\1postfix")),
    Breakage("B24 user msgraph missing", in_place(
        "/etc/passwd", "^msgraph:", "gone:"), "users", "critical",
        "no user msgraph", "systemd-sysusers", in_place(
            "/etc/passwd", "^gone:", "msgraph:")),
]


# --- files

def own(path: Path, user: str) -> None:
    doctor.FILES.save(path)
    shutil.chown(path, user)


FILES = [
    Breakage("B17 mistake in msgraph.conf", lambda s: edit(
        s.conf, "log_level", "larg_messages = draft\nlog_level"), "settings",
        "critical", 'unknown setting "larg_messages"; did you mean',
        "msgraphd -t", put_back),
    Breakage("B5a vault.key 0644", lambda s: chmod(s.key, 0o644), "readable",
             "critical", "vault.key has mode 0644", "chmod .*0400", put_back),
    Breakage("B5b vault.key of root", lambda s: own(s.key, "root"),
             "readable", "critical", "vault.key: Permission denied",
             "^chown msgraphd .*vault.key"),
    Breakage("B39 key lost", lambda s: away(s.key), "readable", "critical",
             "restore it from your backup", "msgraphd -t", put_back),
    Breakage("B11c ca_file missing", lambda s: away(s.root / "ca.pem"),
             "readable", "critical", "open ca_file .*No such file",
             "mend what is named", put_back),
    Breakage("B26 msgraph.conf 0600", lambda s: chmod(s.conf, 0o600),
             "readable", "critical", "msgraph.conf: Permission denied",
             "^chmod 0644 "),
    Breakage("the file has changed", lambda s: os.utime(
        s.conf, (time.time() + 60,) * 2), "loaded", "warning",
        "was changed after", "systemctl reload msgraphd",
        lambda s: os.utime(s.conf, (time.time() - 600,) * 2)),
    Breakage("a warning of an entry", lambda s: (
        doctor.FILES.save(s.identities), s.identify(
            "printers application=11111111-2222-3333-4444-555555555555/"
            "66666666-7777-8888-9999-aaaaaaaaaaaa\n"
            "others application=11111111-2222-3333-4444-555555555555/"
            "66666666-7777-8888-9999-aaaaaaaaaaaa from=a@example.com\n")),
        "identities", "warning", "differ in from", "identities\\(5\\)",
        lambda s: s.identify("")),
]


# --- sockets and libsasl2

SOCKETS = [
    Breakage("B4 socket folder gone to root", lambda s: (
        shutil.chown(s.postfix.socket_directory, "root", "root"),
        s.postfix.socket_directory.chmod(0o755)), "folders", "critical",
        "not open to group msgraph", "^install -d -o root -g msgraph -m 3770"),
    Breakage("folder open to others",
             lambda s: s.postfix.socket_directory.chmod(0o2777), "folders",
             "warning", "in the place of ours", "install -d"),
    Breakage("B1b msgraphd stopped", stop("daemon"), "msgraphd", "critical",
             "connect to .*submit", "systemctl start msgraphd",
             start("daemon")),
    Breakage("B2 milter stopped", stop("milter"), "milter", "critical",
             "msgraph-milter: connect to", "systemctl start msgraph-milter",
             start("milter")),
    Breakage("B7 sasl/msgraph.conf missing", lambda s: away(sasl(s)), "sasl",
             "critical", "another plugin checks the secrets",
             "install -m 644 .*sasl/msgraph.conf"),
    Breakage("B38 plugin's name misspelt", lambda s: edit(
        sasl(s), "plugin: entra\n", "plugin: entre\n"), "sasl", "critical",
        "auxprop_plugin: entre.* lacks entra", "sed -i"),
    Breakage("other mechanisms", lambda s: edit(
        sasl(s), "mech_list: PLAIN LOGIN", "mech_list: PLAIN"), "sasl",
        "critical", "lacks LOGIN", "sed -i"),
    Breakage("B37 plugin missing", lambda s: away(
        s.postfix.paths.plugins / "libentra.so"), "plugin", "critical",
        "cannot load libentra.so", "install the package again", put_back),
    Breakage("plugin damaged", lambda s: edit_bytes(
        s.postfix.paths.plugins / "libentra.so"), "plugin", "critical",
        "cannot load libentra.so", "install the package again", put_back),
    Breakage("socket of another name", lambda s: edit(
        sasl(s), "entra_socket: msgraph/auth", "entra_socket: msgraph/aut"),
        "sign-in", "critical", "connect to msgraph/aut: No such file",
        "libentra\\(8\\)", put_back),
    Breakage("look-up suffixes differ", lambda s: edit(
        sasl(s), "#entra_lookup: lookup", "entra_lookup: names"), "lookup",
        "critical", "entra_lookup: names", "entra_lookup: lookup"),
]


def edit_bytes(path: Path) -> None:
    """Into a file of its own: the present one is mapped."""
    doctor.FILES.save(path)
    path.unlink()
    path.write_bytes(b"\x7fELF, but no more")


# --- certificates and TLS

def certificate(*options: str):
    """One of our own, made by openssl with other options."""
    def make(site: Site) -> None:
        key, crt = site.root / "other.key", site.root / "other.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key),
             "-out", str(crt), *(options or ["-days", "90", "-subj",
                                             "/CN=relay.test"])],
            check=True, capture_output=True)
        use(site, f"{key}, {crt}")
    return make


def use(site: Site, files: str) -> None:
    postconf(site, "-e", f"smtpd_tls_chain_files={files}")


def mixed(site: Site) -> None:
    certificate()(site)
    use(site, f"{site.root}/relay.key, {site.root}/other.crt")


def reload(site: Site) -> None:
    doctor.cool(site)
    mark = site.postfix.mark()
    site.postfix.command("postfix", "reload")
    site.postfix.wait_log("reload -- version", since=mark)


def reloaded(make):
    def both(site: Site) -> None:
        make(site)
        reload(site)
    return both


SHORT = ("-days", "3", "-subj", "/CN=relay.test")
OTHER = ("-days", "90", "-subj", "/CN=mail.example.com")

CERTIFICATES = [
    Breakage("B35 no certificate", lambda s: use(s, ""), "certificate",
             "critical", "has no certificate", "smtpd_tls_chain_files",
             put_back),
    Breakage("B36 wrong certificate", lambda s: use(s, "/no/such.pem"),
             "certificate", "critical", "open /no/such.pem: No such file",
             "smtpd_tls_chain_files", put_back),
    Breakage("key of another", mixed, "certificate", "critical",
             "does not fit its key", "smtpd_tls_chain_files", put_back),
    Breakage("files in the wrong order", lambda s: use(
        s, f"{s.root}/relay.crt, {s.root}/relay.key"), "certificate",
        "critical", "no certificate behind the key", "key first", put_back),
    Breakage("certificate ends", certificate(*SHORT), "certificate",
             "warning", "ends in 2 days", "renew", put_back),
    Breakage("certificate of another name", certificate(*OTHER),
             "certificate", "warning", "not for relay.test", "for the name",
             put_back),
    Breakage("STARTTLS hidden", reloaded(set_option(
        "smtpd_discard_ehlo_keywords", "starttls")), "smtp", "critical",
        "offers no STARTTLS", "compare", reloaded(put_back)),
    Breakage("AUTH hidden", reloaded(set_option(
        "smtpd_sasl_exceptions_networks", "127.0.0.0/8")), "smtp",
        "critical", "offers no AUTH", "smtpd_sasl_", reloaded(put_back)),
]


# --- the network

NETWORK = [
    Breakage("B9 DNS fails", configure(login_endpoint="https://login.invalid"),
             "entra", "critical", "Could not resolve host: login.invalid",
             "getent hosts login.invalid", unconfigure("login_endpoint")),
    Breakage("B10 proxy wrong", configure(proxy="http://127.0.0.1:3"),
             "entra", "critical", "port 3 .*by proxy http://127.0.0.1:3",
             "correct proxy in msgraph.conf", unconfigure("proxy")),
    Breakage("B11 authority not trusted", lambda s: configure(
        ca_file=str(s.root / "relay.crt"))(s), "entra", "critical",
        "certificate", "ca_file in msgraph.conf .*relay.crt",
        unconfigure("ca_file")),
    Breakage("Graph is not let through",
             configure(graph_endpoint="https://localhost:3"), "graph",
             "critical", "Failed to connect to localhost port 3", "firewall",
             unconfigure("graph_endpoint")),
]


# --- mail and clients

def send(site: Site, **app) -> str:
    """A message that waits."""
    queue_id = site.send(site.new_app(**app), "scan@example.com",
                         ["you@example.org"], message())
    site.postfix.wait_deferred(queue_id)
    return queue_id


def empty(site: Site) -> None:
    site.postfix.delete_all()
    site.m365.clear_rules()


def misroute(site: Site) -> None:
    """The queue has what was routed while the table was wrong."""
    edit(site.postfix.paths.route, "FILTER msgraph:", "FILTER msgrap:")
    reload(site)
    queue_id = site.send(site.new_app(), "scan@example.com",
                         ["you@example.org"], message())
    site.postfix.wait_deferred(queue_id)
    doctor.FILES.restore()
    reload(site)


MAIL = [
    Breakage("B14 mailbox not allowed", lambda s: send(s, permissions=[]),
             "waiting", "warning", "1 message waits.*Mail.Send",
             "postqueue -f", empty),
    Breakage("B20c mail in the queue", misroute, "unrouted", "critical",
             "1 message waits until this host is mended.*transport",
             "postqueue -f", empty),
]


def sign_in(user: str = "{tenant}@{client}", **app):
    def make(site: Site) -> None:
        one = site.new_app(**app)
        mark = site.postfix.mark()
        with site.connect() as client:
            client.auth_plain(user.format(tenant=one.tenant,
                                          client=one.client), "wrong")
        site.postfix.wait_log("authentication failed", since=mark)
    return make


def forget_log(site: Site) -> None:
    """As fifteen minutes do."""
    log = site.postfix.paths.log
    log.write_text(re.sub(r"(?m)^(\w+ +\d+ )..:..:..", r"Jan  1 00:00:00",
                          log.read_text()))


CLIENTS = [
    Breakage("B23 Secret ID for Value", sign_in(), "log", "warning",
             "AADSTS7000215", "the Value of the secret", forget_log),
    Breakage("B15 swapped", sign_in("{client}@{tenant}"), "log", "warning",
             "AADSTS90002", "are they swapped", forget_log),
    Breakage("B28 name misspelt", sign_in("{tenant}/{client}"), "log",
             "warning", "neither tenant and client", "msgraphctl username",
             forget_log),
]


# --- what msgraphd knows

ENTRY = ("application=11111111-2222-3333-4444-555555555555/"
         "66666666-7777-8888-9999-aaaaaaaaaaaa")


def expire(site: Site) -> None:
    """The stored secret ends while mail comes."""
    app = site.new_app()
    with site.connect() as client:
        client.login(app.user, app.secret)
    site.m365.app(app.tenant, app.client, "second",
                  expired_secrets=[app.secret])
    site.m365.expire_tokens()
    queue_id = site.send(app, "scan@example.com", ["you@example.org"],
                         message())
    site.postfix.wait_deferred(queue_id)
    site.postfix.delete_all()
    expire.app = app


def renew(site: Site) -> None:
    with site.connect() as client:
        client.login(expire.app.user, "second")


def throttle(site: Site) -> None:
    site.m365.rules({"endpoint": "sendMail", "status": 429, "times": 1,
                     "headers": {"Retry-After": "2000"}})
    send(site)
    site.postfix.delete_all()


def calm(site: Site) -> None:
    """As time does."""
    site.daemon.stop()
    (site.state / "state.db").unlink()
    site.daemon.start()


def own_credential(site: Site) -> None:
    secret = site.root / "etc" / "printers.secret"
    secret.write_text("a secret\n")
    secret.chmod(0o400)
    shutil.chown(secret, "msgraphd")
    identify(site, f"printers {ENTRY} clients=192.0.2.0/24 senders=any "
                   f"secret_file={secret}\n")


def identify(site: Site, text: str, reload: bool = True) -> None:
    doctor.FILES.save(site.identities)
    site.identify(text, reload)


def forget_table(site: Site) -> None:
    site.identify("")


def show_certificates(site: Site) -> None:
    """With so many authorities that they must be public ones."""
    own_credential(site)
    text = site.identities.read_text()
    site.identify(text.replace(
        "clients=192.0.2.0/24", "{ client_certificate = CA, erp.example.com }"))
    (site.root / "many.pem").write_text(site.postfix.cert.read_text() * 30)
    for name, value in (("ask_ccert", "yes"),
                        ("CAfile", f"{site.root}/many.pem")):
        set_option(f"smtpd_tls_{name}", value)(site)


def through_a_proxy(site: Site) -> None:
    own_credential(site)
    now = time.strftime("%b %e %H:%M:%S")
    with site.postfix.paths.log.open("a") as log:
        for n in range(30):
            log.write(f"{now} relay msgraph-milter[90]: {n}: client="
                      "proxy[192.0.2.7], from=<a@example.com>, user=, "
                      "application=x/y, entry=printers, mailbox=<a>, "
                      "action=accept\n")


DAEMON = [
    Breakage("B13b secret expired", expire, "credentials", "critical",
             "gets no token: .*AADSTS7000222", "sign in with a secret",
             renew),
    Breakage("a file of an entry", lambda s: (
        own_credential(s), (s.root / "etc" / "printers.secret").chmod(0o644)),
        "readable", "critical", "printers.secret .*0644", "chmod",
        forget_table),
    Breakage("an application throttled", throttle, "throttles", "warning",
             "throttles application .* until", "nothing: ", calm),
    Breakage("public authorities", show_certificates, "authorities",
             "critical", "public authorities", "your own authority alone",
             lambda s: (put_back(s), s.daemon.reload())),
    Breakage("a proxy in front", through_a_proxy, "one-address", "warning",
             "30 of 30 messages of entry printers came from 192.0.2.7",
             "sign in", forget_table),
]


# --- room

def mount(place, *options: str):
    def make(site: Site) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options),
                        "tmpfs", str(place(site))], check=True)
    return make


def unmount(place):
    return lambda site: subprocess.run(["umount", str(place(site))],
                                       check=True)


def tmp(_: Site) -> Path:
    return Path("/var/tmp")


def state(site: Site) -> Path:
    return site.state


ROOM = [
    Breakage("B12c /var/tmp full", mount(tmp, "size=64k", "mode=1777"),
             "room", "critical", "agent's folder .*/var/tmp has room for 0 MB",
             "make room", unmount(tmp)),
    Breakage("no inodes", mount(tmp, "nr_inodes=50", "mode=1777"), "room",
             "critical", "/var/tmp has room for .* and [0-9]{2} files",
             "make room", unmount(tmp)),
    Breakage("B12a state's disk", mount(
        state, "size=12m", "mode=0700", "uid=msgraphd"), "room", "warning",
        "state_directory .* has room for 1[12] MB", "make room",
        unmount(state)),
]


@pytest.mark.parametrize(
    "row", USERS + FILES + SOCKETS + CERTIFICATES + NETWORK + MAIL + CLIENTS
    + DAEMON + ROOM, ids=str)
def test_broken(site, row):
    if row in USERS + ROOM and not os.path.ismount("/etc/passwd"):
        pytest.skip("the users are this machine's own")
    doctor.follow(site, row)
