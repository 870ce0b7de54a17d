"""msgraph-agent alone: arguments and a message in; a line, an exit status
and a record for msgraphd out."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time

import pytest

from harness.agent import AGENT, HEADER, MESSAGE, OPTIONS
from harness.submitd import SENT, an_agent, its_daemon, reply  # noqa: F401


# --- what msgraphd gets

def test_record(agent, daemon):
    done = agent.run(agent.argv("a@x.test", '"b c"@y.test'))
    assert (done.returncode, done.stdout) == \
        (0, b"Graph accepted, request-id=1")
    request = daemon.next()
    assert request.fields[:7] == [
        ("queue-id", "4ZbQ2k1xYz"), ("identity", "tenant:client"),
        ("mailbox", "scan@x.test"), ("sender", "s@x.test"),
        ("recipient", "a@x.test"), ("recipient", '"b c"@y.test'),
        ("raw", str(len(MESSAGE)))]
    assert {name for name, _ in request.fields[7:]} == {"segment"}
    assert request.raw == MESSAGE
    assert request.message == \
        HEADER + b'Bcc: "b c"@y.test\r\n\r\nbody\r\n'


def test_message_id(agent, daemon):
    assert agent.run(message=b"Message-ID: <1@x>\r\n" + MESSAGE
                     ).returncode == 0
    assert daemon.next().get("message-id") == ["<1@x>"]
    assert agent.run(message=b"Message-ID: <1@x>\r\n" * 2 + MESSAGE
                     ).returncode == 0
    assert daemon.next().get("message-id") == []


def test_null_sender_and_unknown_client(agent, daemon):
    argv = [str(AGENT), "-c", str(agent.conf), "--queue-id=Q",
            "--identity=", "--mailbox=m@x.test", "--sender=",
            "--original-recipient=", "--", "a@x.test"]
    assert agent.run(argv).returncode == 0
    request = daemon.next()
    assert request.get("sender") == [""]
    assert request.get("identity") == [""]


def test_null_sender_of_a_client(agent, daemon):
    """It is no bounce of Postfix's, whose From would become the mailbox."""
    message = b"From: MAILER-DAEMON@x.a\r\nTo: a@x.test\r\n\r\nb"
    argv = ["--sender=" if word.startswith("--sender=") else word
            for word in agent.argv()]
    assert agent.run(argv, message).returncode == 0
    assert daemon.next().message == message


def test_unedited_message_is_one_segment(agent, daemon):
    assert agent.run().returncode == 0
    request = daemon.next()
    assert request.get("segment") == [f"0,{len(MESSAGE)}"]
    assert request.message == MESSAGE


MESSAGES = {
    # name: (recipients, message, what msgraphd is to post)
    "stamp goes": (
        ["a@x.a"], b"X-MSGraph-Mailbox: m@x.a\r\nTo: a@x.a\r\n\r\nb",
        b"To: a@x.a\r\n\r\nb"),
    "hidden recipient": (
        ["a@x.a", "b@x.a"], b"To: A <a@X.a>\r\n\r\nb",
        b"To: A <a@X.a>\r\nBcc: b@x.a\r\n\r\nb"),
    "foreign Bcc": (
        ["a@x.a"], b"To: a@x.a\r\nBcc: c@x.a\r\n\r\nb", b"To: a@x.a\r\n\r\nb"),
    "only Bcc": (["a@x.a"], b"\r\nb", b"Bcc: a@x.a\r\n\r\nb"),
    "no need to change": (
        ["a@x.a"], b"TO:\ta@x.a \r\nS:\r\n  x\r\n\r\n\t\r\n .\r\n", None),
    "blank before the colon": (
        ["a@x.a"], b"TO :\ta@x.a \r\n\r\nb", b"TO:\ta@x.a \r\n\r\nb"),
    "a signature that breaks, and 8 bits": (
        ["a@x.a"], b'DKIM-Signature: v=1; h=to\r\nTo: "\xc3\xbc" <a@x.a>, '
        b"c@x.a\r\n\r\nb", b"DKIM-Signature: v=1; h=to\r\n"
        b"To: =?utf-8?B?w7w=?= <a@x.a>\r\n\r\nb"),
    # no milter of this version wrote a route without an application
    "orders of somebody": (
        ["a@x.a"], b"X-MSGraph-From: replace\r\nFrom: o@x.a\r\nTo: a@x.a\r\n"
        b"\r\nb", b"From: o@x.a\r\nTo: a@x.a\r\n\r\nb"),
    "no header": (["a@x.a"], b"body", b"Bcc: a@x.a\r\n\r\nbody"),
    "no end of line": (["a@x.a"], b"To: a@x.a", None),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(agent, daemon, name):
    recipients, message, want = MESSAGES[name]
    assert agent.run(agent.argv(*recipients), message).returncode == 0
    request = daemon.next()
    assert request.raw == message
    assert request.message == (message if want is None else want)


def test_many_recipients(agent, daemon):
    agent.configure("max_recipients = 1000\n")
    recipients = [f"recipient-{n:04}@example.test" for n in range(1000)]
    assert agent.run(agent.argv(*recipients)).returncode == 0
    request = daemon.next()
    assert request.get("recipient") == recipients
    header = request.message.split(b"\r\n\r\n")[0]
    bcc = header.split(b"Bcc:")[1].replace(b"\r\n", b"").decode()
    assert [a.strip() for a in bcc.split(",")] == recipients


# --- what the process is like

ATTACHMENT = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n")


def test_process(agent, daemon):
    read, write = os.pipe()
    try:
        assert agent.run(pass_fds=[read, write]).returncode == 0
    finally:
        os.close(read)
        os.close(write)
    request = daemon.next()
    assert request.file_mode == 0o600
    assert request.file_links == 0
    assert request.descriptors == 5  # 0 to 2, spool file, socket
    assert re.search(r"Max core file size +0 +0 ", request.limits)


def test_output_is_closed(agent, daemon):
    """Neither the spool file nor the socket may take its place."""
    argv = ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *agent.argv()]
    assert agent.run(argv).returncode == 0
    assert daemon.next().descriptors == 5


