"""make demo: one message all the way, with a few lines on each step.

Programs, examples and Postfix are the real ones; Entra and Graph are the
emulator, unless the environment names an application:

    TENANT CLIENT SECRET_FILE FROM TO   send one real message (CLOUD too)
    KEEP=1                              leave it running on 127.0.0.1:8025

Runs as root under tests/with-users, in a directory of its own, and removes
what it made.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

from demo import keep
from harness import identities
from harness.message import message
from harness.process import UsersMissing
from harness.site import App, Site
from harness.smtp import Smtp
from harness.wait import wait_for

KEEP_PORT = 8025
REAL = ("TENANT", "CLIENT", "SECRET_FILE", "FROM", "TO")

# Entra and Graph may take their time, and a pause is no failure.
PATIENCE = 180.0


class Trouble(Exception):
    """What the person at the keyboard should read, without a traceback."""


@dataclass
class Job:
    """Who sends what to whom."""
    app: App
    sender: str
    recipient: str
    is_real: bool


def say(step: str, text: str) -> None:
    print(f"  {step:<14}{text}", flush=True)


# --- what to do

def read_job(environment: dict[str, str]) -> Job:
    given = [name for name in REAL if environment.get(name)]
    if not given:
        app = App(str(uuid.uuid4()), str(uuid.uuid4()),
                  "demo~" + secrets.token_urlsafe(12))
        return Job(app, "scan@example.com", "you@example.org", False)
    if len(given) < len(REAL):
        missing = " ".join(name for name in REAL if name not in given)
        raise Trouble(f"for a real message, {missing} must be given as well")
    tenant, client, file, sender, recipient = (
        environment[name] for name in REAL)
    return Job(App(tenant, client, read_secret(Path(file))),
               sender, recipient, True)


def read_secret(file: Path) -> str:
    try:
        secret = file.read_text().strip()
    except OSError as error:
        raise Trouble(f"SECRET_FILE: {error}") from None
    if not secret:
        raise Trouble(f"SECRET_FILE: {file} is empty")
    return secret


def make_site(job: Job, port: int | None, cloud: str) -> Site:
    settings = {"cloud": cloud} if cloud else {}
    postfix = {"port": port} if port else {}
    return Site(settings, microsoft=job.is_real, services=("port25",),
                **postfix)


def check_port(port: int) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise Trouble(f"127.0.0.1:{port}: {error.strerror}") from None


# --- the steps

def run(site: Site, job: Job) -> None:
    if not job.is_real:
        site.m365.app(job.app.tenant, job.app.client, job.app.secret)
    queue_id, body = hand_over(site, job)
    show_delivery(site, job, queue_id)
    if not job.is_real:
        show_graph(site, job, body)
        show_refusal(site, job)
        show_look_up(site, job)
        show_open_client(site, job)


def hand_over(site: Site, job: Job) -> tuple[str, bytes]:
    """The client's part; returns the queue id and the body it sent."""
    with site.connect() as client:
        say("STARTTLS", f"220 at 127.0.0.1:{site.postfix.port}")
        answer = client.auth_plain(job.app.user, job.app.secret)
        say("AUTH PLAIN", f"{answer}")
        say("", f"as {job.app.user}")
        if answer.code != 235:
            raise Trouble(why_not_signed_in(site))
        body = (b"This message came in by SMTP and left through Microsoft "
                b"Graph.\r\n. A line that starts with a dot.\r\n")
        answer = client.transact(
            job.sender, [job.recipient],
            message(job.sender, job.recipient, body=body,
                    subject="postfix-msgraph demo"))
        say("DATA", f"{answer}")
        found = re.search(r"queued as (\S+)", answer.text)
        if not found:
            raise Trouble("Postfix did not take the message")
        return found[1], body


def why_not_signed_in(site: Site) -> str:
    found = re.findall(r"entra: .*", site.postfix.log_text())
    return found[-1] if found else "see Postfix's log above"


def show_delivery(site: Site, job: Job, queue_id: str) -> None:
    found = re.search(rf"{queue_id}: (client=.*)", site.milter.log())
    say("milter", found[1] if found else "no line")
    match = site.postfix.wait_log(
        rf"{queue_id}: to=.*status=(\w+) .*", timeout=PATIENCE)
    say("Postfix's log", match[0])
    found = re.search(rf"{queue_id}: (mailbox=.*status=.*)",
                      site.daemon.log())
    say("msgraphd", found[1] if found else "no line")
    if match[1] == "sent":
        wait_for(lambda: not site.postfix.queued(queue_id), "an empty queue")
        say("queue", "empty")
    else:
        raise Trouble("the message was not sent, and it does not wait: the "
                      "queue of this demo is removed"
                      + (". New permissions take up to two hours to arrive"
                         if job.is_real else ""))


def show_graph(site: Site, job: Job, body: bytes) -> None:
    (token,) = site.m365.requests("token")
    say("Entra got", f"POST {token.path} -> {token.status}")
    (request,) = site.m365.requests("sendMail")
    say("Graph got", f"POST {request.path} -> {request.status}")
    (mail,) = site.m365.mail()
    say("", f"it mails {', '.join(mail.recipients)} as {mail.mailbox}:")
    for line in mail.raw.decode().splitlines():
        say("", "| " + line)
    if not mail.raw.endswith(b"\r\n\r\n" + body):
        raise Trouble("the body is not what the client sent")
    say("", "the body is what the client sent, byte for byte")


