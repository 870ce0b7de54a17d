"""A command in a network of its own, where nobody listens on any port."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Postfix wants the loopback interface up: SIOCSIFFLAGS with IFF_UP.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
ALONE = ["unshare", "--net", sys.executable, "-c", LOOPBACK_UP]

# Some containers do not let root have one.
needs_network = pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True,
                   check=False).returncode != 0,
    reason="no network of one's own is to be had here")
