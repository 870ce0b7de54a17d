"""msgraphctl doctor about what runs: files, sockets, certificates and the
network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness import doctor, example
from harness.doctor import (  # noqa: F401
    Breakage, away, chmod, edit, own_site, postconf, put_back, set_option,
    site)
from harness.site import Site


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
             "restore it from your backup", "^restore it from your backup",
             put_back),
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
             "connect to .*submit", "systemctl restart msgraphd",
             start("daemon")),
    Breakage("B2 milter stopped", stop("milter"), "milter", "critical",
             "msgraph-milter: connect to", "systemctl restart msgraph-milter",
             start("milter")),
    Breakage("socket of the milter out of reach", lambda s: configure(
        milter_socket=f"unix:{s.run}/milter")(s), "milters", "critical",
        "not lead to .*\\(unix:/.*/run/milter", "set milter_socket = unix:/",
        unconfigure("milter_socket")),
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


def snakeoil(site: Site) -> None:
    """As Debian's Postfix comes."""
    for name, source in (("key", "relay.key"), ("pem", "relay.crt")):
        shutil.copy(site.root / source,
                    site.root / f"ssl-cert-snakeoil.{name}")
    postconf(site, "-e", "smtpd_tls_chain_files=",
             f"smtpd_tls_key_file={site.root}/ssl-cert-snakeoil.key",
             f"smtpd_tls_cert_file={site.root}/ssl-cert-snakeoil.pem")


def mixed(site: Site) -> None:
    certificate()(site)
    use(site, f"{site.root}/relay.key, {site.root}/other.crt")


def reloaded(make):
    def both(site: Site) -> None:
        make(site)
        doctor.reload(site)
    return both


SHORT = ("-days", "3", "-subj", "/CN=relay.test")
OTHER = ("-days", "90", "-subj", "/CN=mail.example.com")

SETUP = "^msgraphctl setup --certificate FILE --key FILE"


def certify(site: Site) -> None:
    """As the remedy says, with what is right."""
    done = subprocess.run(
        [str(site.build / "msgraphctl"), "-c", str(site.conf), "setup", "-c",
         str(site.postfix.paths.etc), "--share", str(example.EXAMPLES),
         "--certificate", f"{site.root}/relay.crt", "--key",
         f"{site.root}/relay.key", "-j"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


CERTIFICATES = [
    Breakage("B35 no certificate", lambda s: use(s, ""), "certificate",
             "critical", "has no certificate", SETUP, certify),
    Breakage("B36 wrong certificate", lambda s: use(s, "/no/such.pem"),
             "certificate", "critical", "read /no/such.pem: No such file",
             SETUP, put_back),
    Breakage("Debian's certificate", snakeoil, "certificate", "warning",
             "Debian's snakeoil certificate", SETUP, put_back),
    Breakage("key of another", mixed, "certificate", "critical",
             "does not fit its key", SETUP, put_back),
    Breakage("files in the wrong order", lambda s: use(
        s, f"{s.root}/relay.crt, {s.root}/relay.key"), "certificate",
        "critical", "no certificate behind the key", SETUP, put_back),
    Breakage("certificate ends", certificate(*SHORT), "certificate",
             "warning", "ends in [23] days", "renew", put_back),
    Breakage("certificate of another name", certificate(*OTHER),
             "certificate", "warning", "not for relay.test", SETUP, put_back),
    Breakage("authorities of clients missing", set_option(
        "smtpd_tls_CAfile", "/no/such.pem"), "certificate", "critical",
        "open smtpd_tls_CAfile /no/such.pem: No such file",
        "certificate of your authority", put_back),
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


def test_a_certificate_of_ours_beside_debian_s_is_sound(site):
    """As README's setup leaves it: main.cf still names the other."""
    snakeoil(site)
    use(site, f"{site.root}/relay.key, {site.root}/relay.crt")
    try:
        assert not [row for row in doctor.ask(site).wrong()
                    if row.check == "certificate"]
    finally:
        put_back(site)


@pytest.mark.parametrize(
    "row", FILES + SOCKETS + CERTIFICATES + NETWORK, ids=str)
def test_broken(site, row):
    doctor.follow(site, row)
