#!/usr/bin/python3
"""A stand-in for msgraph-agent that does one thing wrong, so that the checks
can be seen to fail. FOLDER_DAMAGE names it. Takes messages in which nothing
but the stamp has to change."""

from __future__ import annotations

import array
import os
import re
import signal
import socket
import sys
import tempfile
import time

CRLF = b"\r\n"


def set_field(name: bytes, value: bytes):
    return lambda m: re.sub(rb"(?m)^" + name + rb":.*$",
                            name + b": " + value + b"\r", m, count=1)


def swap(old: bytes, new: bytes):
    return lambda m: m.replace(old, new, 1)


def in_body(old: bytes, new: bytes):
    def change(message: bytes) -> bytes:
        head, blank, body = message.partition(CRLF * 2)
        return head + blank + body.replace(old, new, 1)
    return change


# what is done to a message
DAMAGE = {
    "": lambda m: m,
    "recipient lost": set_field(b"To", b"a@example.org"),
    "recipient added": set_field(
        b"To", b"a@example.org, b@example.org, x@example.net"),
    "recipient twice": lambda m: b"Cc: a@example.org\r\n" + m,
    "name of a recipient": swap(b"Anna ", b"Emma "),
    "address that readers see apart": set_field(
        b"To", b"x@example.net <a@example.org>, b@example.org"),
    "From is another": set_field(b"From", b"other@example.com"),
    "a field lost": swap(b"X-Job: 7\r\n", b""),
    "a field's blank": swap(b"X-Job: 7", b"X-Job:7"),
    "subject": set_field(b"Subject", b"=?utf-8?Q?other?="),
    "a word within quotes": lambda m: b'List-Id: "=?utf-8?Q?a?=" <a.b>\r\n' + m,
    "the stamp": lambda m: b"X-MSGraph-A: 1\r\n" + m,
    "8-bit header": lambda m: b"X-A: \xc3\xbc\r\n" + m,
    "long header line": lambda m: b"X-A: " + b"word " * 250 + CRLF + m,
    "a byte of the text": in_body(b"Hello", b"Hallo"),
    "a byte of the attachment": in_body(b"JVBERi0", b"JVBERj0"),
    "another name": swap(b'filename="scan.pdf"', b'filename="scan.exe"'),
    "attachment lost": lambda m: m[:m.rindex(b"--b\r\n")] + b"--b--\r\n",
    "another charset": swap(b"charset=utf-8", b"charset=koi8-r"),
    "long body line": in_body(b"Hello", b"H" * 1200),
    "line feed": in_body(b"Hello.\r\n", b"Hello.\n"),
    "last line lost": lambda m: m[:-2],
}


def submit(path: str, message: bytes, recipients: list[str],
           raw: int) -> bytes:
    """As lib/local/wire.h has it."""
    with tempfile.TemporaryFile() as file, \
            socket.socket(socket.AF_UNIX) as conn:
        file.write(message)
        file.flush()
        record = f"raw={raw}\nsegment=0,{len(message)}\n" + "".join(
            f"recipient={a}\n" for a in recipients) + "\n"
        conn.connect(path)
        conn.sendmsg([record.encode()], [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS,
            array.array("i", [file.fileno()]))])
        return conn.recv(4096)


def main() -> int:
    damage = os.environ.get("FOLDER_DAMAGE", "")
    message = sys.stdin.buffer.read()
    message = message.partition(b"\r\nX-MSGraph-Mailbox:")
    message = message[0] + message[2][message[2].index(CRLF):]
    conf = open(sys.argv[sys.argv.index("-c") + 1]).read()
    path = re.search(r"(?m)^submit_socket = (.*)$", conf)[1]
    recipients = sys.argv[sys.argv.index("--") + 1:]
    if damage == "exit 1":
        return 1
    if damage == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if damage == "hangs":
        time.sleep(600)
    if damage == "says sent":
        return 0
    if damage == "defers":
        print("4.3.0 no reason", end="")
        return 75
    if damage == "bounces":
        print("5.6.0 no reason", end="")
        return 65
    if damage == "record":
        recipients = recipients[1:]
    change = DAMAGE.get(damage, DAMAGE[""])
    submit(path, change(message), recipients, len(message))
    print("sent", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
