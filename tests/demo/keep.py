"""Leaving the demo running after its command has returned.

A child with no terminal does everything, and what it prints comes here
through a pipe. When it has nothing more to say it closes that and goes on, and
the command ends.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

READY = 20  # the descriptor by which a child says that it stays


def stop_in_order() -> None:
    """SIGTERM ends the demo as Ctrl-C does: what was started is stopped."""
    def handler(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def until_told() -> None:
    """Waits for the signal; nobody listens to what we print from now on."""
    if os.environ.get("MSGRAPH_TEMPORARY_USERS"):
        print("       or Ctrl-C", flush=True)
    else:
        os.write(READY, b"1")
        silence()
    while True:
        signal.pause()


def silence() -> None:
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2, READY):
        os.dup2(null, number)
    os.close(null)


def in_background(work: Callable[[], int]) -> int:
    """Runs work() in a child and returns when that is in until_told(), or
    its status if it does not come so far."""
    output, ready = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        become_child(work, output, ready)
    os.close(output[1])
    os.close(ready[1])
    try:
        relay(output[0])
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        relay(output[0])
    if os.read(ready[0], 1):
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become_child(work: Callable[[], int], output: tuple[int, int],
                 ready: tuple[int, int]) -> NoReturn:
    status = 1
    try:
        os.setsid()
        for number in (1, 2):
            os.dup2(output[1], number)
        os.dup2(ready[1], READY, inheritable=False)
        for number in {*output, *ready} - {READY}:
            os.close(number)
        status = work()
    except BaseException:  # it must not go on as if it were the parent
        traceback.print_exc()
    finally:
        os._exit(status)


def relay(reader: int) -> None:
    while data := os.read(reader, 4096):
        sys.stdout.write(data.decode(errors="replace"))
        sys.stdout.flush()