def show_refusal(site: Site, job: Job) -> None:
    with site.connect() as client:
        answer = client.auth_plain(job.app.user, "not the secret")
    say("wrong secret", f"{answer}")
    if answer.code != 535:
        raise Trouble("a wrong secret must be refused")


# --- entries of the table

TABLE = """\
scanner application={identity}
printers application={identity} secret_file={secret} clients=127.0.0.1 \
daemon_name=port25 from={sender}
"""


def show_look_up(site: Site, job: Job) -> None:
    """A short user name; the secret is the application's."""
    site.identify(TABLE.format(
        identity=job.app.identity, sender=job.sender,
        secret=identities.secret_file(site, job.app)))
    with site.connect() as client:
        answer = client.auth_plain("scanner@lookup", job.app.secret)
    say("look-up", f"{answer}, as scanner@lookup")
    if answer.code != 235:
        raise Trouble("the entry scanner must sign in")


def show_open_client(site: Site, job: Job) -> None:
    """A printer's service, where nobody signs in."""
    with Smtp(site.postfix.service("port25"), "none") as client:
        queue_id = client.send("root@printer", [job.recipient],
                               message("root@printer", job.recipient))
    site.postfix.wait_status(queue_id, "sent", timeout=PATIENCE)
    mail = site.m365.mail()[-1]
    say("without AUTH", f"127.0.0.1 is entry printers, which mails as "
                        f"{mail.mailbox} (not root@printer)")
    if mail.mailbox != job.sender:
        raise Trouble("the entry's mailbox must send")


# --- left running

SWAKS = """\
  swaks --server 127.0.0.1:{port} -tls --auth PLAIN \\
      --auth-user '{user}' \\
      {secret} \\
      --from {sender} --to {recipient}"""

SMTPLIB = """\
  python3 -c '
import getpass, smtplib
with smtplib.SMTP("127.0.0.1", {port}) as smtp:
    smtp.starttls()
    smtp.login("{user}", {secret})
    smtp.sendmail("{sender}", ["{recipient}"], "Subject: again\\n\\nHello.\\n")
'"""


def has_swaks() -> bool:
    """With what it needs for TLS, which Debian leaves to be asked for."""
    return shutil.which("swaks") is not None and subprocess.run(
        ["perl", "-MNet::SSLeay", "-e1"], capture_output=True).returncode == 0


def how_to_send(job: Job, port: int) -> str:
    """A command. The secret of a real application is asked for; the
    emulator's guards nothing."""
    known = None if job.is_real else job.app.secret
    if has_swaks():
        form = SWAKS
        secret = (f"--auth-password '{known}'" if known else
                  "--protect-prompt --auth-hide-password")
    else:
        form = SMTPLIB
        secret = f'"{known}"' if known else "getpass.getpass()"
    return form.format(port=port, user=job.app.user, secret=secret,
                       sender=job.sender, recipient=job.recipient)


def explain(site: Site, job: Job) -> None:
    how = how_to_send(job, site.postfix.port)
    print(f"\nIt stays running on 127.0.0.1:{site.postfix.port}. To send:\n\n"
          f"{how}\n\nLogs:  {' '.join(str(log) for log in site.logs())}")
    if not job.is_real:
        print(f"Mail:  {site.m365.control}/mail shows what Graph received")
    print(f"Stop:  kill {os.getpid()}", flush=True)


def demo(keeps: bool) -> None:
    """All of it; a KeyboardInterrupt or SIGTERM ends it in good order."""
    job = read_job(dict(os.environ))
    if keeps:
        check_port(KEEP_PORT)
    what = "Microsoft 365" if job.is_real else "an emulator of Entra and Graph"
    print(f"A private Postfix, our four programs, and {what}:", flush=True)
    site = make_site(job, KEEP_PORT if keeps else None,
                     os.environ.get("CLOUD", ""))
    try:
        site.start()
        run(site, job)
        if keeps:
            explain(site, job)
            keep.until_told()
    except Trouble:
        print_logs(site)
        raise
    finally:
        site.stop()
    print("Stopped, and nothing is left behind but build/ and the packages.",
          flush=True)


def print_logs(site: Site) -> None:
    for log in site.logs():
        print(f"--- {log.name}")
        if log.exists():
            print("\n".join(log.read_text().splitlines()[-15:]))
    print("---", flush=True)


def guarded(keeps: bool) -> int:
    try:
        demo(keeps)
    except FileNotFoundError as error:
        print(f"demo: {error} (is it built?)", flush=True)
        return 1
    except (Trouble, UsersMissing) as error:
        print(f"demo: {error}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", flush=True)
        return 130
    return 0


def main() -> int:
    keep.stop_in_order()
    if os.environ.get("KEEP", "") in ("", "0", "no"):
        return guarded(False)
    if os.environ.get("MSGRAPH_TEMPORARY_USERS"):
        return guarded(True)  # the users go when we do
    return keep.in_background(lambda: guarded(True))


if __name__ == "__main__":
    sys.exit(main())