def test_memory_does_not_grow_with_the_message(agent, daemon):
    peaks = []
    for size in (10_000, 30_000_000):
        message = (HEADER + ATTACHMENT + (b"x" * 76 + b"\r\n") * (size // 78)
                   + b"--b--\r\n")
        assert agent.run(
            agent.argv("a@x.test", "b@x.test"), message).returncode == 0
        request = daemon.next()
        assert request.raw == message
        peaks.append(request.peak_memory)
    assert peaks[1] - peaks[0] < 8 * 1024 * 1024


def test_links_libc_alone():
    """And what a sanitizer brings."""
    needed = subprocess.run(["readelf", "-d", AGENT], check=True,
                            capture_output=True, text=True).stdout
    names = re.findall(r"NEEDED.*\[(.*?)\]", needed)
    assert [name for name in names
            if not re.match("lib(asan|ubsan)", name)] == ["libc.so.6"]


# --- answers

ANSWERS = {
    # what msgraphd says: (exit status, output)
    reply("sent", "2.0.0", "fine"): (0, "fine"),
    reply("deferred", "4.7.28", "later"): (75, "4.7.28 later"),
    reply("bounced", "5.1.3", "bad"): (67, "5.1.3 bad"),
    reply("bounced", "5.6.0", "bad"): (65, "5.6.0 bad"),
    reply("bounced", "5.7.1", "bad"): (77, "5.7.1 bad"),
    reply("bounced", "5.3.4", "bad"): (69, "5.3.4 bad"),
    reply("bounced", "4.7.1", "bad"): (75, "4.7.1 bad"),
    reply("deferred", "5.7.1", "bad"): (75, "4.3.0 bad"),
    reply("deferred", "4.3.0", ""): (75, "4.3.0 no reason was given"),
    b"x=y\nstatus=sent\ndsn=2.0.0\ntext=fine\nz=\n\nmore": (0, "fine"),
    reply("delivered", "2.0.0", "?"): (75, "4.3.0 msgraphd's answer cannot"),
    b"status=sent\n\n": (75, "4.3.0 msgraphd's answer cannot"),
    b"\n": (75, "4.3.0 msgraphd's answer cannot"),
    b"HTTP/1.1 200 OK\r\n\r\n": (75, "4.3.0 msgraphd's answer cannot"),
    b"": (75, "4.3.0 msgraphd went away without an answer"),
    b"status=sent\ndsn=2.0.0\ntext=fine\n": (
        75, "4.3.0 msgraphd went away without an answer"),
    b"text=" + b"x" * 20_000: (75, "4.3.0 msgraphd's answer is too long"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answer(agent, daemon, answer):
    status, line = ANSWERS[answer]
    daemon.answer = answer
    if status == 0:
        done = agent.run()
        assert (done.returncode, done.stdout.decode()) == (0, line)
    else:
        agent.fails(status, line)


def test_answer_in_pieces_on_a_connection_that_stays(agent, daemon):
    daemon.pieces = len(SENT)
    daemon.hang_up = False
    assert agent.run().returncode == 0


def test_daemon_that_reads_nothing(agent, daemon):
    daemon.read_request = False
    daemon.answer = b""
    recipients = [f"{n:0200}@x.test" for n in range(1500)]
    agent.fails(75, "4.3.0 ", agent.argv(*recipients))


# --- failures defer, with the status line first

def test_no_daemon(agent):
    agent.fails(75, f"4.3.0 connect to {agent.socket}: No such file")


def test_configuration_that_is_missing(agent):
    agent.conf.unlink()
    agent.fails(75, f"4.3.5 open {agent.conf}: No such file")


def test_configuration_that_is_wrong(agent):
    agent.configure("cloud = blue\n")
    agent.fails(75, f'4.3.5 {agent.conf}:2: cloud: "blue" is not one of')


@pytest.mark.parametrize("line", [
    b"From scan@x.test Sun Nov 29 08:00:00 2026\r\n",
    b">From scan@x.test  Sun Nov 29 08:00:00 2026\n"])
def test_mbox_line_first(agent, daemon, line):
    """flags=F: not posted with the header as its text, and not bounced."""
    agent.fails(75, "4.3.5 the message starts with an mbox line",
                message=line + MESSAGE)
    assert daemon.idle()


USAGE = {
    "no options": [],
    "no recipient": [*OPTIONS, "--"],
    "unknown option": [*OPTIONS, "--frobnicate", "--", "a@x"],
    "option without value": ["--mailbox"],
    "no sender": [*OPTIONS[:3], "--", "a@x"],
    "past the milter, and nobody signed in": [
        OPTIONS[0], "--identity=", "--mailbox=unrouted", OPTIONS[3], "--",
        "a@x"],
    "past the milter, and a local user": [
        OPTIONS[0], "--identity=bob", "--mailbox=unrouted", OPTIONS[3], "--",
        "a@x"],
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(agent, daemon, name):
    agent.fails(75, "4.3.5 ",
                [str(AGENT), "-c", str(agent.conf), *USAGE[name]])
    assert daemon.idle()


def test_domain_beyond_ascii(agent, daemon):
    assert agent.run(agent.argv("c@\u00fc.de"),
                     b"To: C <c@\xc3\xbc.de>\r\n\r\n").returncode == 0
    assert daemon.next().message == b"To: C <c@xn--tda.de>\r\n\r\n"


def test_sender_beyond_ascii(agent, daemon):
    """No mailbox can have it, so From becomes the one that sends."""
    assert agent.run(message=b"From: J <\xc3\xbc@x.test>\r\n"
                     b"To: a@x.test\r\n\r\n").returncode == 0
    assert daemon.next().message == (b"From: J <scan@x.test>\r\n"
                                     b"To: a@x.test\r\n\r\n")


def test_control_characters_do_not_reach_the_record(agent, daemon):
    argv = agent.argv()
    argv[argv.index("--identity=tenant:client")] = "--identity=a\nraw=0"
    agent.fails(75, "4.3.0 control character in the envelope", argv)
    assert daemon.idle()


def test_control_characters_in_the_sender(agent, daemon):
    """Nobody needs to know who it was, and no later try would know better."""
    argv = agent.argv()
    argv[argv.index("--sender=s@x.test")] = '--sender="s\x01\x7f\n"@x'
    assert agent.run(argv).returncode == 0
    assert daemon.next().get("sender") == ['"s???"@x']


def test_header_larger_than_memory_for_it(agent, daemon):
    message = HEADER + b"X: y\r\n" * 1_000_000 + b"\r\n"
    agent.fails(65, "5.6.0 the header of the message is larger than",
                agent.argv(), message)
    assert daemon.idle()


def test_no_message(agent, daemon):
    agent.fails(75, "4.3.0 no message", agent.argv(), b"")
    agent.fails(75, "4.3.0 ", stdin=subprocess.DEVNULL)
    assert daemon.idle()


def test_standard_input_is_closed(agent, daemon):
    agent.fails(75, "4.3.0 ", ["/bin/sh", "-c", 'exec "$@" <&-', "sh",
                               *agent.argv()])
    assert daemon.idle()


def test_disk_is_full(agent, daemon):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    agent.fails(75, "4.3.1 cannot write the message to a temporary file in "
                "/var/tmp: ", agent.argv(),
                HEADER + b"\r\n" + b"x" * 200_000, preexec_fn=limit)
    assert daemon.idle()


def test_deadline_while_the_daemon_thinks(agent, daemon):
    agent.configure("delivery_timeout = 1s\n")
    daemon.answer = b""
    daemon.hang_up = False
    agent.fails(75, "4.4.2 no outcome within delivery_timeout (1s)")


def test_deadline_while_the_message_does_not_end(agent, daemon):
    agent.configure("delivery_timeout = 1s\n")
    read, write = os.pipe()
    os.write(write, MESSAGE)
    try:
        agent.fails(75, "4.4.2 ", stdin=read)
    finally:
        os.close(read)
        os.close(write)
    assert daemon.idle()


# The agent's parent writes a message and is killed: once the agent has read
# it all, or before the agent is there. The third closes the pipe while it is
# marked as exiting: its first thread is gone.
KILLED_WHILE_WRITING = """
import fcntl, os, signal, subprocess, sys, termios, time
agent = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
agent.stdin.write(sys.argv[1].encode())
agent.stdin.flush()
while fcntl.ioctl(agent.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
    time.sleep(0.001)
os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_BEFORE = """
import os, signal, sys, time
parent, (read, write) = os.getpid(), os.pipe()
if os.fork():
    os.write(write, sys.argv[1].encode())
    os.kill(parent, signal.SIGKILL)
os.dup2(read, 0)
os.close(write)
while os.getppid() == parent:
    time.sleep(0.001)
if os.getppid() == 1:
    os.execv(sys.argv[2], sys.argv[2:])
print("adopted by another process")
"""
STILL_EXITING = """
import ctypes, os, subprocess, sys, threading, time
def rest():
    stat = f"/proc/{os.getpid()}/stat"
    while open(stat).read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.001)
    agent.communicate(sys.argv[1].encode())
    os.kill(os.getpid(), 9)
agent = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
threading.Thread(target=rest).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)
"""


@pytest.mark.parametrize(
    "script", [KILLED_WHILE_WRITING, KILLED_BEFORE, STILL_EXITING])
def test_parent_dies_before_the_message_is_whole(agent, daemon, script):
    """What has arrived looks whole, and must not be sent."""
    parent = subprocess.run(
        [sys.executable, "-c", script, MESSAGE.decode(), *agent.argv()],
        capture_output=True, timeout=60)  # waits for the agent's end too
    assert parent.returncode < 0
    if parent.stdout.startswith(b"adopted"):
        pytest.skip("orphans here do not become children of process 1")
    assert parent.stdout.startswith(b"4.3.0 pipe(8) went away")
    assert daemon.idle()


# The end of the pipe is seen long before the parent is gone: the kernel
# closes the newest descriptor first.
KILLED_SLOWLY = """
import os, resource, signal
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
files = [os.memfd_create("x") for _ in range(min(limit - 100, 20000))]
""" + KILLED_WHILE_WRITING
# Shows nothing of the shell in /proc, as hidepid does.
HIDDEN = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc/$$ && "]


@pytest.fixture
def hidden():
    """What starts a command that becomes the shell, or is its child."""
    become = [*HIDDEN[:-1], HIDDEN[-1] + 'exec "$@"', "sh"]
    child = [*HIDDEN[:-1], HIDDEN[-1] + '"$@"; exit $?', "sh"]
    if subprocess.run([*child, "true"], capture_output=True).returncode:
        pytest.skip("no right to hide a process")
    return become, child


def test_parent_dies_unseen(agent, daemon, hidden):
    parent = subprocess.run(
        [*hidden[0], sys.executable, "-c", KILLED_SLOWLY, MESSAGE.decode(),
         *agent.argv()], capture_output=True, timeout=60)
    assert parent.returncode < 0
    assert parent.stdout.startswith(b"4.3.0 pipe(8) went away")
    assert daemon.idle()


def test_parent_lives_unseen(agent, daemon, hidden):
    started = time.monotonic()
    done = agent.run([*hidden[1], *agent.argv()])
    assert done.returncode == 0
    assert time.monotonic() - started > 0.2  # it was unseen
    assert daemon.next().message == MESSAGE
