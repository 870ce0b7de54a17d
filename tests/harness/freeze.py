"""Stops some threads of a process, as a fault in them would, while the others go
on (ptrace(2), PTRACE_SEIZE)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
ALL = 0x40000000  # __WALL: threads too

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, thread: int) -> None:
    if libc.ptrace(request, thread, None, None) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def frozen(threads: list[int]) -> Iterator[None]:
    """Within, these threads stand still."""
    for thread in threads:
        ptrace(SEIZE, thread)
        ptrace(INTERRUPT, thread)
        os.waitpid(thread, ALL)
    try:
        yield
    finally:
        for thread in threads:
            ptrace(DETACH, thread)
