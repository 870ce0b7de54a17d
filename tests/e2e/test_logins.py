"""Users whom other means than Entra let sign in, and who send by an entry that
names them (logins): sasldb, saslauthd, and Dovecot where this host has one."""

from __future__ import annotations

import re
import shutil
import socketserver
import subprocess
import threading

import pytest

from harness.identities import reread, secret_file
from harness.message import message
from harness.postfix import cool_down
from harness.site import Site, answers
from harness.wait import wait_for

USER, PASSWORD = "joe", "joe's password"


class Imap(socketserver.StreamRequestHandler):
    """So much of IMAP as saslauthd's rimap asks for: LOGIN (RFC 3501 section
    6.2.3)."""

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, verb, *words = line.split(None, 2)
            right = (verb.upper() == b"LOGIN" and USER.encode() in words[0]
                     and PASSWORD.encode() in words[0])
            self.wfile.write(tag + (b" OK\r\n" if right or
                                    verb.upper() == b"LOGOUT" else b" NO\r\n"))


def sasl(site: Site, old: str, new: str) -> None:
    """Changes a line of libsasl2's settings for our services."""
    text = site.postfix.paths.sasl.read_text()
    assert old in text
    site.postfix.paths.sasl.write_text(text.replace(old, new))


@pytest.fixture
def sasldb(site):
    site.postfix.add_local_user(USER, PASSWORD)
    sasl(site, "auxprop_plugin: entra\n",
         "auxprop_plugin: entra sasldb\nsasldb_path: etc/sasldb2\n")
    yield


@pytest.fixture
def saslauthd(site):
    """The real one, before a directory that is an IMAP server. It ends with all
    of its process group, which must not be ours."""
    folder = site.postfix.paths.queue / "saslauthd"
    folder.mkdir()
    folder.chmod(0o755)
    sasl(site, "pwcheck_method: auxprop\n",
         "pwcheck_method: saslauthd\nsaslauthd_path: saslauthd/mux\n")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Imap) as imap:
        imap.daemon_threads = True
        threading.Thread(target=imap.serve_forever, daemon=True).start()
        with subprocess.Popen(
                ["saslauthd", "-d", "-n", "1", "-a", "rimap", "-O",
                 f"127.0.0.1/{imap.server_address[1]}", "-m", folder],
                stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            wait_for(lambda: answers(folder / "mux"), "saslauthd")
            yield
            process.terminate()
        imap.shutdown()


@pytest.fixture
def dovecot(site):
    """A service of Postfix's that asks Dovecot; our milter does not mind."""
    if not shutil.which("doveconf"):
        pytest.skip("no Dovecot here")
    version = subprocess.run(["dovecot", "--version"], capture_output=True,
                             text=True, check=True).stdout
    if not version.startswith("2.3."):
        pytest.skip("written for the settings of Dovecot 2.3")
    folder = site.root / "dovecot"
    folder.mkdir()
    sock = site.postfix.paths.queue / "private" / "dovecot"
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    conf = folder / "dovecot.conf"
    conf.write_text(f"""\
base_dir = {folder}/run
log_path = {folder}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {sock} {{
    mode = 0666
  }}
}}
""")
    site.postfix.command("postconf", "-P", *[
        f"127.0.0.1:{site.postfix.port}/inet/{setting}" for setting in
        ("smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/dovecot")])
    with subprocess.Popen(["dovecot", "-F", "-c", conf],
                          start_new_session=True) as process:
        wait_for(sock.exists, "Dovecot")
        yield
        process.terminate()


@pytest.fixture
def site():
    with Site() as site:
        yield site
        site.end_soundly()


@pytest.mark.parametrize("means", ["sasldb", "saslauthd", "dovecot"])
def test_users_of_other_means_send_by_an_entry(site, request, means):
    request.getfixturevalue(means)
    cool_down(site.postfix.paths.etc / "master.cf")
    reread(site)
    app = site.new_app()
    with site.connect() as client:
        assert client.auth_plain(USER, "wrong").code == 535
    site.identify("")
    for table, code in (("", 550), (
            f"joe application={app.identity} senders=joe@example.com "
            f"logins={USER} secret_file={secret_file(site, app)}\n", 250)):
        site.identify(table)
        with site.connect() as client:
            client.login(USER, PASSWORD)
            told = client.transact("joe@example.com", ["a@example.org"],
                                   message("joe@example.com"))
        assert told.code == code, told
    queue_id = re.search(r"queued as (\S+)", told.text)[1]
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = site.m365.mail()
    assert (mail.mailbox, mail.client) == ("joe@example.com", app.client)
    with site.connect() as client:
        client.login(USER, PASSWORD)
        told = client.transact("other@example.com", ["a@example.org"],
                               message("other@example.com"))
    assert told.code == 550, told
