"""Ports of 127.0.0.1 for servers that somebody else starts."""

from __future__ import annotations

import random
import socket

# Below those that Linux gives to whoever connects or asks for any port: one of
# these could be somebody's by the time that the server opens it.
PORTS = range(20000, 32768)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, and nobody gets by chance."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if len(found) == count:
            return found
        if is_free(port):
            found.append(port)
    raise OSError("no free ports")


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
